/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sock.h"
#include "base/spawn.h"
#include "shim/driver_log.h"
#include "base/poison.h"

enum { JOB_TIMEOUT_MS = 30000, MAX_LOG = 64 * 1024 };

struct driver_job {
	TAILQ_ENTRY(driver_job) link;
	struct driver *driver;
	enum driver_verb verb;
	bool tty;
	bool timed_out;
	pid_t pid;
	int master;
	struct loop_source timeout;
	struct loop_source console; /* the listening console socket */
	struct loop_source sender;  /* the connection that brings the master */
	unsigned int number;        /* names its files: log-N, pid-N ... */
	driver_done done;
	void *data;
};

static const char *const verbs[] = {
	[DRIVER_CREATE] = "create",
	[DRIVER_START] = "start",
	[DRIVER_EXEC] = "exec",
	[DRIVER_KILL] = "kill",
	[DRIVER_RESUME] = "resume",
	[DRIVER_DELETE] = "delete",
};

/* The small files of a job. */
static const char *const kinds[] = { "log", "err", "pid", "process", "console" };

/* What runtimes may want of the environment; nothing else of it reaches them. */
static const char *const kept_env[] = { "PATH", "HOME", "XDG_RUNTIME_DIR",
	"DBUS_SESSION_BUS_ADDRESS", "TMPDIR" };

int driver_open(
	struct driver *d, struct loop *loop, const struct driver_options *o, struct md_error *err)
{
	*d = (struct driver){ .loop = loop, .id = o->id, .bundle = o->bundle, .folder_fd = -1 };
	TAILQ_INIT(&d->jobs);
	d->folder = strdup(o->folder);
	if (!d->folder || strv_add(&d->command, o->runtime) < 0)
		return md_fail_errno(err, "runtime");
	if (o->runtime_root &&
		(strv_add(&d->command, "--root") < 0 || strv_add(&d->command, o->runtime_root) < 0))
		return md_fail_errno(err, "runtime");
	if (o->runtime_options->items && strv_add_all(&d->command, o->runtime_options->items) < 0)
		return md_fail_errno(err, "runtime");
	for (size_t i = 0; i < ARRAY_SIZE(kept_env); i++) {
		const char *value = getenv(kept_env[i]);

		if (value && strv_env_set(&d->env, kept_env[i], value) < 0)
			return md_fail_errno(err, "runtime");
	}
	if (file_remove_tree(AT_FDCWD, d->folder) < 0 || mkdir(d->folder, 0700) < 0)
		return md_fail_errno(err, "make %s", d->folder);
	d->folder_fd = open(d->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->folder_fd < 0)
		return md_fail_errno(err, "open %s", d->folder);
	return 0;
}

/* DIR/KIND-N; through /proc where the whole would be too long for a socket's address. */
static char *job_path(const struct driver_job *j, const char *kind)
{
	char *path = str_format("%s/%s-%u", j->driver->folder, kind, j->number);

	if (path && str_eq(kind, "console") && strlen(path) > 100) {
		free(path);
		path = str_format(
			"/proc/%d/fd/%d/%s-%u", getpid(), j->driver->folder_fd, kind, j->number);
	}
	return path;
}

static void job_free(struct driver_job *j)
{
	struct driver *d = j->driver;

	loop_remove(d->loop, &j->timeout);
	loop_remove(d->loop, &j->console);
	loop_remove(d->loop, &j->sender);
	fd_close(&j->master);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s-%u", kinds[i], j->number);
		unlinkat(d->folder_fd, name, 0);
	}
	TAILQ_REMOVE(&d->jobs, j, link);
	free(j);
}

void driver_close(struct driver *d)
{
	struct driver_job *j;

	if (!d->folder)
		return;
	while ((j = TAILQ_FIRST(&d->jobs))) {
		kill(j->pid, SIGKILL);
		spawn_wait(j->pid);
		job_free(j);
	}
	fd_close(&d->folder_fd);
	file_remove_tree(AT_FDCWD, d->folder);
	free(d->folder);
	d->folder = NULL;
	strv_done(&d->command);
	strv_done(&d->env);
}

static void take_master(struct driver_job *j)
{
	size_t count = 1;
	char name[4096];
	int fd = -1;

	if (j->sender.fd < 0 || sock_recv(j->sender.fd, name, sizeof(name), &fd, &count) < 0) {
		if (errno == EAGAIN)
			return;
		count = 0;
	}
	loop_remove(j->driver->loop, &j->sender);
	if (count == 0)
		return;
	if (!isatty(fd) || fd_set_nonblock(fd, true) < 0) {
		fd_close(&fd);
		return;
	}
	fd_close(&j->master);
	j->master = fd;
}

