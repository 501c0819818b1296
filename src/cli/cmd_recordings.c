/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_recordings.c - `mdocker recordings ls, export, path, rm, prune`: what was recorded of a workspace's terminals. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "engine/recordings.h"
#include "json/json_write.h"
#include "base/poison.h"

enum {
	EXIT_NO_RECORDING = 3,
	EXIT_NOT_ALLOWED = 4,
	LIST_MAX = 1 << 20,
	COPY_CHUNK = 64 << 10,
};

struct recordings_options {
	const char *owner, *output;
	bool json, force;
};

#define OPT(field) offsetof(struct recordings_options, field)

static const struct args_option options[] = {
	{ "owner", 0, ARGS_STRING, OPT(owner), "USER", "only if the workspace is that user's" },
	{ "json", 0, ARGS_FLAG, OPT(json), NULL, "ls: one JSON document" },
	{ "output", 'o', ARGS_STRING, OPT(output), "FILE",
		"export: into a new file (standard output)" },
	{ "force", 0, ARGS_FLAG, OPT(force), NULL,
		"rm: where recordings are required, too (without --owner it is so anyway)" },
	ARGS_END,
};

/* With --owner a name is meant, as it is for `mdocker workspace`. *ret_known false: nobody made it yet. */
static int find(struct engine *e, const struct recordings_options *o, const char *name,
	struct workspace *ret, bool *ret_known, struct md_error *err)
{
	*ret_known = true;
	if (!o->owner)
		return engine_find(e, name, ret, err);
	if (engine_find_named(e, name, ret, err) < 0) {
		*ret_known = false;
		return err->code == ENOENT ? 0 : -1;
	}
	if (!str_eq(ret->owner, o->owner) || ret->kind != WORKSPACE_USER)
		return md_fail(err, EACCES, "workspace '%s' is not %s's", name, o->owner);
	return 0;
}

