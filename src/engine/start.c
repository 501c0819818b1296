/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start.c - workspace_start(): the bundle, a child with the mounts, the shim.
 *
 * The child reports a failing step of its own on one pipe, which exec closes; from then on the shim
 * reports on another.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "engine/boot.h"
#include "engine/connect.h"
#include "engine/host.h"
#include "engine/idmap.h"
#include "engine/lifecycle.h"
#include "engine/profile.h"
#include "engine/recordings.h"
#include "engine/terminals.h"
#include "engine/reserve.h"
#include "engine/rootfs.h"
#include "engine/runtime_cli.h"
#include "engine/storage.h"
#include "engine/user.h"
#include "json/json_read.h"
#include "base/poison.h"

enum { CONFIG_MAX = 4 << 20, READY_MAX = 8 << 10, EXIT_ENGINE = 125, SHIM_FD = 3, LOCK_FD };

/* All that one start needs, made before the fork. */
struct start {
	struct engine *e;
	const struct workspace *w;
	const struct start_options *o;
	struct rootfs rootfs;
	char *state;      /* STATE/workspaces/ID/ */
	char *process;    /* the template's path */
	char *shim;       /* the program */
	struct strv argv; /* its command line */
	int userns_fd;
};

static void start_done(struct start *s)
{
	rootfs_done(&s->rootfs);
	free(s->state);
	free(s->process);
	free(s->shim);
	strv_done(&s->argv);
	fd_close(&s->userns_fd);
}

static int plan_rootfs(struct start *s, struct md_error *err)
{
	const struct workspace *w = s->w;
	struct rootfs *r = &s->rootfs;

	r->bundle = engine_state_path(s->e, w->id, "bundle");
	r->upper = engine_path(s->e, w->id, "upper");
	r->work = engine_path(s->e, w->id, "work");
	r->copies = engine_path(s->e, w->id, "layers");
	r->id_base = w->id_base;
	if (w->limits.disk) {
		r->disk = engine_path(s->e, w->id, "disk");
		r->disk_limits = (struct disk_limits){ w->limits.disk, w->limits.disk_inodes };
	}
	if (!r->bundle || !r->upper || !r->work || !r->copies || (w->limits.disk && !r->disk))
		return md_fail_errno(err, "paths");
	if (*w->rootfs && strv_add(&r->layers, w->rootfs) < 0)
		return md_fail_errno(err, "paths");
	for (size_t i = 0; i < w->layers.count; i++) {
		_auto_free_ char *path = image_layer_path(&s->e->images, w->layers.items[i]);

		if (!path || strv_add(&r->layers, path) < 0)
			return md_fail_errno(err, "layer '%s'", w->layers.items[i]);
		if (access(path, F_OK) < 0)
			return md_fail(err, ENOENT, "layer %s of image '%s' is gone",
				w->layers.items[i], w->image);
	}
	for (size_t i = 0; i < w->volumes.count; i++) {
		const struct volume *v = &w->volumes.items[i];

		if (volumes_add(&r->volumes, v->source, v->target, v->read_only, err) < 0)
			return -1;
	}
	return rootfs_prepare(r, err);
}

/* In the child, since limits of storage name the device that was just mounted. */
static int write_config(const struct start *s, struct md_error *err)
{
	_auto_buf_ struct buf text = BUF_INIT(CONFIG_MAX);
	_auto_free_ char *path = str_format("%s/config.json", s->rootfs.bundle);
	_auto_free_ char *init = file_sibling_program("mdocker-init");
	_auto_free_ char *mdocker = file_sibling_program("mdocker");
	_auto_free_ char *disk = str_format("%s/disk", s->rootfs.bundle);
	_auto_(host_done) struct profile_host host = {
		.init = init,
		.bundle = s->rootfs.bundle,
		.mdocker = mdocker,
		.root = s->e->root,
		.state = s->e->state,
		.own_runtime = s->e->own_runtime,
	};

	if (!init || !mdocker)
		return md_fail_errno(err, "%s is not installed beside this program",
			init ? "mdocker" : "mdocker-init");
	if (connect_prepare(s->w, s->rootfs.bundle, err) < 0 || host_describe(&host, err) < 0)
		return -1;
	if (limits_have_rates(&s->w->limits) &&
		storage_devices(s->e, s->w, disk, &host.ground, err) < 0)
		return -1;
	profile_write_config(s->w, &host, &text);
	if (!path || text.failed)
		return md_fail(err, ENOMEM, "config.json");
	if (file_write_atomic(AT_FDCWD, path, text.data, text.len, 0600) < 0)
		return md_fail_errno(err, "'%s'", path);
	return 0;
}

