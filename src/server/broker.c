/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/broker_main.h"
#include "base/poison.h"

enum {
	FALLBACK_WEB_ID =
		58101, /* where the packaged users don't exist: from the range that nobody gives out */
	FALLBACK_AUTH_ID = 58102,
	BACKLOG = 1024,
};

int64_t broker_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void broker_audit(struct broker *b, enum bw_event event, bool failed, const char *user,
	const char *address, const char *text)
{
	union bw_message m = { .audit = { .h.type = BW_AUDIT, .event = event, .failed = failed } };

	BW_PUT(m.audit.user, user ? user : "");
	BW_PUT(m.audit.address, address ? address : "");
	BW_PUT(m.audit.text, text ? text : "");
	if (b->auth.fd >= 0)
		broker_wire_send(b->auth.fd, &m, NULL, 0);
}

static void look_up_user(const char *name, uint32_t fallback, uint32_t *ret_uid, uint32_t *ret_gid)
{
	const struct passwd *found = getpwnam(name);

	*ret_uid = found && found->pw_uid ? found->pw_uid : fallback;
	*ret_gid = found && found->pw_uid ? found->pw_gid : fallback;
}

/* ROOT/auth belongs to auth and to nobody else; what root's umask or a restored backup left there is put right. */
static int own_folder(const char *path, uint32_t uid, uint32_t gid, struct md_error *err)
{
	_auto_close_ int fd = -1;

	if (file_mkdirs(path, 0700) < 0)
		return md_fail_errno(err, "make the folder '%s'", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0700) < 0 || fchown(fd, uid, gid) < 0)
		return md_fail_errno(err, "own the folder '%s'", path);
	return 0;
}

/* Passing through the folders above must be possible for another uid only by chroot(2), done as root: no mode is changed there. */
static int make_folders(struct broker *b, struct md_error *err)
{
	struct bw_settings *s = &b->settings;
	_auto_free_ char *auth_dir = str_format("%s/auth", b->config.root);
	_auto_free_ char *empty = str_format("%s/empty", b->config.state);

	if (!auth_dir || !empty)
		return md_fail(err, ENOMEM, "no memory");
	if (strlen(auth_dir) >= BW_PATH_SIZE || strlen(empty) >= BW_PATH_SIZE)
		return md_fail(err, ENAMETOOLONG, "--root '%s'", b->config.root);
	BW_PUT(s->auth_dir, auth_dir);
	BW_PUT(s->empty_dir, empty);
	if (own_folder(auth_dir, s->auth_uid, s->auth_gid, err) < 0)
		return -1;
	return own_folder(empty, 0, 0, err);
}

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Beside a build folder's programs or in an installation. */
static int find_assets(struct broker *b, struct md_error *err)
{
	static const char *const places[] = { "../share/minidocker/web", "../web" };
	_auto_free_ char *self = realpath("/proc/self/exe", NULL);
	char *slash = self ? strrchr(self, '/') : NULL;

	if (b->config.assets) {
		_auto_free_ char *full = realpath(b->config.assets, NULL);

		if (!full || !is_dir(full) || strlen(full) >= BW_PATH_SIZE)
			return md_fail(err, ENOENT,
				"--assets '%s': no such folder (make page builds it)",
				b->config.assets);
		BW_PUT(b->settings.assets, full);
		return 0;
	}
	if (slash)
		*slash = '\0';
	for (size_t i = 0; slash && i < ARRAY_SIZE(places); i++) {
		_auto_free_ char *path = str_format("%s/%s", self, places[i]);

		if (path && is_dir(path) && strlen(path) < BW_PATH_SIZE) {
			BW_PUT(b->settings.assets, path);
			return 0;
		}
	}
	return md_fail(
		err, ENOENT, "the page's files are not found: build them or give --assets DIR");
}

static int find_mdocker(struct broker *b, struct md_error *err)
{
	b->mdocker =
		b->config.mdocker ? strdup(b->config.mdocker) : file_sibling_program("mdocker");
	if (!b->mdocker)
		return md_fail(
			err, ENOENT, "the program mdocker is not found: give --mdocker PATH");
	if (access(b->mdocker, X_OK) < 0)
		return md_fail_errno(err, "--mdocker '%s'", b->mdocker);
	return 0;
}

static int open_listener(struct broker *b, struct md_error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *found = NULL;
	struct sockaddr_storage bound;
	socklen_t len = sizeof(bound);
	char port[8];
	int r, on = 1;

	snprintf(port, sizeof(port), "%u", b->address.port);
	r = getaddrinfo(b->address.host, port, &hints, &found);
	if (r != 0)
		return md_fail(err, EINVAL, "--listen %s: %s", b->config.listen, gai_strerror(r));
	b->listen_fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (b->listen_fd >= 0)
		setsockopt(b->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (b->listen_fd < 0 || bind(b->listen_fd, found->ai_addr, found->ai_addrlen) < 0 ||
		listen(b->listen_fd, BACKLOG) < 0 ||
		getsockname(b->listen_fd, (struct sockaddr *)&bound, &len) < 0) {
		md_fail_errno(err, "listen on %s", b->config.listen);
		freeaddrinfo(found);
		return -1;
	}
	freeaddrinfo(found);
	b->settings.port =
		ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
						  : ((struct sockaddr_in *)&bound)->sin_port);
	return 0;
}

