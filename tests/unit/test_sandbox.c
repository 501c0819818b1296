/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody who took over a role could do: each probe is a child that enters the sandbox as that role does and then
 * makes system calls of its own choice. Needs root, as mdockerd does.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "server/sandbox.h"

enum { UID = 58199 };

static char folder[64];
static int inherited_listener;

static const struct sandbox web = { .uid = UID, .gid = UID, .root = folder, .network = true };
static const struct sandbox auth = {
	.uid = UID, .gid = UID, .root = folder, .files = true, .threads = true
};

static int start(void **state _unused_)
{
	snprintf(folder, sizeof(folder), "/tmp/test_sandbox.XXXXXX");
	inherited_listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return mkdtemp(folder) && chown(folder, UID, UID) == 0 && inherited_listener >= 0 ? 0 : -1;
}

static int end(void **state _unused_)
{
	close(inherited_listener);
	return file_remove_tree(AT_FDCWD, folder);
}

/* A probe returns true if it got what it wanted. */
typedef bool (*probe)(void);

enum { BLOCKED, GOT_IT, BROKEN };

static int run(const struct sandbox *s, probe p)
{
	struct md_error err = MD_ERROR_INIT;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (sandbox_enter(s, &err) < 0) {
			fprintf(stderr, "%s\n", err.msg);
			_exit(BROKEN);
		}
		_exit(p() ? GOT_IT : BLOCKED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* Killed by the filter counts as blocked. */
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? BLOCKED : WEXITSTATUS(status);
}

static bool read_passwd(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool read_above(void)
{
	return open("../../../../etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool make_file(void)
{
	return open("/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0;
}

static bool make_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool make_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool connect_out(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect(inherited_listener, (struct sockaddr *)&to, sizeof(to)) == 0 ||
	       errno == ECONNREFUSED;
}

static bool bind_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };

	return bind(inherited_listener, (struct sockaddr *)&at, sizeof(at)) == 0;
}

static bool become_root(void)
{
	return setuid(0) == 0;
}

static bool start_program(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return errno != EACCES && errno != EPERM && errno != ENOENT;
}

static bool fork_away(void)
{
	return syscall(SYS_fork) >= 0;
}

static bool clone_process(void)
{
	return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL) >= 0;
}

static bool new_user_namespace(void)
{
	return unshare(CLONE_NEWUSER) == 0;
}

static bool signal_others(void)
{
	return kill(getppid(), 0) == 0;
}

static bool trace_others(void)
{
	return ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) == 0;
}

static bool mount_something(void)
{
	return mount("x", "/", "tmpfs", 0, NULL) == 0;
}

static bool run_own_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0) != MAP_FAILED;
}

static bool make_memory_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool leave_the_root(void)
{
	return chroot("/") == 0;
}

static bool type_into_a_terminal(void)
{
	enum { TIOCSTI_REQUEST = 0x5412 };

	return syscall(SYS_ioctl, 0, (1ul << 32) | TIOCSTI_REQUEST, "x") == 0;
}

static const struct {
	const char *name;
	probe try;
} everywhere[] = {
	{ "read /etc/passwd", read_passwd },
	{ "read above the root", read_above },
	{ "make a socket", make_socket },
	{ "make a unix socket", make_unix_socket },
	{ "connect", connect_out },
	{ "bind", bind_port },
	{ "setuid", become_root },
	{ "execve", start_program },
	{ "fork", fork_away },
	{ "clone", clone_process },
	{ "unshare", new_user_namespace },
	{ "kill", signal_others },
	{ "ptrace", trace_others },
	{ "mount", mount_something },
	{ "writable executable memory", run_own_code },
	{ "executable memory", make_memory_executable },
	{ "chroot", leave_the_root },
	{ "TIOCSTI", type_into_a_terminal },
};

static void neither_role_reaches_anything_of_value(void **state _unused_)
{
	int leaks = 0;

	for (size_t i = 0; i < ARRAY_SIZE(everywhere); i++) {
		int as_web = run(&web, everywhere[i].try), as_auth = run(&auth, everywhere[i].try);

		assert_int_not_equal(as_web, BROKEN);
		assert_int_not_equal(as_auth, BROKEN);
		if (as_web != BLOCKED || as_auth != BLOCKED) {
			fprintf(stderr, "LEAK: %s (web %d, auth %d)\n", everywhere[i].name, as_web,
				as_auth);
			leaks++;
		}
	}
	assert_int_equal(leaks, 0);
}

static void only_auth_has_files_and_only_its_own(void **state _unused_)
{
	assert_int_equal(run(&web, make_file), BLOCKED);
	assert_int_equal(run(&auth, make_file), GOT_IT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(neither_role_reaches_anything_of_value, start, end),
		cmocka_unit_test_setup_teardown(only_auth_has_files_and_only_its_own, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
