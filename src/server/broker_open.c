/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sock.h"
#include "base/spawn.h"
#include "base/str.h"
#include "json/json_read.h"
#include "recording/store.h"
#include "server/guard.h"
#include "server/templates.h"
#include "wire/shim_wire.h"
#include "base/poison.h"

enum {
	ERROR_BYTES = 4096,
	LIST_BYTES = 1 << 20,
	MAX_ARGS = 16 + CONFIG_MAX_WORKSPACE,
	TEMPLATE_BYTES = 128,
	/* Exit codes of `mdocker recordings` and of `mdocker workspace open --no-start`. */
	EXIT_NOT_FOUND = 3,
	EXIT_NOT_ALLOWED = 4,
};

enum request_state {
	WAITS_FOR_AUTH,
	WAITS_FOR_RUN, /* its turn comes in pump() */
	RUNS,
};

/* One request of web on its way: the token is checked with auth, then `mdocker` runs for it (unless the socket of the
 * workspace is known and answers), then web is told. */
struct broker_request {
	struct broker *broker;
	struct broker_request *next;
	enum request_state state;
	struct bw_open asked;
	uint32_t check_id;
	bool stopped;              /* RESTART: the first of its two runs is over */
	bool unwanted;             /* the web that asked is gone; mdocker is let run to its end */
	struct bw_session session; /* once checked: who it is, and what a link allows */
	const char *owner;         /* then: whose workspace it is about */
	bool foreign;              /* another's than who asks, who is an admin */

	pid_t pid;
	int pidfd, out_fd, err_fd;
	struct loop_source process, out, errors, timeout;
	struct buf out_text, err_text;
	char template[TEMPLATE_BYTES]; /* "--template=NAME" */
};

/* For the audit log: who did what to whom. */
static void audit_foreign(
	const struct broker_request *q, enum bw_event event, bool failed, const char *what)
{
	char text[BW_TEXT_SIZE];

	snprintf(text, sizeof(text), "%s of %s", what, q->owner);
	broker_audit(q->broker, event, failed, q->session.user, q->asked.address, text);
}

static bool wants_open(const struct broker_request *q)
{
	return q->asked.h.type == BW_OPEN || (q->asked.action == BW_WS_RESTART && q->stopped);
}

static struct broker_workspace *find_workspace(struct broker *b, const char *name)
{
	struct broker_workspace *w = b->workspaces;

	while (w && !str_eq(w->name, name))
		w = w->next;
	return w;
}

static void forget_workspace(struct broker *b, const char *name)
{
	for (struct broker_workspace **at = &b->workspaces; *at; at = &(*at)->next) {
		struct broker_workspace *w = *at;

		if (!str_eq(w->name, name))
			continue;
		*at = w->next;
		free(w->socket);
		free(w);
		return;
	}
}

static void remember_workspace(struct broker *b, const char *name, const char *socket)
{
	struct broker_workspace *w = calloc(1, sizeof(*w));

	forget_workspace(b, name);
	if (!w)
		return;
	w->socket = strdup(socket);
	if (!w->socket) {
		free(w);
		return;
	}
	BW_PUT(w->name, name);
	w->next = b->workspaces;
	b->workspaces = w;
}

/* Forgets the run; the process, if it is still there, goes on. */
static void stop_run(struct broker_request *q)
{
	struct loop *l = &q->broker->loop;
	struct loop_source *sources[] = { &q->process, &q->out, &q->errors, &q->timeout };

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		if (sources[i]->fd >= 0)
			loop_remove(l, sources[i]);
	}
	fd_close(&q->pidfd);
	fd_close(&q->out_fd);
	fd_close(&q->err_fd);
	buf_done(&q->out_text);
	buf_done(&q->err_text);
	if (q->state == RUNS) {
		q->broker->run_count--;
		q->state = WAITS_FOR_RUN;
	}
}

static void request_free(struct broker_request *q)
{
	struct broker *b = q->broker;

	stop_run(q);
	for (struct broker_request **at = &b->requests; *at; at = &(*at)->next) {
		if (*at == q) {
			*at = q->next;
			b->request_count--;
			break;
		}
	}
	explicit_bzero(q, sizeof(*q));
	free(q);
}

