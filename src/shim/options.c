/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/options.h"

#include <errno.h>
#include <signal.h>

#include "base/args.h"
#include "base/poison.h"

#define OPT(name_, kind_, member, argument_, help_)                                                \
	{                                                                                          \
		.name = name_, .kind = kind_, .offset = offsetof(struct shim_options, member),     \
		.argument = argument_, .help = help_                                               \
	}

static const struct args_option table[] = {
	OPT("id", ARGS_STRING, id, "ID", "of the workspace and of its container"),
	OPT("name", ARGS_STRING, name, "NAME", "of the workspace, for people"),
	OPT("bundle", ARGS_STRING, bundle, "DIR", "the OCI bundle; its process is mdocker-init"),
	OPT("runtime", ARGS_STRING, runtime, "PATH", "the OCI runtime"),
	OPT("runtime-root", ARGS_STRING, runtime_root, "DIR", "given to the runtime as --root"),
	OPT("runtime-option", ARGS_LIST, runtime_options, "WORD", "a further global option of it"),
	OPT("socket", ARGS_STRING, socket, "PATH", "where clients connect"),
	OPT("pid-file", ARGS_STRING, pid_file, "FILE", "gets the shim's pid"),
	OPT("exit-file", ARGS_STRING, exit_file, "FILE", "gets the exit status of main as JSON"),
	OPT("log", ARGS_STRING, log, "FILE", "the shim's own log"),
	OPT("output-log", ARGS_STRING, output_log, "FILE", "output of main, JSON lines, rotated"),
	OPT("output-log-size", ARGS_SIZE, output_log_size, "SIZE", "rotate past it (10m)"),
	OPT("process-template", ARGS_STRING, process_template, "FILE",
		"OCI process object: the login shell, its environment, user and capabilities"),
	OPT("disk", ARGS_STRING, disk, "DIR", "tell when the file system of this folder fills"),
	OPT("record-dir", ARGS_STRING, record_dir, "DIR", "where recordings go"),
	OPT("record-size", ARGS_SIZE, record_size, "SIZE", "the most of one recording (64m)"),
	OPT("record-total", ARGS_SIZE, record_total, "SIZE",
		"of all recordings; the oldest go (256m)"),
	OPT("record-days", ARGS_INT, record_days, "N", "older recordings go (30)"),
	OPT("record-again", ARGS_INT, record_again, "SECONDS",
		"the least between the beginnings of two required ones of a terminal (60)"),
	OPT("record", ARGS_FLAG, record, NULL, "record every terminal from its start"),
	OPT("main", ARGS_FLAG, main, NULL, "run the template's command; stop when it ends"),
	OPT("main-tty", ARGS_FLAG, main_tty, NULL, "give it a terminal"),
	OPT("main-wait", ARGS_FLAG, main_wait, NULL, "start it with the first who attaches"),
	OPT("stdio", ARGS_FLAG, stdio, NULL, "main gets descriptors 0, 1 and 2 as they are"),
	OPT("rows", ARGS_INT, rows, "N", "of terminals whose clients name none (24)"),
	OPT("cols", ARGS_INT, cols, "N", "(80)"),
	OPT("ring", ARGS_SIZE, ring, "SIZE", "output kept per terminal (2m)"),
	OPT("scrollback", ARGS_INT, scrollback, "LINES", "kept per terminal (10000)"),
	OPT("uid", ARGS_INT, uid, "UID", "of the half without privilege (65534)"),
	OPT("client-uid", ARGS_INT, client_uid, "UID", "may connect besides root"),
	OPT("stop-signal", ARGS_INT, stop_signal, "N", "the first signal of a stop (15)"),
	OPT("ready-fd", ARGS_INT, ready_fd, "N", "gets one JSON line when up, or why not"),
	OPT("lock-fd", ARGS_INT, lock_fd, "N", "is closed when --pid-file is written"),
	OPT("foreground", ARGS_FLAG, foreground, NULL, "stay the caller's child"),
	ARGS_END,
};

static const struct {
	const char *name;
	size_t offset;
} required[] = {
	{ "id", offsetof(struct shim_options, id) },
	{ "bundle", offsetof(struct shim_options, bundle) },
	{ "runtime", offsetof(struct shim_options, runtime) },
	{ "socket", offsetof(struct shim_options, socket) },
	{ "log", offsetof(struct shim_options, log) },
	{ "process-template", offsetof(struct shim_options, process_template) },
};

static int check(const struct shim_options *o, struct md_error *err)
{
	const struct {
		const char *name;
		int64_t value, min, max;
	} ranges[] = {
		{ "rows", o->rows, 1, 512 },
		{ "cols", o->cols, 1, 1024 },
		{ "scrollback", o->scrollback, 0, 100000 },
		{ "uid", o->uid, 0, UINT32_MAX - 1 },
		{ "client-uid", o->client_uid, -1, UINT32_MAX - 1 },
		{ "stop-signal", o->stop_signal, 1, SIGRTMAX },
		{ "ready-fd", o->ready_fd, -1, 1 << 20 },
		{ "lock-fd", o->lock_fd, -1, 1 << 20 },
		{ "record-days", o->record_days, 0, 36500 },
		{ "record-again", o->record_again, 0, 86400 },
		{ "ring", (int64_t)MD_MIN(o->ring, (uint64_t)INT64_MAX), 64 << 10, 64 << 20 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(required); i++) {
		const char *value = *(const char *const *)((const char *)o + required[i].offset);

		if (!value || !*value)
			return md_fail(err, EINVAL, "option --%s is needed", required[i].name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (ranges[i].value < ranges[i].min || ranges[i].value > ranges[i].max)
			return md_fail(err, EINVAL, "option --%s: not between %lld and %lld",
				ranges[i].name, (long long)ranges[i].min, (long long)ranges[i].max);
	}
	return 0;
}

int shim_options_parse(struct shim_options *o, int argc, char **argv, struct md_error *err)
{
	int operands;

	*o = (struct shim_options){
		.output_log_size = 10 << 20,
		.record_size = 64 << 20,
		.record_total = 256 << 20,
		.record_days = 30,
		.record_again = 60,
		.rows = 24,
		.cols = 80,
		.ring = 2 << 20,
		.scrollback = 10000,
		.uid = 65534,
		.client_uid = -1,
		.stop_signal = SIGTERM,
		.ready_fd = -1,
		.lock_fd = -1,
		.std = { -1, -1, -1 },
	};
	if (args_parse(table, o, argc, argv, false, &operands, err) < 0)
		return -1;
	if (operands)
		return md_fail(err, EINVAL, "what is '%s'? There are only options", argv[0]);
	if (!o->name)
		o->name = o->id;
	if (o->stdio && (!o->main || o->main_tty))
		return md_fail(err, EINVAL, "option --stdio is for --main without --main-tty");
	return check(o, err);
}

void shim_options_done(struct shim_options *o)
{
	strv_done(&o->runtime_options);
}
