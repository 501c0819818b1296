/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "image/unpacker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/poison.h"

/* The child is not trusted any more once it has seen the archive: what it says is checked. */
static int take_outcome(struct unpacker_outcome *o, struct unpack_result *ret, struct md_error *err)
{
	o->error.msg[sizeof(o->error.msg) - 1] = '\0';
	o->result.digest[UNPACK_DIGEST_LEN] = '\0';
	for (char *c = o->error.msg; *c; c++) {
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
	}
	if (o->error.code)
		return md_fail(err, o->error.code, "%s", o->error.msg);
	if (strspn(o->result.digest, "0123456789abcdef") != UNPACK_DIGEST_LEN)
		return md_fail(err, EPROTO, "mdocker-unpack gave no digest");
	*ret = o->result;
	return 0;
}

static int start(int fd, int root_fd, int outcome_fd, const struct unpack_options *o,
	pid_t *ret_pid, struct md_error *err)
{
	_auto_free_ char *program = file_sibling_program("mdocker-unpack");
	_auto_strv_ struct strv argv = STRV_INIT;
	struct spawn s = SPAWN_INIT;

	if (!program)
		return md_fail(err, ENOENT, "mdocker-unpack is not installed beside this program");
	if (strv_add(&argv, "mdocker-unpack") < 0 ||
		strv_addf(&argv, "%llu", (unsigned long long)o->max_bytes) < 0 ||
		strv_addf(&argv, "%llu", (unsigned long long)o->max_entries) < 0)
		return md_fail(err, ENOMEM, "unpack: out of memory");
	s.path = program;
	s.argv = argv.items;
	s.std[0] = fd;
	s.std[2] = STDERR_FILENO;
	s.fds[0] = root_fd;
	s.fds[1] = outcome_fd;
	s.fd_count = 2;
	s.parent_death_signal = SIGKILL;
	*ret_pid = spawn_start(&s, NULL);
	if (*ret_pid < 0)
		return md_fail_errno(err, "start %s", program);
	return 0;
}

int unpacker_run(int fd, int root_fd, const struct unpack_options *o, struct unpack_result *ret,
	struct md_error *err)
{
	_auto_close_ int outcome_read = -1;
	_auto_close_ int outcome_write = -1;
	struct unpacker_outcome outcome;
	int ends[2], code;
	bool told;
	pid_t pid = -1;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return md_fail_errno(err, "unpack: pipe");
	outcome_read = ends[0];
	outcome_write = ends[1];
	if (start(fd, root_fd, outcome_write, o, &pid, err) < 0)
		return -1;
	fd_close(&outcome_write);
	told = fd_read_exactly(outcome_read, &outcome, sizeof(outcome)) == 0;
	code = spawn_wait(pid);
	if (!told)
		return md_fail(err, EPROTO, "mdocker-unpack ended early (exit code %d)", code);
	return take_outcome(&outcome, ret, err);
}