/* Answers and frees. `fd` (borrowed) goes along when it is not -1. */
static void answer(struct broker_request *q, enum bw_status status, const char *text, int fd)
{
	struct broker *b = q->broker;
	union bw_message m = { .opened = { .h = { .type = BW_OPENED, .id = q->asked.h.id } } };

	if (q->asked.h.type == BW_WORKSPACE) {
		m.workspace_state = (struct bw_workspace_state){
			.h = { .type = BW_WORKSPACE_STATE, .id = q->asked.h.id }, .status = status
		};
		if (status != BW_OK)
			BW_PUT(m.workspace_state.text, text);
		else if (q->asked.action == BW_WS_INSPECT)
			BW_PUT(m.workspace_state.document, text);
	} else {
		m.opened.status = status;
		BW_PUT(m.opened.name, q->session.user);
		BW_PUT(m.opened.text, status == BW_OK ? "" : text);
	}
	if (b->web.fd >= 0 && !q->unwanted && broker_wire_send(b->web.fd, &m, &fd, fd >= 0) < 0)
		log_warning("answer to web: %s", strerror(errno));
	request_free(q);
}

/* What this connection is good for is fixed here, before web gets it: a user's terminals, or looking only. */
static int say_hello(int fd, const struct broker_request *q)
{
	const struct bw_session *s = &q->session;
	_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_LABEL + 1);
	char packet[SHIM_HEADER + SHIM_MAX_FIXED + SHIM_MAX_LABEL + 1];
	struct shim_msg m = { .type = SHIM_HELLO, .serial = 1 };
	ssize_t len;

	m.hello.magic = SHIM_MAGIC;
	m.hello.version = SHIM_VERSION;
	m.hello.flags = SHIM_HELLO_USER | SHIM_HELLO_WATCH;
	if (!s->can_type || q->asked.look)
		m.hello.flags |= SHIM_HELLO_READ_ONLY;
	if (q->foreign)
		m.hello.flags |= SHIM_HELLO_ADMIN;
	if (q->asked.visit)
		m.hello.flags |= SHIM_HELLO_PICTURES;
	if (shim_add_string(&tail, s->is_link ? "guest" : s->user) < 0)
		return -1;
	m.tail = tail.data;
	m.tail_len = tail.len;
	len = shim_encode(&m, packet, sizeof(packet));
	return len < 0 || sock_send(fd, packet, (size_t)len, NULL, 0) < 0 ? -1 : 0;
}

/* A wall comes again and again for its pictures; it is one look. */
static void audit_connection(const struct broker_request *q)
{
	uint64_t visit = q->asked.visit;

	if (!visit)
		audit_foreign(q, BW_EVENT_ADMIN, false,
			q->asked.look ? "to look at the terminals" : "to type in the terminals");
	else if (broker_visit_begins(q->broker, q->session.session, visit, q->owner))
		audit_foreign(q, BW_EVENT_WALL, false, "the wall shows the terminals");
}

/* True if the workspace's shim answered the call and the request is done with. */
static bool connect_and_answer(struct broker_request *q)
{
	struct broker_workspace *w = find_workspace(q->broker, q->owner);
	_auto_close_ int fd = -1;

	if (!w)
		return false;
	/* Nonblocking: a shim that hangs must not hang us. */
	fd = sock_connect(w->socket, SOCK_SEQPACKET | SOCK_NONBLOCK);
	if (fd < 0 || say_hello(fd, q) < 0)
		return false;
	if (q->foreign)
		audit_connection(q);
	answer(q, BW_OK, "", fd);
	return true;
}

static void pump(struct broker *b);

/* The last line of what mdocker said on stderr, without its name. */
static const char *last_line(struct buf *text)
{
	char *s = text->data, *line;

	if (!s || !text->len)
		return "mdocker failed without a word";
	while (text->len && s[text->len - 1] == '\n')
		s[--text->len] = '\0';
	line = strrchr(s, '\n');
	line = line ? line + 1 : s;
	return str_starts(line, "mdocker: ") ? line + 9 : line;
}

