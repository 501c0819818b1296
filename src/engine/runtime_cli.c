/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/runtime_cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/poison.h"

enum { ERROR_TEXT_MAX = 64 << 10, ERROR_SHOWN_MAX = 400 };

char *runtime_root(const struct engine *e)
{
	return str_format("%s/runtime", e->state);
}

/* A file in memory: unlike a pipe it can't fill up while the other side writes to us. */
static int memory_file(const char *text)
{
	_auto_close_ int fd = memfd_create("mdocker", MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	if (text && (fd_write_all(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET) < 0))
		return -1;
	return take_fd(&fd);
}

static int take_output(int fd, struct buf *output)
{
	_auto_free_ char *text = NULL;
	size_t len;

	if (lseek(fd, 0, SEEK_SET) < 0 || fd_read_to_end(fd, 16 << 20, &text, &len) < 0)
		return -1;
	return buf_add(output, text, len);
}

static int tell_failure(const char *command, int code, int fd, struct md_error *err)
{
	_auto_buf_ struct buf text = BUF_INIT(ERROR_TEXT_MAX);
	const char *line;
	size_t len;

	if (take_output(fd, &text) < 0)
		buf_reset(&text);
	while (text.len && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	line = strrchr(buf_str(&text), '\n');
	line = line ? line + 1 : buf_str(&text);
	len = strlen(line);
	if (len == 0)
		return md_fail(err, EIO, "runtime %s: exit code %d", command, code);
	return md_fail(err, EIO, "runtime %s: %.*s", command,
		(int)MD_MIN(len, (size_t)ERROR_SHOWN_MAX), line);
}

int runtime_run(const struct engine *e, const char *const *args, const char *input,
	struct buf *output, struct md_error *err)
{
	_auto_strv_ struct strv argv = STRV_INIT;
	_auto_free_ char *root = runtime_root(e);
	_auto_close_ int in = memory_file(input);
	_auto_close_ int out = memory_file(NULL);
	_auto_close_ int errors = memory_file(NULL);
	struct spawn s = SPAWN_INIT;
	pid_t pid;
	int code;

	if (engine_need_runtime(e, err) < 0)
		return -1;
	if (!root || in < 0 || out < 0 || errors < 0 || strv_add(&argv, e->runtime) < 0 ||
		strv_add(&argv, "--root") < 0 || strv_add(&argv, root) < 0)
		return md_fail_errno(err, "runtime %s", args[0]);
	for (size_t i = 0; args[i]; i++) {
		if (strv_add(&argv, args[i]) < 0)
			return md_fail_errno(err, "runtime %s", args[0]);
	}
	s.path = e->runtime;
	s.argv = argv.items;
	s.std[0] = in;
	s.std[1] = out;
	s.std[2] = errors;
	/* What it is to do is right only as long as we hold the workspace's lock. */
	s.parent_death_signal = SIGKILL;
	pid = spawn_start(&s, NULL);
	if (pid < 0)
		return md_fail_errno(err, "runtime '%s'", e->runtime);
	code = spawn_wait(pid);
	if (code != 0)
		return tell_failure(args[0], code, errors, err);
	if (output && take_output(out, output) < 0)
		return md_fail_errno(err, "runtime %s: its output", args[0]);
	return 0;
}
