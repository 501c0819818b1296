/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/poison.h"

enum { FILES_NEEDED = 256 };

char *runtime_seccomp_cache(const struct runtime *rt)
{
	return str_format("%s/:seccomp", rt->root);
}

/* The host's user namespace has the same number on every kernel (USER_NS_INIT_INO of linux/nsfs.h). */
static bool in_first_user_namespace(void)
{
	struct stat s;

	return stat("/proc/self/ns/user", &s) == 0 && s.st_ino == 0xEFFFFFFD;
}

bool runtime_is_rootless(const struct runtime *rt)
{
	_auto_free_ char *text = NULL;
	unsigned int inside, outside, count;
	size_t len;

	if (rt->rootless >= 0)
		return rt->rootless;
	if (geteuid() != 0)
		return true;
	if (in_first_user_namespace())
		return false;
	if (file_read(AT_FDCWD, "/proc/self/uid_map", 65536, &text, &len) < 0)
		return false;
	return sscanf(text, "%u %u %u", &inside, &outside, &count) == 3 && count != UINT32_MAX;
}

int runtime_load_spec(int dirfd, const char *path, struct oci_spec *ret, char **ret_text,
	size_t *ret_len, struct md_error *err)
{
	_auto_free_ char *text = NULL;
	size_t len;

	if (file_read(dirfd, path, OCI_CONFIG_CEILING, &text, &len) < 0) {
		if (errno == ENOENT)
			return md_fail(err, ENOENT, "JSON specification file %s not found", path);
		return md_fail_errno(err, "read '%s'", path);
	}
	if (oci_spec_parse(text, len, ret, err) < 0)
		return md_wrap(err, "%s", path);
	if (ret_text) {
		*ret_text = take_ptr(text);
		*ret_len = len;
	}
	return 0;
}

int runtime_write_pid_file(const char *path, pid_t pid, struct md_error *err)
{
	const char *slash = strrchr(path, '/');
	_auto_free_ char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	_auto_close_ int dir = -1;
	char text[16];

	if (!folder)
		return md_fail_errno(err, "pid file");
	dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(text, sizeof(text), "%d", pid);
	if (dir < 0)
		return md_fail_errno(err, "pid file '%s'", path);
	if (state_write_file(dir, slash ? slash + 1 : path, text, strlen(text), 0644, err) < 0)
		return md_wrap(err, "pid file '%s'", path);
	return 0;
}

int runtime_check_console(
	bool terminal, const char *console_socket, bool foreground, struct md_error *err)
{
	bool have = console_socket && console_socket[0];

	if (terminal && !have && !foreground)
		return md_fail(err, EINVAL,
			"cannot allocate tty if runtime will detach without setting console "
			"socket");
	if (have && (!terminal || foreground))
		return md_fail(err, EINVAL,
			"cannot use console socket if runtime will not detach or allocate tty");
	return 0;
}

/* On v1 there is a descriptor for each of a dozen trees, and twice that many when they are made. */
static uint64_t have_enough_files(void)
{
	struct rlimit files;
	uint64_t before;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= FILES_NEEDED)
		return 0;
	before = files.rlim_cur;
	files.rlim_cur = MD_MIN(files.rlim_max, (rlim_t)FILES_NEEDED);
	return setrlimit(RLIMIT_NOFILE, &files) == 0 ? before : 0;
}

int runtime_seal_fds(unsigned int preserve_fds, uint64_t *ret_soft_files, struct md_error *err)
{
	*ret_soft_files = have_enough_files();
	for (unsigned int fd = 0; fd < 3; fd++) {
		/* A closed standard stream would become the first file that we open. */
		if (fcntl((int)fd, F_GETFD) < 0 && errno == EBADF &&
			open("/dev/null", O_RDWR) != (int)fd)
			return md_fail_errno(err, "open /dev/null for descriptor %u", fd);
	}
	/* Of those below, what is ours was born CLOEXEC, and what was inherited can't be: callers give a number that is high enough. */
	if (fd_cloexec_from(3 + preserve_fds) < 0)
		return md_fail_errno(err, "close inherited descriptors");
	return 0;
}