/* `mdocker workspace open` told where the socket is. */
static void on_opened(struct broker_request *q)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	struct md_error err = MD_ERROR_INIT;
	struct json_node root;
	const char *socket = NULL;

	if (json_parse(&doc, buf_str(&q->out_text), q->out_text.len, &err) < 0 ||
		json_root(&doc, &root, &err) < 0 ||
		json_get_string(&root, "socket", &socket, &err) < 0 || !socket ||
		socket[0] != '/') {
		log_error("workspace of %s: %s", q->owner,
			err.code ? err.msg : "no socket was named");
		answer(q, BW_FAILED, "the workspace could not be opened", -1);
		return;
	}
	remember_workspace(q->broker, q->owner, socket);
	if (!q->foreign)
		broker_audit(
			q->broker, BW_EVENT_OPEN, false, q->session.user, q->asked.address, NULL);
	if (q->asked.h.type == BW_WORKSPACE) {
		answer(q, BW_OK, "", -1);
	} else if (!connect_and_answer(q)) {
		log_error(
			"workspace of %s: connect to '%s': %s", q->owner, socket, strerror(errno));
		forget_workspace(q->broker, q->owner);
		answer(q, BW_FAILED, "the workspace does not answer", -1);
	}
}

/* What mdocker had to say although it worked: a profile that gives something up, a fallback. */
static void log_warnings(struct broker_request *q)
{
	char *rest = (char *)buf_str(&q->err_text), *line;

	while ((line = strsep(&rest, "\n"))) {
		if (*line)
			log_warning("workspace of %s: %s", q->owner,
				str_starts(line, "mdocker: ") ? line + 9 : line);
	}
}

static void on_run_failed(struct broker_request *q, int code)
{
	const char *text = last_line(&q->err_text);
	enum bw_status status = BW_FAILED;

	log_error("workspace of %s: %s", q->owner, text);
	if (code == EXIT_NOT_FOUND && (q->foreign || q->asked.h.type == BW_RECORDING))
		status = BW_NOT_FOUND;
	else if (code == EXIT_NOT_ALLOWED && q->asked.h.type == BW_RECORDING)
		status = BW_FORBIDDEN;
	if (q->foreign || q->asked.h.type == BW_RECORDING)
		audit_foreign(q, BW_EVENT_ADMIN, true, text);
	else if (wants_open(q))
		broker_audit(
			q->broker, BW_EVENT_OPEN, true, q->session.user, q->asked.address, text);
	else if (q->asked.action != BW_WS_INSPECT)
		broker_audit(
			q->broker, BW_EVENT_STOP, true, q->session.user, q->asked.address, text);
	answer(q, status, text, -1);
}

/* A list goes to web as a file, too: one way for all that is read. */
static int list_file(const struct buf *text)
{
	_auto_close_ int fd = memfd_create("list", MFD_CLOEXEC);

	if (text->failed || fd < 0 || fd_write_all(fd, text->data, text->len) < 0 ||
		lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return take_fd(&fd);
}

/* `mdocker recordings path` told where it lies, in a folder that only root writes to. */
static int recording_file(const struct broker_request *q)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	_auto_close_ int fd = -1;
	const char *path = NULL;
	struct json_node root;
	struct stat st;

	if (json_parse(&doc, buf_str(&q->out_text), q->out_text.len, NULL) < 0 ||
		json_root(&doc, &root, NULL) < 0 ||
		json_get_string(&root, "path", &path, NULL) != 1 || path[0] != '/')
		return -1;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ? -1 : take_fd(&fd);
}

static void on_recording(struct broker_request *q)
{
	enum bw_recording_action action = q->asked.action;
	_auto_close_ int fd = action == BW_REC_LIST   ? list_file(&q->out_text)
			      : action == BW_REC_READ ? recording_file(q)
						      : -1;
	char what[BW_NAME_SIZE + 32];

	snprintf(what, sizeof(what), "%s%s",
		action == BW_REC_LIST   ? "list"
		: action == BW_REC_READ ? "read "
					: "remove ",
		action == BW_REC_LIST ? "" : q->asked.item);
	if (action != BW_REC_REMOVE && fd < 0)
		answer(q, BW_FAILED, "the recordings can't be read", -1);
	else {
		if (q->foreign || action == BW_REC_REMOVE)
			audit_foreign(q, BW_EVENT_RECORDINGS, false, what);
		answer(q, BW_OK, "", fd);
	}
}