static int add_pair(struct strv *argv, const char *name, char *value)
{
	_auto_free_ char *owned = value;

	return owned && strv_add(argv, name) == 0 && strv_add(argv, owned) == 0 ? 0 : -1;
}

static int add_main_options(struct start *s)
{
	static const struct {
		const char *word;
		size_t offset;
	} flags[] = { { "--main", offsetof(struct start_options, main) },
		{ "--main-wait", offsetof(struct start_options, main_wait) } };
	bool std = s->o->std[0] >= 0 || s->o->std[1] >= 0 || s->o->std[2] >= 0;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (*(const bool *)((const char *)s->o + flags[i].offset) &&
			strv_add(&s->argv, flags[i].word) < 0)
			return -1;
	}
	if (s->o->main && s->w->terminal && strv_add(&s->argv, "--main-tty") < 0)
		return -1;
	if (std && strv_add(&s->argv, "--stdio") < 0)
		return -1;
	if (!s->o->rows || !s->o->cols)
		return 0;
	if (add_pair(&s->argv, "--rows", str_format("%u", s->o->rows)) < 0)
		return -1;
	return add_pair(&s->argv, "--cols", str_format("%u", s->o->cols));
}

/* It is mounted in the namespace that the shim is started in. */
static int add_disk_option(struct start *s)
{
	return s->w->limits.disk ? strv_addf(&s->argv, "--disk=%s/disk", s->rootfs.bundle) : 0;
}

static int plan_shim(struct start *s, struct md_error *err)
{
	struct strv *a = &s->argv;
	const char *id = s->w->id;

	s->shim = file_sibling_program("mdocker-shim");
	if (!s->shim)
		return md_fail_errno(err, "mdocker-shim is not installed beside mdocker");
	s->process = engine_state_path(s->e, id, "process.json");
	if (!s->process || strv_add(a, s->shim) < 0 || add_pair(a, "--id", strdup(id)) < 0 ||
		add_pair(a, "--name", strdup(s->w->name)) < 0 ||
		add_pair(a, "--bundle", strdup(s->rootfs.bundle)) < 0 ||
		add_pair(a, "--runtime", strdup(s->e->runtime)) < 0 ||
		add_pair(a, "--runtime-root", runtime_root(s->e)) < 0 ||
		add_pair(a, "--socket", engine_state_path(s->e, id, "shim.sock")) < 0 ||
		add_pair(a, "--pid-file", engine_state_path(s->e, id, "shim.pid")) < 0 ||
		add_pair(a, "--log", engine_state_path(s->e, id, "shim.log")) < 0 ||
		add_pair(a, "--exit-file", engine_path(s->e, id, "exit.json")) < 0 ||
		add_pair(a, "--output-log", engine_path(s->e, id, "log")) < 0 ||
		add_pair(a, "--process-template", strdup(s->process)) < 0 ||
		add_pair(a, "--ready-fd", str_format("%d", SHIM_FD)) < 0 ||
		(s->o->lock >= 0 && add_pair(a, "--lock-fd", str_format("%d", LOCK_FD)) < 0) ||
		add_main_options(s) < 0 || recordings_shim_options(s->e, s->w, a) < 0 ||
		terminals_shim_options(&s->w->terminals, a) < 0 || add_disk_option(s) < 0)
		return md_fail_errno(err, "command line of mdocker-shim");
	return 0;
}

