/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sock.h"
#include "engine/boot.h"
#include "engine/cgroups.h"
#include "engine/connect.h"
#include "engine/runtime_cli.h"
#include "json/json_read.h"
#include "wire/shim_client.h"
#include "base/poison.h"

enum {
	ASK_MS = 5000,
	STOP_GRACE_MS = 10000,
	SHIM_DEATH_MS = 5000,
	EXIT_FILE_MAX = 8 << 10,
	PID_FILE_MAX = 32,
	CMDLINE_MAX = 64 << 10
};

static const char *const state_names[] = {
	[WORKSPACE_CREATED] = "created",
	[WORKSPACE_RUNNING] = "running",
	[WORKSPACE_STOPPED] = "stopped",
	[WORKSPACE_REMOVING] = "removing",
};

const char *workspace_state_name(enum workspace_state s)
{
	return state_names[s];
}

void workspace_status_done(struct workspace_status *s)
{
	free(s->text);
	s->text = NULL;
}

char *workspace_socket(const struct engine *e, const struct workspace *w)
{
	return engine_state_path(e, w->id, "shim.sock");
}

/* A socket takes connections only as long as the process that listens lives: unlike a pid in a file
 * it can't be another's. Of one that hangs the queue is full some day. */
bool workspace_is_running(struct engine *e, const struct workspace *w)
{
	_auto_free_ char *path = workspace_socket(e, w);
	_auto_close_ int fd = path ? sock_connect(path, SOCK_SEQPACKET | SOCK_NONBLOCK) : -1;

	return fd >= 0 || (path && errno == EAGAIN);
}

static int read_exit(struct engine *e, const struct workspace *w, struct workspace_status *ret,
	struct md_error *err)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	_auto_free_ char *path = engine_path(e, w->id, "exit.json");
	_auto_free_ char *text = NULL;
	const char *how = "";
	struct json_node root;
	int64_t code = 0;
	uint64_t ended = 0;
	size_t len;

	if (!path)
		return md_fail_errno(err, "exit status");
	if (file_read(AT_FDCWD, path, EXIT_FILE_MAX, &text, &len) < 0)
		return errno == ENOENT ? 0 : md_fail_errno(err, "'%s'", path);
	if (json_parse(&doc, text, len, err) < 0 || json_root(&doc, &root, err) < 0 ||
		json_get_i64(&root, "code", 0, 255, &code, err) < 0 ||
		json_get_string(&root, "text", &how, err) < 0 ||
		json_get_u64(&root, "ended_ms", INT64_MAX, &ended, err) < 0)
		return md_wrap(err, "'%s'", path);
	if (workspace_set(&ret->text, how) < 0)
		return md_fail_errno(err, "exit status");
	ret->has_exit = true;
	ret->exit_code = (int)code;
	ret->ended = (int64_t)(ended / 1000);
	return 0;
}

static int ask_state(struct engine *e, const struct workspace *w, struct shim_state *ret)
{
	_auto_shim_client_ struct shim_client c = SHIM_CLIENT_INIT;
	_auto_free_ char *path = workspace_socket(e, w);
	struct md_error ignored = MD_ERROR_INIT;
	struct shim_msg ask = { .type = SHIM_STATUS }, answer;

	if (!path || shim_client_open(&c, path, 0, "mdocker", &ignored) < 0 ||
		shim_client_ask(&c, &ask, NULL, 0, &answer, ASK_MS, &ignored) < 0 ||
		answer.type != SHIM_STATE)
		return -1;
	*ret = answer.state;
	return 0;
}

bool workspace_stays(struct engine *e, const struct workspace *w)
{
	struct shim_state state;

	if (!workspace_is_running(e, w))
		return false;
	/* Without an answer it has just gone, or it hangs, which is for stop to end. */
	return ask_state(e, w, &state) == 0 ? state.state == SHIM_STATE_RUNNING
					    : workspace_is_running(e, w);
}

int workspace_status(struct engine *e, const struct workspace *w, struct workspace_status *ret,
	struct md_error *err)
{
	_auto_status_ struct workspace_status s = { .state = WORKSPACE_STOPPED };
	struct shim_state answer;

	if (w->removing) {
		s.state = WORKSPACE_REMOVING;
	} else if (workspace_is_running(e, w)) {
		s.state = WORKSPACE_RUNNING;
		if (ask_state(e, w, &answer) == 0) {
			s.shim_pid = (pid_t)answer.shim_pid;
			s.init_pid = (pid_t)answer.init_pid;
		}
	} else if (!w->started) {
		s.state = WORKSPACE_CREATED;
	} else if (read_exit(e, w, &s, err) < 0) {
		return -1;
	}
	*ret = s;
	s.text = NULL;
	return 0;
}