static void on_wall(struct broker_request *q)
{
	_auto_buf_ struct buf text = BUF_INIT(2 * LIST_BYTES);
	_auto_close_ int fd = -1;

	if (!q->out_text.failed)
		broker_wall_list(q->broker, buf_str(&q->out_text), &text);
	fd = text.len ? list_file(&text) : -1;
	answer(q, fd < 0 ? BW_FAILED : BW_OK, fd < 0 ? "the terminals can't be listed" : "", fd);
}

static void on_run_ended(struct broker_request *q, int code)
{
	struct broker *b = q->broker;

	if (code != 0) {
		on_run_failed(q, code);
	} else if (q->asked.h.type == BW_RECORDING) {
		on_recording(q);
	} else if (q->asked.h.type == BW_WALL) {
		on_wall(q);
	} else if (wants_open(q)) {
		log_warnings(q);
		on_opened(q);
	} else if (q->asked.action == BW_WS_INSPECT) {
		if (q->out_text.len >= BW_DOCUMENT_SIZE)
			answer(q, BW_FAILED, "the workspace has too much to tell", -1);
		else
			answer(q, BW_OK, buf_str(&q->out_text), -1);
	} else {
		forget_workspace(b, q->owner);
		broker_audit(b, BW_EVENT_STOP, false, q->session.user, q->asked.address, NULL);
		if (q->asked.action == BW_WS_RESTART)
			q->stopped = true; /* and runs once more, to open it */
		else
			answer(q, BW_OK, "", -1);
	}
}

/* All that mdocker has written so far; its end is the process's. */
static void read_some(int fd, struct buf *to)
{
	for (;;) {
		char chunk[4096];
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n <= 0)
			return;
		buf_add(to, chunk, (size_t)n); /* past the ceiling it is thrown away */
	}
}

static void on_output(struct loop_source *s, uint32_t events)
{
	struct broker_request *q = s->data;

	read_some(s->fd, s == &q->out ? &q->out_text : &q->err_text);
	if (events & (EPOLLHUP | EPOLLERR))
		loop_remove(&q->broker->loop, s);
}

static void on_process(struct loop_source *s, uint32_t events _unused_)
{
	struct broker_request *q = s->data;
	struct broker *b = q->broker;
	struct buf out, errors;
	int code;

	read_some(q->out_fd, &q->out_text);
	read_some(q->err_fd, &q->err_text);
	code = spawn_wait(q->pid);
	q->pid = 0;
	out = q->out_text;
	errors = q->err_text;
	q->out_text = q->err_text = (struct buf){ 0 };
	stop_run(q);
	q->out_text = out;
	q->err_text = errors;
	on_run_ended(q, code);
	pump(b);
}

static void on_timeout(struct loop_source *s, uint32_t events _unused_)
{
	struct broker_request *q = s->data;
	struct broker *b = q->broker;

	loop_take_timer(s);
	log_error("workspace of %s: mdocker did not end within %d s", q->owner, BROKER_RUN_SECONDS);
	kill(q->pid, SIGKILL);
	spawn_wait(q->pid);
	q->pid = 0;
	answer(q, BW_FAILED, "it took too long", -1);
	pump(b);
}

/* The command for a request, behind "mdocker --root R --state S". */
static void words_of(const struct broker_request *q, const char *words[MAX_ARGS])
{
	const char *o = q->owner, *item = q->asked.item;
	const char *const open[] = { "workspace", "open", o, "--owner", o, "--json", NULL };
	const char *const find[] = { "workspace", "open", o, "--owner", o, "--no-start", NULL };
	const char *const inspect[] = { "workspace", "inspect", o, "--owner", o, "--json", NULL };
	const char *const stop[] = { "workspace", "stop", o, "--owner", o, NULL };
	const char *const list[] = { "recordings", "ls", o, "--owner", o, "--json", NULL };
	const char *const read[] = { "recordings", "path", o, item, "--owner", o, NULL };
	const char *const remove[] = { "recordings", "rm", o, item, "--owner", o,
		q->foreign ? "--force" : NULL, NULL };
	const char *const wall[] = { "terminals", "--users", "--format", "json", NULL };
	const char *const *const recordings[] = {
		[BW_REC_LIST] = list, [BW_REC_READ] = read, [BW_REC_REMOVE] = remove
	};
	const char *const *chosen = q->asked.h.type == BW_RECORDING    ? recordings[q->asked.action]
				    : q->asked.h.type == BW_WALL       ? wall
				    : wants_open(q) && q->foreign      ? find
				    : wants_open(q)                    ? open
				    : q->asked.action == BW_WS_INSPECT ? inspect
								       : stop;
	size_t n = 0;

	do {
		words[n] = chosen[n];
	} while (chosen[n++]);
}