/* In the child, once the rootfs is there: whom the main command and the terminals run as. */
static int write_process(const struct start *s, struct md_error *err)
{
	_auto_buf_ struct buf text = BUF_INIT(CONFIG_MAX);
	_auto_free_ char *path = str_format("%s/rootfs", s->rootfs.bundle);
	_auto_close_ int root = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	struct user_ids user;

	if (root < 0)
		return md_fail_errno(err, "'%s/rootfs'", s->rootfs.bundle);
	if (user_resolve(root, s->w->user, &user, err) < 0)
		return -1;
	profile_write_process(s->w, &user, &text);
	if (text.failed)
		return md_fail(err, ENOMEM, "process.json");
	if (file_write_atomic(AT_FDCWD, s->process, text.data, text.len, 0600) < 0)
		return md_fail_errno(err, "'%s'", s->process);
	return 0;
}

/* Becomes the shim: 0..2 are the main command's, 3 the ready pipe, 4 the workspace's lock, nothing else stays open. */
static int exec_shim(const struct start *s, int ready, struct md_error *err)
{
	static char *const env[] = {
		(char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL
	};
	const int given[] = { s->o->std[0], s->o->std[1], s->o->std[2], ready, s->o->lock };
	int high[ARRAY_SIZE(given)];

	for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
		int from = given[i];

		if (from < 0)
			from = open("/dev/null", O_RDWR | O_CLOEXEC);
		high[i] = from < 0 ? -1 : fcntl(from, F_DUPFD_CLOEXEC, LOCK_FD + 2);
		if (high[i] < 0)
			return md_fail_errno(err, "descriptors of mdocker-shim");
	}
	/* The report pipe is above all of these: run_child() moved it. */
	for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
		if (dup2(high[i], (int)i) < 0)
			return md_fail_errno(err, "descriptors of mdocker-shim");
	}
	if (fd_cloexec_from(LOCK_FD + 1) < 0)
		return md_fail_errno(err, "descriptors of mdocker-shim");
	execve(s->shim, s->argv.items, env);
	return md_fail_errno(err, "run '%s'", s->shim);
}

static _noreturn_ void run_child(const struct start *s, int ready, int report)
{
	struct md_error err = MD_ERROR_INIT;

	spawn_reset_signals();
	report = fcntl(report, F_DUPFD_CLOEXEC, LOCK_FD + 1);
	if (report >= 0 && rootfs_mount(&s->rootfs, s->userns_fd, &err) == 0 &&
		write_config(s, &err) == 0 && write_process(s, &err) == 0)
		exec_shim(s, ready, &err);
	fd_write_all(report, &err, sizeof(err));
	_exit(EXIT_ENGINE);
}

/* The shim's one line; without any it was killed. */
static int read_ready(int fd, int *ret_exit, struct md_error *err)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	_auto_free_ char *text = NULL;
	const char *stage = "", *error = NULL;
	struct json_node root;
	int64_t code = EXIT_ENGINE;
	size_t len;

	if (fd_read_to_end(fd, READY_MAX, &text, &len) < 0)
		return md_fail_errno(err, "mdocker-shim");
	if (len == 0)
		return md_fail(err, EIO, "mdocker-shim ended without a word");
	if (json_parse(&doc, text, len, err) < 0 || json_root(&doc, &root, err) < 0 ||
		json_get_string(&root, "stage", &stage, err) < 0 ||
		json_get_string(&root, "error", &error, err) < 0 ||
		json_get_i64(&root, "exit", 0, 255, &code, err) < 0)
		return md_wrap(err, "mdocker-shim");
	if (!error)
		return 0;
	*ret_exit = (int)code;
	return md_fail(err, EIO, "%s", error);
}

