/* SPDX-License-Identifier: Apache-2.0 */
/* The child's half of the talk with the runtime, and the texts in it. */
#define _GNU_SOURCE
#include "runtime/init.h"

#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/poison.h"

static void join_text(char *to, size_t size, va_list ap)
{
	size_t len = 0;

	for (const char *s = va_arg(ap, const char *); s; s = va_arg(ap, const char *)) {
		size_t n = strlen(s);

		if (n > size - 1 - len)
			n = size - 1 - len;
		memcpy(to + len, s, n);
		len += n;
	}
	to[len] = '\0';
}

void init_join_text(char *to, size_t size, ...)
{
	va_list ap;

	va_start(ap, size);
	join_text(to, size, ap);
	va_end(ap);
}

char *init_number(char *to, int64_t number)
{
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
	char digits[24];
	int n = 0, len = 0;

	do {
		digits[n++] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (number < 0)
		to[len++] = '-';
	while (n)
		to[len++] = digits[--n];
	to[len] = '\0';
	return to;
}

_noreturn_ void init_exit(int code)
{
	syscall(SYS_exit_group, code);
	__builtin_trap();
}

static _noreturn_ void report_failure(struct init *in, struct sync_message *m)
{
	m->stage = SYNC_FAILED;
	sync_send(in->sock, m, -1);
	init_exit(m->value == SYNC_FAILURE_PROGRAM ? 127 : 1);
}

_noreturn_ void init_fail(struct init *in, int code, ...)
{
	struct sync_message m = { .code = code, .value = SYNC_FAILURE_SETUP };
	va_list ap;

	va_start(ap, code);
	join_text(m.text, sizeof(m.text), ap);
	va_end(ap);
	report_failure(in, &m);
}

_noreturn_ void init_fail_program(struct init *in, int code, ...)
{
	struct sync_message m = { .code = code, .value = SYNC_FAILURE_PROGRAM };
	va_list ap;

	va_start(ap, code);
	join_text(m.text, sizeof(m.text), ap);
	va_end(ap);
	report_failure(in, &m);
}

void init_warn(struct init *in, int code, ...)
{
	struct sync_message m = { .stage = SYNC_WARNING, .code = code };
	va_list ap;

	va_start(ap, code);
	join_text(m.text, sizeof(m.text), ap);
	va_end(ap);
	sync_send(in->sock, &m, -1);
}

void init_send(struct init *in, enum sync_stage stage, int value, int fd)
{
	struct sync_message m = { .stage = stage, .value = value };

	if (sync_send(in->sock, &m, fd) < 0)
		init_exit(1);
}

/* They may be ready before they are asked for. */
static bool note(struct init *in, enum sync_stage stage, const int *fds, size_t count)
{
	switch (stage) {
	case SYNC_START:
		in->start_told = true;
		return false;
	case SYNC_CGROUPS:
		memcpy(in->cgroup_fds, fds, count * sizeof(*fds));
		in->cgroup_fd_count = count;
		in->cgroups_ready = true;
		return true;
	case SYNC_HIERARCHIES:
		memcpy(in->hierarchy_fds, fds, count * sizeof(*fds));
		in->hierarchy_fd_count = count;
		in->hierarchies_told = true;
		return true;
	default:
		return false;
	}
}

void init_await(struct init *in, enum sync_stage stage, struct sync_message *ret, int *ret_fd)
{
	struct sync_message m;

	do {
		int fds[SOCK_MAX_FDS];
		size_t count;

		/* Without a runtime at the other end there is nobody to tell and nothing to do. */
		if (sync_receive_fds(in->sock, &m, fds, &count) <= 0)
			init_exit(1);
		if (!note(in, (enum sync_stage)m.stage, fds, count) && ret_fd)
			*ret_fd = count ? fds[0] : -1;
	} while (m.stage != stage);
	if (ret)
		*ret = m;
}

const char *init_fd_path(char to[64], int fd)
{
	char digits[24];

	init_join_text(to, 64, "/proc/self/fd/", init_number(digits, fd), NULL);
	return to;
}