/* true when the process of the pidfd has ended */
static bool wait_pidfd(int pidfd, int timeout_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

static int ask_stop(struct engine *e, const struct workspace *w, uint32_t timeout_ms,
	const char *who, struct md_error *err)
{
	_auto_shim_client_ struct shim_client c = SHIM_CLIENT_INIT;
	_auto_free_ char *path = workspace_socket(e, w);
	_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_TAIL);
	struct shim_msg ask = { .type = SHIM_STOP, .stop = { .timeout_ms = timeout_ms } }, answer;

	if (!path || shim_add_string(&tail, who) < 0)
		return md_fail_errno(err, "stop");
	ask.tail = tail.data;
	ask.tail_len = tail.len;
	if (shim_client_open(&c, path, 0, "mdocker", err) < 0)
		return -1;
	return shim_client_ask(&c, &ask, NULL, 0, &answer, (int)timeout_ms + STOP_GRACE_MS, err);
}

/* A pid may be another's by now. The ID alone says nothing: `mdocker attach ID`, or an editor of a file in the workspace's folder, has
 * it on its command line, too. */
bool workspace_is_shim(pid_t pid, const char *id)
{
	static const char program[] = "/mdocker-shim\0--id"; /* as plan_shim() writes it */
	_auto_free_ char *cmdline = NULL;
	char proc[40];
	size_t len, at;

	snprintf(proc, sizeof(proc), "/proc/%d/cmdline", (int)pid);
	if (file_read(AT_FDCWD, proc, CMDLINE_MAX, &cmdline, &len) < 0)
		return false;
	at = strlen(cmdline) - MD_MIN(strlen(cmdline), strlen(program));
	return len - at > sizeof(program) + WORKSPACE_ID_LEN &&
	       memcmp(cmdline + at, program, sizeof(program)) == 0 &&
	       str_eq(cmdline + at + sizeof(program), id);
}