static void write_json(const struct recordings *l, enum record_mode mode, struct buf *out)
{
	struct json_writer j = { .out = out };

	json_object_begin(&j, NULL);
	json_add_string(&j, "mode", record_mode_name(mode));
	json_array_begin(&j, "recordings");
	for (size_t i = 0; i < l->count; i++) {
		const struct recording_info *r = &l->items[i];

		json_object_begin(&j, NULL);
		json_add_string(&j, "id", r->name);
		json_add_string(&j, "title", r->title);
		json_add_u64(&j, "terminal", r->terminal);
		json_add_i64(&j, "started_ms", r->started * 1000);
		json_add_u64(&j, "duration_ms", r->duration_ms);
		json_add_u64(&j, "bytes", r->bytes);
		json_add_u64(&j, "rows", r->rows);
		json_add_u64(&j, "cols", r->cols);
		json_add_bool(&j, "live", r->live);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	buf_add_char(out, '\n');
}

static void print_table(const struct recordings *l)
{
	printf("%-24s %-20s %10s %12s  %s\n", "RECORDING", "BEGUN", "LENGTH", "BYTES", "TITLE");
	for (size_t i = 0; i < l->count; i++) {
		const struct recording_info *r = &l->items[i];
		unsigned long long s = r->duration_ms / 1000;
		char begun[32], length[32];
		time_t started = r->started;

		strftime(begun, sizeof(begun), "%F %T", localtime(&started));
		snprintf(length, sizeof(length), "%llu:%02llu:%02llu", s / 3600, s / 60 % 60,
			s % 60);
		printf("%-24s %-20s %10s %12llu  ", r->name, begun, r->live ? "recording" : length,
			(unsigned long long)r->bytes);
		cli_print_safe(r->title, 0);
		putchar('\n');
	}
}

static int list(
	struct engine *e, const struct recordings_options *o, char **argv, struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_recordings_ struct recordings l = { NULL, 0 };
	_auto_buf_ struct buf text = BUF_INIT(LIST_MAX);
	_auto_free_ char *folder = NULL;
	bool known;

	if (find(e, o, argv[0], &w, &known, err) < 0)
		return -1;
	if (known) {
		folder = recordings_folder(e, &w);
		/* What is past its time isn't shown either. */
		if (!folder || recordings_prune_workspace(e, &w, err) < 0 ||
			recordings_list(folder, &l, err) < 0)
			return folder ? -1 : md_fail_errno(err, "recordings");
	}
	if (!o->json) {
		print_table(&l);
		return 0;
	}
	write_json(&l, w.recording.mode, &text);
	if (text.failed || fd_write_all(STDOUT_FILENO, text.data, text.len) < 0)
		return md_fail_errno(err, "recordings");
	return 0;
}

/* A recording of a workspace that there is: its descriptor, and where it lies. */
static int open_one(struct engine *e, const struct recordings_options *o, char **argv,
	char **ret_path, struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_free_ char *folder = NULL;
	_auto_close_ int fd = -1;
	bool known;

	if (find(e, o, argv[0], &w, &known, err) < 0)
		return -1;
	if (!known)
		return md_fail(err, ENOENT, "there is no recording '%.60s'", argv[1]);
	folder = recordings_folder(e, &w);
	if (!folder)
		return md_fail_errno(err, "recordings");
	fd = recording_open(folder, argv[1], err);
	if (fd < 0)
		return -1;
	*ret_path = str_format("%s/%s.cast", folder, argv[1]);
	return *ret_path ? take_fd(&fd) : md_fail_errno(err, "recordings");
}

static int copy(int from, const char *from_name, int to, const char *to_name, struct md_error *err)
{
	char chunk[COPY_CHUNK];
	ssize_t n;

	while ((n = read(from, chunk, sizeof(chunk))) > 0) {
		if (fd_write_all(to, chunk, (size_t)n) < 0)
			return md_fail_errno(err, "writing to '%s'", to_name);
	}
	return n < 0 ? md_fail_errno(err, "reading '%s'", from_name) : 0;
}

static int export(
	struct engine *e, const struct recordings_options *o, char **argv, struct md_error *err)
{
	_auto_free_ char *path = NULL;
	_auto_close_ int fd = open_one(e, o, argv, &path, err);
	const char *to = o->output ? o->output : "standard output";
	_auto_close_ int out = -1;
	int r;

	if (fd < 0)
		return -1;
	out = o->output ? open(o->output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)
			: fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (out < 0)
		return md_fail_errno(err, "'%s'", to);
	r = copy(fd, path, out, to, err);
	if (r < 0 && o->output)
		unlink(o->output);
	return r;
}

/* For the server, which opens it itself. */
static int print_path(
	struct engine *e, const struct recordings_options *o, char **argv, struct md_error *err)
{
	_auto_free_ char *path = NULL;
	_auto_close_ int fd = open_one(e, o, argv, &path, err);
	_auto_buf_ struct buf line = BUF_INIT(64 << 10);
	struct json_writer j = { .out = &line };

	if (fd < 0)
		return -1;
	json_object_begin(&j, NULL);
	json_add_string(&j, "path", path);
	json_object_end(&j);
	if (line.failed)
		return md_fail(err, ENOMEM, "recordings");
	puts(buf_str(&line));
	return 0;
}

static int remove_one(
	struct engine *e, const struct recordings_options *o, char **argv, struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	bool known;

	if (find(e, o, argv[0], &w, &known, err) < 0)
		return -1;
	if (!known)
		return md_fail(err, ENOENT, "there is no recording '%.60s'", argv[1]);
	return recordings_remove_one(e, &w, argv[1], o->force || !o->owner, err);
}

static int prune(struct engine *e, const struct recordings_options *o _unused_,
	char **argv _unused_, struct md_error *err)
{
	_auto_workspaces_ struct workspaces l = { NULL, 0 };
	int removed, sum = 0, r = 0;

	if (engine_list(e, &l, err) < 0)
		return -1;
	for (size_t i = 0; i < l.count; i++) {
		removed = recordings_prune_workspace(e, &l.items[i], err);
		sum += removed > 0 ? removed : 0;
		r = removed < 0 ? -1 : r;
	}
	printf("%d recordings removed\n", sum);
	return r;
}

/* By the number of operands. */
static const char *const takes[] = { "nothing more", "a workspace", "a workspace and a recording" };

static const struct {
	const char *name;
	int operands;
	int (*run)(struct engine *e, const struct recordings_options *o, char **argv,
		struct md_error *err);
} verbs[] = {
	{ "ls", 1, list },
	{ "export", 2, export },
	{ "path", 2, print_path },
	{ "rm", 2, remove_one },
	{ "prune", 0, prune },
};

static int exit_code(const struct md_error *err)
{
	if (err->code == ENOENT || err->code == EINVAL)
		return EXIT_NO_RECORDING;
	return err->code == EPERM || err->code == EBUSY ? EXIT_NOT_ALLOWED : 1;
}

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	struct recordings_options o = { 0 };
	struct md_error err = MD_ERROR_INIT;
	size_t verb = 0;
	int count;
	int code = cli_parse(c, &o, argc, argv, false, 1, 3, &count);

	if (code >= 0)
		return code;
	while (verb < ARRAY_SIZE(verbs) && !str_eq(argv[0], verbs[verb].name))
		verb++;
	if (verb == ARRAY_SIZE(verbs))
		return cli_usage(c, "'%.40s': ls, export, rm or prune", argv[0]);
	if (count - 1 != verbs[verb].operands)
		return cli_usage(
			c, "`recordings %s` takes %s", argv[0], takes[verbs[verb].operands]);
	if (engine_open(&e, cli_engine_options(), &err) < 0)
		return cli_fail(&err, 1);
	return verbs[verb].run(&e, &o, argv + 1, &err) < 0 ? cli_fail(&err, exit_code(&err)) : 0;
}

const struct args_command cmd_recordings = {
	.name = "recordings",
	.summary = "List, export and remove recordings of a workspace's terminals",
	.usage = "recordings ls WORKSPACE | export WORKSPACE RECORDING [-o FILE] | rm WORKSPACE "
		 "RECORDING | prune",
	.verbs = "ls export rm prune",
	.text = "They are asciicast v2 files (`asciinema play FILE`). `prune` removes what is past "
		"the limits of its\n"
		"workspace, as the server does each hour, each new recording and `ls`. `path` "
		"tells where one lies.\n"
		"Exit codes: 3 there is no such recording, 4 it may not be removed (now).",
	.options = options,
	.run = run,
};
