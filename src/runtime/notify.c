/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sock.h"
#include "base/str.h"
#include "sys/kernel.h"
#include "base/poison.h"

/* An abstract address names no place in the container; this one is as good as any. */
#define PLACE_OF_ABSTRACT "/run/notify"

enum { MESSAGE_CEILING = 4096, BARRIER_MS = 5000 };

/* ---- offering it ---- */

static int add_mount(
	struct oci_spec *spec, const char *source, const char *destination, struct md_error *err)
{
	struct oci_mount *mounts = arena_new(&spec->arena, struct oci_mount, spec->mount_count + 1);
	struct oci_mount *m;

	if (!mounts)
		return md_fail(err, ENOMEM, "out of memory");
	if (spec->mount_count)
		memcpy(mounts, spec->mounts, spec->mount_count * sizeof(*mounts));
	m = &mounts[spec->mount_count];
	*m = (struct oci_mount){ .flags = MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC };
	m->source = arena_str(&spec->arena, source);
	m->destination = arena_str(&spec->arena, destination);
	if (!m->source || !m->destination)
		return md_fail(err, ENOMEM, "out of memory");
	spec->mounts = mounts;
	spec->mount_count++;
	return 0;
}

static int set_env(struct oci_spec *spec, const char *place, struct md_error *err)
{
	struct oci_strs *env = &spec->process->env;
	char **items = arena_new(&spec->arena, char *, env->count + 1);
	_auto_free_ char *text = str_format("NOTIFY_SOCKET=%s/notify", place);
	size_t count = 0;

	if (!items || !text)
		return md_fail(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < env->count; i++) {
		if (!str_starts(env->items[i], "NOTIFY_SOCKET="))
			items[count++] = env->items[i];
	}
	items[count] = arena_str(&spec->arena, text);
	if (!items[count])
		return md_fail(err, ENOMEM, "out of memory");
	*env = (struct oci_strs){ items, count + 1 };
	return 0;
}

static bool is_address(const char *host)
{
	return host && (host[0] == '/' || host[0] == '@') && host[1] &&
	       strlen(host) < sizeof(((struct sockaddr_un *)0)->sun_path);
}

int notify_offer(
	const char *host, const struct state_dir *d, struct oci_spec *spec, struct md_error *err)
{
	const char *place = host && host[0] == '@' ? PLACE_OF_ABSTRACT : host;
	_auto_free_ char *folder = NULL;

	if (!is_address(host) || !spec->process || !spec->ns[OCI_NS_MOUNT].set)
		return 0;
	folder = str_format("%s/notify", d->path);
	if (!folder || mkdirat(d->fd, "notify", 0755) < 0 || fchmodat(d->fd, "notify", 0755, 0) < 0)
		return md_fail_errno(err, "make the folder of NOTIFY_SOCKET");
	if (add_mount(spec, folder, place, err) < 0)
		return -1;
	return set_env(spec, place, err);
}

/* ---- passing it on ---- */

int notify_open(struct notify *n, const char *host, const struct state_dir *d, struct md_error *err)
{
	_auto_free_ char *path = NULL;
	_auto_close_ int fd = -1;

	if (!is_address(host) || faccessat(d->fd, "notify", F_OK, 0) < 0)
		return 0;
	path = str_format("%s/notify/notify", d->path);
	fd = path ? sock_bind(path, SOCK_DGRAM) : -1;
	/* The container's users are no user of ours; the folder above is closed to all others. */
	if (fd < 0 || fchmodat(d->fd, "notify/notify", 0777, 0) < 0)
		return md_fail_errno(err, "make the container's NOTIFY_SOCKET");
	n->host = host;
	n->fd = take_fd(&fd);
	return 0;
}

/* Has one of the lines the word? */
static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, line, len) == 0 && (at[len] == '\n' || at[len] == '\0'))
			return true;
	}
	return false;
}

static int connect_host(const char *host)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	_auto_close_ int fd = -1;
	size_t len = strlen(host);

	if (host[0] != '@')
		return sock_connect(host, SOCK_DGRAM);
	memcpy(addr.sun_path + 1, host + 1, len - 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return -1;
	return take_fd(&fd);
}

/* systemd finds the unit by the sender's process: it must have read the message before that ends. It closes the descriptor that
 * comes with BARRIER=1 then (sd_notify_barrier(3)). */
static void await_reading(int host)
{
	_auto_close_ int end = -1;
	_auto_close_ int sent = -1;
	struct pollfd p = { .events = 0 };
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return;
	end = pair[0];
	sent = pair[1];
	if (sock_send(host, "BARRIER=1", strlen("BARRIER=1"), &sent, 1) < 0)
		return;
	fd_close(&sent);
	p.fd = end;
	(void)poll(&p, 1, BARRIER_MS);
}

static void tell_host(const struct notify *n)
{
	_auto_close_ int fd = connect_host(n->host);
	char text[64] = "READY=1";

	if (n->main_pid)
		snprintf(text, sizeof(text), "MAINPID=%d\nREADY=1", (int)n->main_pid);
	if (fd < 0 || sock_send(fd, text, strlen(text), NULL, 0) < 0)
		log_warning("tell NOTIFY_SOCKET '%s': %s", n->host, strerror(errno));
	else if (n->main_pid)
		await_reading(fd);
}

void notify_take(struct notify *n)
{
	char text[MESSAGE_CEILING];
	ssize_t len;

	while (n->fd >= 0) {
		len = recv(n->fd, text, sizeof(text) - 1, MSG_DONTWAIT);
		if (len < 0)
			return;
		text[len] = '\0';
		if (!has_line(text, "READY=1"))
			continue;
		tell_host(n);
		notify_close(n);
	}
}

void notify_wait(struct notify *n, pid_t pid)
{
	_auto_close_ int process = n->fd >= 0 ? sys_pidfd_open(pid) : -1;
	bool ended = process < 0;

	while (n->fd >= 0 && !ended) {
		struct pollfd p[] = { { .fd = n->fd, .events = POLLIN },
			{ .fd = process, .events = POLLIN } };

		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return;
		ended = p[1].revents != 0;
		notify_take(n);
	}
}

void notify_close(struct notify *n)
{
	fd_close(&n->fd);
}
