/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "runtime/seccomp.h"

static const char profile[] =
	"{\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\","
	"\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_AARCH64\"],\"syscalls\":["
	"{\"names\":[\"no_such_call\",\"mkdirat\",\"mkdir\"],\"action\":\"SCMP_ACT_ERRNO\","
	"\"errnoRet\":99},"
	"{\"names\":[\"kill\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":98,\"args\":["
	"{\"index\":1,\"value\":3,\"op\":\"SCMP_CMP_EQ\"},"
	"{\"index\":1,\"value\":4,\"op\":\"SCMP_CMP_EQ\"}]}]}}}";

static void parse(const char *text, struct oci_spec *s)
{
	struct md_error err = MD_ERROR_INIT;

	if (oci_spec_parse(text, strlen(text), s, &err) < 0)
		fail_msg("%s", err.msg);
}

/* Runs the filter in a child. Its exit code tells which call went wrong. */
static int try_filter(const struct buf *program)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
			seccomp_install(program->data, program->len, 0) < 0)
			_exit(1);
		if (mkdir("/tmp", 0700) == 0 || errno != 99)
			_exit(2);
		if (kill(getpid(), 3) == 0 || errno != 98)
			_exit(3);
		if (kill(getpid(), 4) == 0 || errno != 98)
			_exit(4);
		if (kill(getpid(), 0) < 0)
			_exit(5);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void a_profile_is_compiled_and_works(void **state _unused_)
{
	_auto_buf_ struct buf program = BUF_INIT(SECCOMP_PROGRAM_CEILING);
	_auto_spec_ struct oci_spec s = OCI_SPEC_INIT;
	struct md_error err = MD_ERROR_INIT;

	parse(profile, &s);
	if (seccomp_compile(&s.seccomp, NULL, &program, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(program.len % sizeof(struct sock_filter), 0);
	assert_int_equal(try_filter(&program), 0);
}

/* Exit code: 0, or the number of the expectation that fails. */
static int answers_of(const struct buf *program)
{
	pid_t pid = fork();
	int status, failed = 0;

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
			seccomp_install(program->data, program->len, 0) < 0)
			_exit(1);
		if (syscall(SYS_getppid) < 0)
			failed = 2;
		else if (syscall(SYS_bpf, 0, 0, 0) == 0 || errno != EPERM)
			failed = 3;
		else if (syscall(SYS_landlock_create_ruleset + 1, 0, 0, 0) == 0 || errno != ENOSYS)
			failed = 4;
		else if (syscall(5000, 0, 0, 0) == 0 || errno != ENOSYS)
			failed = 5;
		/* _exit() is no call of the kernel's alone with AddressSanitizer, and the filter refuses the others. */
		syscall(SYS_exit_group, failed);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* A C library falls back at ENOSYS and gives up at EPERM. */
static void what_is_newer_than_the_rules_does_not_exist(void **state _unused_)
{
	static const char *const defaults[] = { "\"SCMP_ACT_ERRNO\"",
		"\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":1" };

	for (size_t i = 0; i < 2; i++) {
		_auto_buf_ struct buf program = BUF_INIT(SECCOMP_PROGRAM_CEILING);
		_auto_spec_ struct oci_spec s = OCI_SPEC_INIT;
		_auto_free_ char *text = str_format(
			"{\"linux\":{\"seccomp\":{\"defaultAction\":%s,\"syscalls\":["
			"{\"names\":[\"exit_group\",\"getppid\",\"landlock_create_ruleset\","
			"\"a_call_of_next_year\"],\"action\":\"SCMP_ACT_ALLOW\"}]}}}",
			defaults[i]);

		parse(text, &s);
		assert_int_equal(seccomp_compile(&s.seccomp, NULL, &program, NULL), 0);
		assert_int_equal(answers_of(&program), 0);
	}
}

/* The name of the one file in the cache. */
static char *cached(const char *dir)
{
	DIR *d = opendir(dir);
	char *found = NULL;
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d))) {
		if (e->d_name[0] != '.') {
			assert_null(found);
			found = str_format("%s/%s", dir, e->d_name);
		}
	}
	closedir(d);
	return found;
}

static void compile(const char *dir, struct buf *program)
{
	_auto_spec_ struct oci_spec s = OCI_SPEC_INIT;
	struct md_error err = MD_ERROR_INIT;

	parse(profile, &s);
	buf_reset(program);
	assert_int_equal(seccomp_compile(&s.seccomp, dir, program, &err), 0);
}

static void the_cache_is_believed_only_when_whole_and_ours(void **state _unused_)
{
	_auto_buf_ struct buf first = BUF_INIT(SECCOMP_PROGRAM_CEILING);
	_auto_buf_ struct buf second = BUF_INIT(SECCOMP_PROGRAM_CEILING);
	char dir[] = "/tmp/test_seccomp.XXXXXX";
	_auto_free_ char *file = NULL;
	struct stat st;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	compile(dir, &first);
	file = cached(dir);
	assert_non_null(file);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	compile(dir, &second);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);

	/* One byte of the program is changed: "allow" everything, say. */
	f = fopen(file, "r+e");
	assert_non_null(f);
	fseek(f, -1, SEEK_END);
	fputc(0x55, f);
	fclose(f);
	compile(dir, &second);
	assert_memory_equal(first.data, second.data, first.len);

	/* A file that others may write. */
	assert_int_equal(chmod(file, 0666), 0);
	compile(dir, &second);
	assert_memory_equal(first.data, second.data, first.len);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(file_remove_tree(AT_FDCWD, dir), 0);
}

static void what_the_library_refuses_names_its_place(void **state _unused_)
{
	static const char text[] = "{\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\","
				   "\"architectures\":[\"SCMP_ARCH_NOPE\"]}}}";
	_auto_buf_ struct buf program = BUF_INIT(SECCOMP_PROGRAM_CEILING);
	_auto_spec_ struct oci_spec s = OCI_SPEC_INIT;
	struct md_error err = MD_ERROR_INIT;

	parse(text, &s);
	assert_int_equal(seccomp_compile(&s.seccomp, NULL, &program, &err), -1);
	assert_string_equal(
		err.msg, "linux.seccomp.architectures[0]: 'SCMP_ARCH_NOPE' is not known");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_profile_is_compiled_and_works),
		cmocka_unit_test(what_is_newer_than_the_rules_does_not_exist),
		cmocka_unit_test(the_cache_is_believed_only_when_whole_and_ours),
		cmocka_unit_test(what_the_library_refuses_names_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