static void build_command(struct broker_request *q, const char *argv[MAX_ARGS])
{
	const struct server_config *c = &q->broker->config;
	const char *const head[] = { "mdocker", "--root", c->root, "--state", c->state, NULL };
	const char *words[MAX_ARGS];
	const char *template = templates_find(&c->templates, &c->groups, q->owner);
	size_t n = 0;

	for (size_t i = 0; head[i]; i++)
		argv[n++] = head[i];
	words_of(q, words);
	for (size_t i = 0; words[i]; i++)
		argv[n++] = words[i];
	for (size_t i = 0; wants_open(q) && !q->foreign && i < c->workspace.count; i++)
		argv[n++] = c->workspace.items[i];
	if (wants_open(q) && !q->foreign && template) {
		snprintf(q->template, sizeof(q->template), "--template=%s", template);
		argv[n++] = q->template; /* the last one wins */
	}
	argv[n] = NULL;
}

static int start_run(struct broker_request *q)
{
	static char *const env[] = {
		(char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		(char *)"LANG=C.UTF-8", NULL
	};
	struct loop *l = &q->broker->loop;
	const char *argv[MAX_ARGS];
	_auto_close_ int out = -1;
	_auto_close_ int errors = -1;
	struct spawn s = SPAWN_INIT;
	int pair[2];

	buf_init(&q->out_text, q->asked.h.type == BW_RECORDING || q->asked.h.type == BW_WALL
				       ? LIST_BYTES
				       : BW_DOCUMENT_SIZE);
	buf_init(&q->err_text, ERROR_BYTES);
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	q->out_fd = pair[0];
	out = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	q->err_fd = pair[0];
	errors = pair[1];
	build_command(q, argv);
	s.path = q->broker->mdocker;
	s.argv = (char *const *)argv;
	s.envp = env;
	s.std[1] = out;
	s.std[2] = errors;
	/* Ctrl-C on the server must not reach what it just started. */
	s.new_session = true;
	q->pid = spawn_start(&s, &q->pidfd);
	if (q->pid < 0) {
		q->pid = 0;
		return -1;
	}
	q->state = RUNS;
	q->broker->run_count++;
	if (fd_set_nonblock(q->out_fd, true) < 0 || fd_set_nonblock(q->err_fd, true) < 0 ||
		loop_add_fd(l, &q->out, q->out_fd, EPOLLIN, on_output, q) < 0 ||
		loop_add_fd(l, &q->errors, q->err_fd, EPOLLIN, on_output, q) < 0 ||
		loop_add_pidfd(l, &q->process, q->pidfd, on_process, q) < 0 ||
		loop_add_timer(l, &q->timeout, on_timeout, q) < 0 ||
		loop_set_timer(&q->timeout, BROKER_RUN_SECONDS * 1000, 0) < 0)
		return -1;
	return 0;
}

/* Another request runs mdocker for this user: wait for its outcome. */
static bool user_is_busy(struct broker *b, const char *user)
{
	for (struct broker_request *q = b->requests; q; q = q->next) {
		if (q->state == RUNS && str_eq(q->owner, user))
			return true;
	}
	return false;
}

/* Lets the waiting requests go on, the oldest first, while there is room. */
static void pump(struct broker *b)
{
	struct broker_request *q = b->requests;

	while (q) {
		struct broker_request *next = q->next;
		bool try = q->state == WAITS_FOR_RUN && !user_is_busy(b, q->owner);

		if (try && q->asked.h.type == BW_OPEN && connect_and_answer(q)) {
			/* done */
		} else if (try && b->run_count < BROKER_MAX_RUNS && start_run(q) < 0) {
			log_error("start %s: %s", b->mdocker, strerror(errno));
			answer(q, BW_FAILED, "the host has no room for it now", -1);
		}
		q = next;
	}
}

void broker_on_request(struct broker *b, const union bw_message *m)
{
	union bw_message check = { .token = { .h.type = BW_CHECK } };
	struct broker_request **at = &b->requests, *q = calloc(1, sizeof(*q));

	if (!q)
		return;
	*q = (struct broker_request){ .broker = b,
		.asked = m->open,
		.check_id = ++b->last_id,
		.pidfd = -1,
		.out_fd = -1,
		.err_fd = -1,
		.process = LOOP_SOURCE_INIT,
		.out = LOOP_SOURCE_INIT,
		.errors = LOOP_SOURCE_INIT,
		.timeout = LOOP_SOURCE_INIT };
	while (*at)
		at = &(*at)->next;
	*at = q;
	if (++b->request_count > BROKER_MAX_REQUESTS) {
		answer(q, BW_BUSY, "too many workspaces are being opened", -1);
		return;
	}
	check.h.id = q->check_id;
	check.token.is_link = m->open.is_link != 0;
	memcpy(check.token.token, m->open.token, BW_TOKEN_SIZE);
	if (b->auth.fd < 0 || broker_wire_send(b->auth.fd, &check, NULL, 0) < 0)
		answer(q, BW_FAILED, "the accounts are not reachable now", -1);
}

/* Whose workspace a checked request is about. Others' are an admin's to see, by a session of their own. */
static bool find_owner(struct broker_request *q)
{
	const char *of = q->asked.of;
	bool is_admin = !q->session.is_link && q->session.role == BW_ADMIN;

	q->foreign = *of && !str_eq(of, q->session.user);
	q->owner = q->foreign ? of : q->session.user;
	if (q->asked.h.type == BW_WALL || q->asked.visit)
		return is_admin && (!q->foreign || guard_user_name_valid(of));
	return !q->foreign ||
	       (is_admin && q->asked.h.type != BW_WORKSPACE && guard_user_name_valid(of));
}

void broker_on_session(struct broker *b, const union bw_message *m)
{
	struct broker_request *q = b->requests;

	while (q && (q->state != WAITS_FOR_AUTH || q->check_id != m->h.id))
		q = q->next;
	if (!q)
		return;
	if (m->session.status != BW_OK || !guard_user_name_valid(m->session.user)) {
		answer(q, m->session.status == BW_OK ? BW_FAILED : m->session.status,
			"no such session", -1);
		return;
	}
	if (m->session.is_link && q->asked.h.type != BW_OPEN) {
		answer(q, BW_FORBIDDEN, "a link shows a terminal, no more", -1);
		return;
	}
	q->session = m->session;
	if (!find_owner(q)) {
		audit_foreign(q, BW_EVENT_ADMIN, true, "not an admin: the workspace");
		answer(q, BW_FORBIDDEN, "for admins only", -1);
		return;
	}
	if (q->asked.h.type == BW_RECORDING && q->asked.action != BW_REC_LIST &&
		!recording_name_valid(q->asked.item)) {
		/* It becomes a word of a command line. */
		answer(q, BW_NOT_FOUND, "there is no such recording", -1);
		return;
	}
	q->state = WAITS_FOR_RUN;
	pump(b);
}

void broker_fail_checks(struct broker *b)
{
	struct broker_request *q = b->requests;

	while (q) {
		struct broker_request *next = q->next;

		if (q->state == WAITS_FOR_AUTH)
			answer(q, BW_FAILED, "the accounts are not reachable now", -1);
		q = next;
	}
}

void broker_drop_requests(struct broker *b)
{
	struct broker_request *q = b->requests;

	while (q) {
		struct broker_request *next = q->next;

		if (q->state == RUNS)
			q->unwanted = true;
		else
			request_free(q);
		q = next;
	}
}

void broker_open_done(struct broker *b)
{
	/* What mdocker is doing it finishes without us. */
	while (b->requests)
		request_free(b->requests);
	while (b->workspaces)
		forget_workspace(b, b->workspaces->name);
}
