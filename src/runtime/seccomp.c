/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/seccomp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sock.h"
#include "base/str.h"
#include "json/json_write.h"

#include "base/poison.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

static bool notifies(const struct oci_seccomp *s)
{
	for (size_t i = 0; i < s->rule_count; i++) {
		if (s->rules[i].action == OCI_SECCOMP_NOTIFY)
			return true;
	}
	return false;
}

unsigned int seccomp_load_flags(const struct oci_seccomp *s)
{
	/* One thread loads the filter, so that there is nothing to synchronise; and a listener
	 * excludes TSYNC. */
	unsigned int flags = s->flags & ~(unsigned int)SECCOMP_FILTER_FLAG_TSYNC;

	/* Who names a listener gets one, with or without a rule that notifies. */
	if (!notifies(s) && !s->listener_path)
		return flags & ~(unsigned int)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	return flags | SECCOMP_FILTER_FLAG_NEW_LISTENER;
}

int seccomp_install(const void *program, size_t len, unsigned int flags)
{
	struct sock_fprog p = { .len = (unsigned short)(len / sizeof(struct sock_filter)),
		.filter = (struct sock_filter *)program };

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}

/* { ociVersion, fds: [seccompFd], pid, metadata, state }: the descriptors in the order of `fds`. */
int seccomp_send_listener(const struct oci_seccomp *s, int listener_fd, pid_t pid,
	const char *state_text, struct md_error *err)
{
	_auto_buf_ struct buf text = BUF_INIT(1024 * 1024);
	struct json_writer w = { .out = &text };
	_auto_close_ int fd = -1;

	json_object_begin(&w, NULL);
	json_add_string(&w, "ociVersion", OCI_SPEC_VERSION);
	json_array_begin(&w, "fds");
	json_add_string(&w, NULL, "seccompFd");
	json_array_end(&w);
	json_add_i64(&w, "pid", pid);
	if (s->listener_metadata)
		json_add_string(&w, "metadata", s->listener_metadata);
	json_add_raw(&w, "state", state_text);
	json_object_end(&w);
	if (text.failed)
		return md_fail(err, ENOMEM, "seccomp listener: the state is too long");
	fd = sock_connect(s->listener_path, SOCK_STREAM);
	if (fd < 0)
		return md_fail_errno(err, "seccomp listener: connect to %s", s->listener_path);
	if (sock_send(fd, text.data, text.len, &listener_fd, 1) != (ssize_t)text.len)
		return md_fail_errno(err, "seccomp listener: send to %s", s->listener_path);
	return 0;
}

const char *const *seccomp_action_names(void)
{
	static const char *const names[] = { "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL",
		"SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY",
		"SCMP_ACT_TRACE", "SCMP_ACT_TRAP", NULL };

	return names;
}

const char *const *seccomp_operator_names(void)
{
	static const char *const names[] = { "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT",
		"SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE", NULL };

	return names;
}

static const struct {
	const char *name;
	unsigned int flag;
} flag_names[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
};

/* The kernel says EFAULT for a flag that it knows (there is no program) and EINVAL for one that it
 * doesn't. */
static bool flag_supported(unsigned int flag)
{
	if (flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
		flag |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag, NULL) < 0 && errno == EFAULT;
}

const char *const *seccomp_flag_names(bool supported_only)
{
	static const char *names[ARRAY_SIZE(flag_names) + 1];
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++) {
		if (!supported_only || flag_supported(flag_names[i].flag))
			names[count++] = flag_names[i].name;
	}
	names[count] = NULL;
	return names;
}
