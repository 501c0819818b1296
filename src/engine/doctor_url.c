/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "engine/doctor.h"
#include "base/poison.h"

enum { LINES_MAX = 64 << 10 };

/* "level\tname\tfound\tadvice" */
static int take_line(char *line, doctor_each_fn *each, void *data)
{
	const char *level = strsep(&line, "\t"), *name = strsep(&line, "\t");
	const char *found = strsep(&line, "\t"), *advice = line;
	struct doctor_result r;

	if (!advice)
		return -1;
	if (str_eq(level, "broken"))
		doctor_broken(&r, found, advice);
	else if (str_eq(level, "weaker"))
		doctor_weaker(&r, found, advice);
	else
		doctor_ok(&r, "%s", found);
	each(name, &r, data);
	return 0;
}

static char *run_probe(const char *url, const char *config, struct md_error *err)
{
	_auto_free_ char *program = file_sibling_program("mdockerd");
	_auto_strv_ struct strv argv = { 0 };
	struct spawn s = SPAWN_INIT;
	_auto_free_ char *text = NULL;
	int out[2], failed;
	size_t len;
	pid_t pid;

	if (!program) {
		md_fail(err, ENOENT, "mdockerd is not installed beside mdocker");
		return NULL;
	}
	failed = strv_add(&argv, program) < 0 || strv_add(&argv, "--check-url") < 0 ||
		 (config && strv_addf(&argv, "--config=%s", config) < 0) ||
		 (url && strv_addf(&argv, "--public-url=%s", url) < 0);
	if (failed || pipe2(out, O_CLOEXEC) < 0) {
		md_fail_errno(err, "ask mdockerd");
		return NULL;
	}
	s.path = program;
	s.argv = argv.items;
	s.envp = environ;
	s.std[1] = s.std[2] = out[1];
	s.parent_death_signal = SIGKILL;
	pid = spawn_start(&s, NULL);
	fd_close(&out[1]);
	if (pid < 0 || fd_read_to_end(out[0], LINES_MAX, &text, &len) < 0)
		md_fail_errno(err, "ask mdockerd");
	fd_close(&out[0]);
	if (pid > 0)
		spawn_wait(pid);
	return take_ptr(text);
}

void doctor_url(const char *url, const char *config, doctor_each_fn *each, void *data)
{
	struct md_error err = MD_ERROR_INIT;
	_auto_free_ char *text = run_probe(url, config, &err);
	struct doctor_result r;
	char *rest = text, *line;

	if (!text) {
		doctor_weaker(&r, "not tried", err.msg);
		each("public address", &r, data);
	}
	while ((line = strsep(&rest, "\n"))) {
		_auto_free_ char *copy = strdup(line);

		if (!*line || !copy || take_line(copy, each, data) == 0)
			continue;
		doctor_broken(&r, "the server's configuration", line);
		each("public address", &r, data);
	}
}