static void sender_ready(struct loop_source *s, uint32_t events _unused_)
{
	take_master(s->data);
}

static void accept_console(struct driver_job *j)
{
	struct loop *loop = j->driver->loop;
	int fd = accept4(j->console.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	loop_remove(loop, &j->sender);
	if (loop_add_fd(loop, &j->sender, fd, EPOLLIN, sender_ready, j) < 0) {
		close(fd);
		return;
	}
	j->sender.own_fd = true;
}

static void console_ready(struct loop_source *s, uint32_t events _unused_)
{
	accept_console(s->data);
}

static void job_timed_out(struct loop_source *s, uint32_t events _unused_)
{
	struct driver_job *j = s->data;

	loop_take_timer(s);
	j->timed_out = true;
	kill(j->pid, SIGKILL); /* a child of ours that was not reaped: the pid is its own */
}

static int add_words(struct strv *argv, const char *const *words)
{
	for (; *words; words++) {
		if (strv_add(argv, *words) < 0)
			return -1;
	}
	return 0;
}

/* The arguments behind the verb. */
static int add_arguments(struct strv *argv, const struct driver_job *j,
	const struct driver_request *q, const char *console)
{
	_auto_free_ char *pid = job_path(j, "pid");
	_auto_free_ char *process = job_path(j, "process");
	const char *const create[] = { "--bundle", j->driver->bundle, "--pid-file", pid, NULL };
	const char *const exec[] = { "--detach", "--process", process, "--pid-file", pid, NULL };
	const char *const tty[] = { "--console-socket", console, NULL };
	const char *const force[] = { "--force", NULL };

	if (!pid || !process)
		return -1;
	if (q->verb == DRIVER_CREATE && add_words(argv, create) < 0)
		return -1;
	if (q->verb == DRIVER_EXEC &&
		(add_words(argv, exec) < 0 || (q->tty && add_words(argv, tty) < 0)))
		return -1;
	if (q->verb == DRIVER_DELETE && add_words(argv, force) < 0)
		return -1;
	if (strv_add(argv, j->driver->id) < 0)
		return -1;
	return q->verb == DRIVER_KILL ? strv_addf(argv, "%d", q->signo) : 0;
}

static int build_argv(struct strv *argv, const struct driver_job *j, const struct driver_request *q,
	const char *console)
{
	_auto_free_ char *log = job_path(j, "log");
	const char *const logging[] = { "--log", log, "--log-format", "json", verbs[q->verb],
		NULL };

	if (!log || strv_add_all(argv, j->driver->command.items) < 0 ||
		add_words(argv, logging) < 0)
		return -1;
	return add_arguments(argv, j, q, console);
}

static int open_console(struct driver_job *j, const char *path)
{
	int fd = sock_listen(path, SOCK_STREAM, 1);

	if (fd < 0)
		return -1;
	if (fd_set_nonblock(fd, true) < 0 ||
		loop_add_fd(j->driver->loop, &j->console, fd, EPOLLIN, console_ready, j) < 0) {
		fd_close(&fd);
		return -1;
	}
	j->console.own_fd = true;
	return 0;
}

/* Its stderr goes into a file, unless the new process would inherit it: then the --log must do. */
static int start_process(struct driver_job *j, const struct driver_request *q, char **argv)
{
	struct spawn s = SPAWN_INIT;
	_auto_close_ int errors = -1;
	char name[64];

	if (q->verb == DRIVER_EXEC && !q->tty) {
		for (int i = 0; i < 3; i++)
			s.std[i] = q->stdio ? q->stdio[i] : -1;
	} else if (q->verb != DRIVER_CREATE) {
		snprintf(name, sizeof(name), "err-%u", j->number);
		errors = openat(
			j->driver->folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		s.std[2] = errors;
	}
	s.path = argv[0];
	s.argv = argv;
	s.envp = j->driver->env.items;
	/* The next start knows nothing of one that lives on, and would have its container deleted by it. */
	s.parent_death_signal = SIGKILL;
	j->pid = spawn_start(&s, NULL);
	return j->pid < 0 ? -1 : 0;
}

static int prepare_and_start(struct driver_job *j, const struct driver_request *q)
{
	_auto_free_ char *console = job_path(j, "console");
	_auto_strv_ struct strv argv = STRV_INIT;
	char name[64];

	if (!console || build_argv(&argv, j, q, console) < 0)
		return -1;
	if (q->process) {
		_auto_close_ int fd = -1;

		snprintf(name, sizeof(name), "process-%u", j->number);
		fd = openat(
			j->driver->folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 || fd_write_all(fd, q->process, strlen(q->process)) < 0)
			return -1;
	}
	if (q->tty && open_console(j, console) < 0)
		return -1;
	if (loop_add_timer(j->driver->loop, &j->timeout, job_timed_out, j) < 0)
		return -1;
	if (start_process(j, q, argv.items) < 0)
		return -1;
	return loop_set_timer(&j->timeout, JOB_TIMEOUT_MS, 0);
}

int driver_run(struct driver *d, const struct driver_request *q, struct md_error *err)
{
	struct driver_job *j = calloc(1, sizeof(*j));

	if (!j)
		return md_fail_errno(err, "%s", verbs[q->verb]);
	j->driver = d;
	j->verb = q->verb;
	j->tty = q->tty;
	j->master = j->timeout.fd = j->console.fd = j->sender.fd = -1;
	j->number = ++d->last_job;
	j->done = q->done;
	j->data = q->data;
	TAILQ_INSERT_TAIL(&d->jobs, j, link);
	if (prepare_and_start(j, q) < 0) {
		md_fail_errno(err, "run %s %s", d->command.items[0], verbs[q->verb]);
		job_free(j);
		return -1;
	}
	return 0;
}

static pid_t read_pid(const struct driver_job *j)
{
	_auto_free_ char *text = NULL;
	char name[64];
	uint64_t pid;

	snprintf(name, sizeof(name), "pid-%u", j->number);
	if (file_read(j->driver->folder_fd, name, 64, &text, NULL) < 0)
		return -1;
	text[strcspn(text, " \n")] = '\0';
	return str_to_u64(text, INT32_MAX, &pid) < 0 || pid == 0 ? -1 : (pid_t)pid;
}

/* What the runtime said about its failure: its log, else its stderr, else its exit code. */
static void read_failure(const struct driver_job *j, int code, struct md_error *err)
{
	static const char *const sources[] = { "log", "err" };

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		_auto_free_ char *text = NULL;
		char name[64], message[400];

		snprintf(name, sizeof(name), "%s-%u", sources[i], j->number);
		if (file_read(j->driver->folder_fd, name, MAX_LOG, &text, NULL) == 0 &&
			driver_log_error(text, message, sizeof(message))) {
			md_fail(err, EIO, "runtime %s: %s", verbs[j->verb], message);
			return;
		}
	}
	md_fail(err, EIO, "runtime %s failed with exit code %d", verbs[j->verb], code);
}

static void job_ended(struct driver_job *j, int status)
{
	struct driver_result r = { .error = MD_ERROR_INIT, .pid = -1, .master = -1 };
	int code = spawn_exit_code(status);

	if (j->tty && j->master < 0) { /* the end may be told before the message */
		if (j->sender.fd < 0)
			accept_console(j);
		take_master(j);
	}
	if (j->timed_out)
		md_fail(&r.error, ETIMEDOUT, "runtime %s took more than %d s", verbs[j->verb],
			JOB_TIMEOUT_MS / 1000);
	else if (code != 0)
		read_failure(j, code, &r.error);
	else if (j->verb == DRIVER_CREATE || j->verb == DRIVER_EXEC) {
		r.pid = read_pid(j);
		if (r.pid < 0)
			md_fail(&r.error, EPROTO, "runtime %s wrote no pid", verbs[j->verb]);
		else if (j->tty && j->master < 0)
			md_fail(&r.error, EPROTO, "runtime exec sent no terminal");
	}
	if (r.error.code) {
		r.exit_code = driver_exit_code(r.error.msg);
		log_warning("%s", r.error.msg);
	} else {
		r.master = take_fd(&j->master);
	}
	j->done(&r, j->data);
}

static void tell_stranger(struct driver *d, pid_t pid, int status)
{
	if (d->process_ended(pid, status, d->data) || TAILQ_EMPTY(&d->jobs))
		return;
	if (d->stranger_count == ARRAY_SIZE(d->strangers)) {
		log_warning("an unknown process %d ended and was forgotten", pid);
		return;
	}
	d->strangers[d->stranger_count].pid = pid;
	d->strangers[d->stranger_count++].status = status;
}

/* A job has told of new processes: one of them may have ended already. */
static void recognise_strangers(struct driver *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->stranger_count; i++) {
		if (!d->process_ended(d->strangers[i].pid, d->strangers[i].status, d->data))
			d->strangers[kept++] = d->strangers[i];
	}
	d->stranger_count = TAILQ_EMPTY(&d->jobs) ? 0 : kept;
}

void driver_reap(struct driver *d)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct driver_job *j;

		TAILQ_FOREACH(j, &d->jobs, link)
		{
			if (j->pid == pid)
				break;
		}
		if (!j) {
			tell_stranger(d, pid, status);
			continue;
		}
		job_ended(j, status);
		job_free(j);
		recognise_strangers(d);
	}
}