static int run(struct start *s, int *ret_exit, struct md_error *err)
{
	_auto_close_ int ready_read = -1;
	_auto_close_ int ready_write = -1;
	_auto_close_ int report_read = -1;
	_auto_close_ int report_write = -1;
	struct md_error child = MD_ERROR_INIT;
	int ready[2], report[2];
	pid_t pid;
	int r;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return md_fail_errno(err, "pipe");
	ready_read = ready[0];
	ready_write = ready[1];
	if (pipe2(report, O_CLOEXEC) < 0)
		return md_fail_errno(err, "pipe");
	report_read = report[0];
	report_write = report[1];
	pid = fork();
	if (pid == 0)
		run_child(s, ready_write, report_write);
	if (pid < 0)
		return md_fail_errno(err, "fork");
	fd_close(&ready_write);
	fd_close(&report_write);
	if (fd_read_exactly(report_read, &child, sizeof(child)) == 0) {
		*err = child;
		r = -1;
	} else {
		r = read_ready(ready_read, ret_exit, err);
	}
	spawn_wait(pid);
	return r;
}

static int prepare(struct start *s, struct md_error *err)
{
	_auto_free_ char *exit_file = engine_path(s->e, s->w->id, "exit.json");

	s->state = engine_state_path(s->e, s->w->id, "");
	if (!s->state || !exit_file || file_mkdirs(s->state, 0711) < 0)
		return md_fail_errno(err, "state folder '%s'", s->e->state);
	if (unlink(exit_file) < 0 && errno != ENOENT)
		return md_fail_errno(err, "'%s'", exit_file);
	if (plan_rootfs(s, err) < 0 || plan_shim(s, err) < 0)
		return -1;
	s->userns_fd = idmap_userns(s->w->id_base, err);
	return s->userns_fd < 0 ? -1 : 0;
}

static int record_start(struct engine *e, struct workspace *w, struct md_error *err)
{
	char boot[BOOT_ID_LEN + 1];

	if (boot_id(boot, err) < 0)
		return -1;
	if (workspace_set(&w->boot_id, boot) < 0)
		return md_fail_errno(err, "boot id");
	w->started = time(NULL);
	return engine_save(e, w, err);
}

/* Each time, so that nobody runs with less than they think. */
static void tell_profile(const struct workspace *w)
{
	const struct profile_kind *kind = profile_kind_find(w->profile, NULL);

	for (size_t i = 0; kind && i < ARRAY_SIZE(kind->gives_up) && kind->gives_up[i]; i++)
		log_warning("workspace '%s', profile '%s' gives up %s", w->name, kind->name,
			kind->gives_up[i]);
}

int workspace_start(struct engine *e, struct workspace *w, const struct start_options *o,
	int *ret_exit, struct md_error *err)
{
	struct workspace settled; /* borrows all of *w */
	_auto_(start_done) struct start s = { .e = e, .w = &settled, .o = o, .userns_fd = -1 };
	struct md_error ignored = MD_ERROR_INIT;
	int code = EXIT_ENGINE;
	int r;

	if (w->removing)
		return md_fail(err, EBUSY, "workspace '%s' is being removed", w->name);
	if (workspace_stays(e, w))
		return md_fail(err, EBUSY, "workspace '%s' is running already", w->name);
	r = engine_need_runtime(e, err);
	if (r == 0)
		r = workspace_sweep(e, w, err);
	if (r == 0)
		r = record_start(e, w, err);
	settled = *w;
	if (r == 0)
		settled.network = (char *)connect_settle(e, w);
	if (r == 0)
		r = prepare(&s, err);
	if (r == 0)
		r = run(&s, &code, err);
	if (ret_exit)
		*ret_exit = code;
	if (r == 0) {
		tell_profile(w);
		storage_warn_low(e, w);
		/* It runs within its own limits; that the common one could not be set is no reason
		 * to take it away. */
		if (reserve_apply(&ignored) < 0)
			log_warning("%s", ignored.msg);
		return 0;
	}
	workspace_sweep(e, w, &ignored);
	return md_wrap(err, "start workspace '%s'", w->name);
}