static void reload(struct broker *b)
{
	struct md_error err = MD_ERROR_INIT;

	if (!b->settings.tls || b->web.fd < 0)
		return;
	if (broker_send_tls(b, &err) < 0)
		log_error("reload: %s; the old certificate stays", err.msg);
	else
		log_info("the certificate was read again");
}

static void on_signal(struct loop_source *s, uint32_t events _unused_)
{
	struct broker *b = s->data;
	int sig;

	while ((sig = loop_take_signal(s)) > 0) {
		if (sig == SIGHUP) {
			reload(b);
			continue;
		}
		log_info("stopped; workspaces go on running (mdocker stop --all ends them)");
		broker_audit(b, BW_EVENT_SERVER, false, NULL, NULL, "stopped");
		loop_stop(&b->loop);
	}
}

static int prepare(struct broker *b, struct md_error *err)
{
	sigset_t set;

	if (config_parse_listen(b->config.listen, &b->address, err) < 0 ||
		config_settle(&b->config, &b->address, &b->settings, err) < 0)
		return -1;
	if (geteuid() != 0)
		return md_fail(err, EPERM,
			"mdockerd must be started by root; its processes that talk to the "
			"network give that up");
	look_up_user(
		b->config.web_user, FALLBACK_WEB_ID, &b->settings.web_uid, &b->settings.web_gid);
	look_up_user(b->config.auth_user, FALLBACK_AUTH_ID, &b->settings.auth_uid,
		&b->settings.auth_gid);
	if (find_assets(b, err) < 0 || find_mdocker(b, err) < 0 || open_listener(b, err) < 0 ||
		make_folders(b, err) < 0)
		return -1;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (loop_open(&b->loop) < 0 ||
		loop_add_signals(&b->loop, &b->signals, &set, on_signal, b) < 0)
		return md_fail_errno(err, "make the event loop");
	return 0;
}

/* Where memory is short the kernel takes a process of a workspace (+500) before one of ours, if the host lets us say so; what we
 * start inherits it. */
static void ask_to_be_spared(void)
{
	static const char knob[] = "/proc/self/oom_score_adj";
	enum { SCORE = -500 };
	_auto_free_ char *now = NULL;
	size_t len;

	if (file_read(AT_FDCWD, knob, 16, &now, &len) == 0 && strtol(now, NULL, 10) > SCORE &&
		file_write_knob(AT_FDCWD, knob, "-500") < 0)
		log_debug("oom_score_adj: %s", strerror(errno));
}

static void broker_done(struct broker *b)
{
	broker_stop_prune(b);
	broker_stop_firewall(b);
	broker_stop_balance(b);
	broker_drop_requests(b);
	broker_open_done(b);
	fd_close(&b->listen_fd);
	fd_close(&b->first_web_fd);
	free(b->mdocker);
	config_done(&b->config);
}

int broker_main(const struct server_config *config, char *self)
{
	static struct broker b;
	struct md_error err = MD_ERROR_INIT;

	b.config = *config;
	b.self = self;
	b.listen_fd = b.first_web_fd = b.auth.fd = b.web.fd = -1;
	b.signals = b.prune.timer = b.prune.process = b.watch =
		(struct loop_source)LOOP_SOURCE_INIT;
	b.firewall.events = b.firewall.timer = b.firewall.process =
		(struct loop_source)LOOP_SOURCE_INIT;
	b.prune.pidfd = b.balance.pidfd = b.firewall.pidfd = b.firewall.fd = -1;
	b.balance.process = (struct loop_source)LOOP_SOURCE_INIT;
	if (prepare(&b, &err) < 0) {
		log_error("%s", err.msg);
		broker_done(&b);
		return 1;
	}
	log_open(STDERR_FILENO, LOG_INFO, false);
	ask_to_be_spared();
	if (broker_start_children(&b, &err) < 0 || broker_start_prune(&b, &err) < 0 ||
		broker_start_firewall(&b, &err) < 0 || broker_start_watch(&b, &err) < 0) {
		log_error("%s", err.msg);
		b.exit_code = 1;
	} else {
		broker_start_balance(&b);
		if (loop_run(&b.loop) < 0) {
			log_error("event loop: %s", strerror(errno));
			b.exit_code = 1;
		}
	}
	broker_stop_children(&b);
	broker_done(&b);
	return b.exit_code;
}