static pid_t read_pid_file(const struct engine *e, const char *id)
{
	_auto_free_ char *path = engine_state_path(e, id, "shim.pid");
	_auto_free_ char *text = NULL;
	uint64_t pid;

	if (!path || file_read(AT_FDCWD, path, PID_FILE_MAX, &text, NULL) < 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	return str_to_u64(text, INT32_MAX, &pid) < 0 ? -1 : (pid_t)pid;
}

pid_t workspace_shim_pid(const struct engine *e, const char *id)
{
	pid_t pid = read_pid_file(e, id);

	return pid > 0 && workspace_is_shim(pid, id) ? pid : -1;
}

/* A pidfd of the process that shim.pid names, or -1. */
static int open_pid_file(struct engine *e, const struct workspace *w)
{
	_auto_close_ int pidfd = -1;
	pid_t pid = read_pid_file(e, w->id);

	if (pid < 0)
		return -1;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -1;
	if (!workspace_is_shim(pid, w->id)) {
		errno = ESRCH;
		return -1;
	}
	return take_fd(&pidfd);
}

/* shim.pid names the half that ends last and cleans up behind both (docs/decisions/shim-halves.md). */
int workspace_shim_pidfd(struct engine *e, const struct workspace *w)
{
	return workspace_is_running(e, w) ? open_pid_file(e, w) : -1;
}

int workspace_stop(struct engine *e, struct workspace *w, uint32_t timeout_ms, const char *who,
	struct md_error *err)
{
	_auto_close_ int pidfd = workspace_shim_pidfd(e, w);
	struct md_error ignored = MD_ERROR_INIT;

	/* None, or one that is dying. */
	if (pidfd < 0)
		return workspace_sweep(e, w, err);
	/* It may be ending by itself and not answer any more. One that stays is killed; what it
	 * leaves is swept up. */
	ask_stop(e, w, timeout_ms, who, &ignored);
	if (!wait_pidfd(pidfd, SHIM_DEATH_MS)) {
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
		if (!wait_pidfd(pidfd, SHIM_DEATH_MS))
			return md_fail(err, ETIMEDOUT, "stop workspace '%s': its shim doesn't die",
				w->name);
	}
	return workspace_sweep(e, w, err);
}

int workspace_kill(struct engine *e, const struct workspace *w, int sig, struct md_error *err)
{
	_auto_shim_client_ struct shim_client c = SHIM_CLIENT_INIT;
	_auto_free_ char *path = workspace_socket(e, w);
	struct shim_msg ask = { .type = SHIM_SIGNAL }, answer;
	bool running = workspace_is_running(e, w);

	ask.signal.signo = (uint32_t)sig;
	ask.signal.terminal = w->kind == WORKSPACE_RUN ? 1 : 0;
	if (!path)
		return md_fail_errno(err, "kill workspace '%s'", w->name);
	if (running && shim_client_open(&c, path, 0, "mdocker", err) == 0 &&
		shim_client_ask(&c, &ask, NULL, 0, &answer, ASK_MS, err) == 0)
		return 0;
	return running && workspace_stays(e, w)
		       ? md_wrap(err, "kill workspace '%s'", w->name)
		       : md_fail(err, ESRCH, "workspace '%s' is not running", w->name);
}

static int delete_container(struct engine *e, const struct workspace *w, struct md_error *err)
{
	const char *const args[] = { "delete", "--force", w->id, NULL };
	_auto_free_ char *path = str_format("%s/runtime/%s", e->state, w->id);
	struct md_error problem = MD_ERROR_INIT;

	if (!path)
		return md_fail_errno(err, "delete container");
	if (access(path, F_OK) < 0)
		return 0;
	/* A state file that the runtime can't read any more must not keep the workspace for good:
	   its cgroup names all of its processes. */
	if (runtime_run(e, args, NULL, NULL, &problem) < 0 && cgroups_remove(w->id, err) < 0)
		return md_wrap(err, "%s", problem.msg);
	if (file_remove_tree(AT_FDCWD, path) < 0)
		return md_fail_errno(err, "remove '%s'", path);
	return 0;
}

int workspace_sweep(struct engine *e, const struct workspace *w, struct md_error *err)
{
	_auto_free_ char *state = engine_state_path(e, w->id, "");
	_auto_close_ int pidfd = -1;
	char boot[BOOT_ID_LEN + 1];

	if (!state)
		return md_fail_errno(err, "sweep");
	/* One that takes no connections any more may still be tidying up, and would take the next one's files for its own. */
	pidfd = open_pid_file(e, w);
	if (pidfd >= 0 && !wait_pidfd(pidfd, SHIM_DEATH_MS)) {
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
		wait_pidfd(pidfd, SHIM_DEATH_MS);
	}
	if (delete_container(e, w, err) < 0 || connect_detach(e, w, err) < 0)
		return -1;
	if (access(state, F_OK) < 0)
		return 0;
	/* After a reboot no process of ours is left, and cgroups neither. */
	if (boot_id(boot, err) < 0)
		return -1;
	if (str_eq(boot, w->boot_id) && cgroups_remove(w->id, err) < 0)
		return -1;
	if (file_remove_tree(AT_FDCWD, state) < 0)
		return md_fail_errno(err, "remove '%s'", state);
	return 0;
}

int workspace_attend(struct engine *e, const struct workspace *w, struct md_error *err)
{
	_auto_free_ char *path = str_format("%s/attended", w->id);
	int fd = path ? file_lock(e->workspaces_fd, path, true, false) : -1;

	return fd < 0 ? md_fail_errno(err, "attend workspace '%s'", w->name) : fd;
}

bool workspace_is_forsaken(struct engine *e, const struct workspace *w)
{
	_auto_free_ char *path = str_format("%s/attended", w->id);
	_auto_close_ int fd = -1;

	if (!path || !w->remove_on_exit || !w->started || workspace_is_running(e, w))
		return false;
	fd = openat(e->workspaces_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? errno == ENOENT : flock(fd, LOCK_SH | LOCK_NB) == 0;
}

int workspace_remove(struct engine *e, struct workspace *w, bool force, struct md_error *err)
{
	if (workspace_is_running(e, w)) {
		if (!force && workspace_stays(e, w))
			return md_fail(err, EBUSY,
				"workspace '%s' is running: `mdocker stop %s` first, or `mdocker "
				"rm -f %s`",
				w->name, w->name, w->name);
		if (workspace_stop(e, w, 0, "mdocker rm", err) < 0)
			return -1;
	} else if (workspace_sweep(e, w, err) < 0) {
		return -1;
	}
	if (connect_release(e, w, err) < 0)
		return -1;
	return engine_delete(e, w, err);
}
