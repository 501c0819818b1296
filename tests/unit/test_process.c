/* SPDX-License-Identifier: Apache-2.0 */
/* spawn, sock and loop: what our long-lived processes stand on. */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/sock.h"
#include "base/spawn.h"

static char *const no_env[] = { NULL };

/* Runs a shell command with `extra` as descriptor 3 and gives back what it wrote. */
static char *shell_output(const char *command, int extra)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)command, NULL };
	struct spawn s = SPAWN_INIT;
	char *text = NULL;
	int pipes[2];
	pid_t pid;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	s.path = "/bin/sh";
	s.argv = argv;
	s.envp = no_env;
	s.std[1] = pipes[1];
	s.fds[0] = extra;
	s.fd_count = extra < 0 ? 0 : 1;
	pid = spawn_start(&s, NULL);
	close(pipes[1]);
	assert_true(pid > 0);
	assert_int_equal(fd_read_to_end(pipes[0], 4096, &text, NULL), 0);
	close(pipes[0]);
	assert_int_equal(spawn_wait(pid), 0);
	return text;
}

static void a_child_has_just_the_descriptors_it_was_given(void **state _unused_)
{
	int leak = open("/dev/null", O_RDONLY); /* without CLOEXEC, on purpose */
	_auto_free_ char *text = shell_output("exec ls /proc/self/fd | tr '\\n' ' '", leak);

	close(leak);
	/* 4 is the folder that ls reads. */
	assert_string_equal(text, "0 1 2 3 4 ");
}

static void a_child_has_no_signal_blocked_or_ignored(void **state _unused_)
{
	_auto_free_ char *text = NULL;

	signal(SIGPIPE, SIG_IGN);
	/* One that the C library does not let a program touch. */
	syscall(SYS_rt_sigaction, 32, (unsigned long[8]){ 1 }, NULL, 8);
	text = shell_output("grep -E 'SigBlk|SigIgn' /proc/self/status | tr -d '\\t\\n'", -1);
	signal(SIGPIPE, SIG_DFL);
	assert_string_equal(text, "SigBlk:0000000000000000SigIgn:0000000000000000");
}

static void the_failing_execve_is_told(void **state _unused_)
{
	char *argv[] = { (char *)"x", NULL };
	struct spawn s = SPAWN_INIT;

	s.argv = argv;
	s.path = "/nope";
	assert_int_equal(spawn_start(&s, NULL), -1);
	assert_int_equal(errno, ENOENT);
	s.path = "/etc/passwd";
	assert_int_equal(spawn_start(&s, NULL), -1);
	assert_int_equal(errno, EACCES);
}

/* The child wants descriptors above those that it is given. */
static void a_child_without_room_for_descriptors_is_told(void **state _unused_)
{
	char *argv[] = { (char *)"true", NULL };
	struct spawn s = SPAWN_INIT;
	struct rlimit usual, low;
	pid_t pid;
	int code;

	s.path = "/bin/true";
	s.argv = argv;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	low = (struct rlimit){ 3 + SPAWN_MAX_FDS, usual.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	pid = spawn_start(&s, NULL);
	code = errno;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
	assert_int_equal(pid, -1);
	assert_int_equal(code, EINVAL);
}

static void messages_keep_their_bounds_and_descriptors(void **state _unused_)
{
	int pair[2], fds[2] = { STDIN_FILENO, STDERR_FILENO }, got[1];
	size_t room = 1;
	char data[8];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(sock_send(pair[0], "abc", 3, fds, 1), 3);
	assert_int_equal(sock_recv(pair[1], data, sizeof(data), got, &room), 3);
	assert_int_equal(room, 1);
	assert_true(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
	close(got[0]);
	assert_int_equal(sock_send(pair[0], "123456789", 9, NULL, 0), 9);
	assert_int_equal(sock_recv(pair[1], data, sizeof(data), NULL, NULL), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(sock_send(pair[0], "x", 1, fds, 2), 1);
	room = 1;
	assert_int_equal(sock_recv(pair[1], data, sizeof(data), got, &room), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(room, 0);
	close(pair[0]);
	assert_int_equal(sock_recv(pair[1], data, sizeof(data), NULL, NULL), 0);
	close(pair[1]);
}

static void a_socket_works_behind_a_long_path(void **state _unused_)
{
	char folder[] = "/tmp/md-test-sock-XXXXXX", path[300], inner[200];
	int listening, connected;

	assert_non_null(mkdtemp(folder));
	memset(inner, 'd', 150);
	inner[150] = '\0';
	snprintf(path, sizeof(path), "%s/%s", folder, inner);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/%s/sock", folder, inner);
	listening = sock_listen(path, SOCK_SEQPACKET, 1);
	assert_true(listening >= 0);
	connected = sock_connect(path, SOCK_SEQPACKET);
	assert_true(connected >= 0);
	close(connected);
	close(listening);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	assert_int_equal(rmdir(folder), 0);
}

struct seen {
	struct loop loop;
	struct loop_source child, timer, other;
	int ended, fired;
};

static void child_ended(struct loop_source *s, uint32_t events _unused_)
{
	struct seen *seen = s->data;

	seen->ended++;
	loop_remove(&seen->loop, s);
	loop_set_timer(&seen->timer, 1, 1);
}

static void timer_fired(struct loop_source *s, uint32_t events _unused_)
{
	struct seen *seen = s->data;

	loop_take_timer(s);
	if (++seen->fired == 3)
		loop_stop(&seen->loop);
}

static void the_loop_tells_of_processes_and_timers(void **state _unused_)
{
	char *argv[] = { (char *)"true", NULL };
	struct spawn s = SPAWN_INIT;
	struct seen seen = { 0 };
	int pidfd = -1;
	pid_t pid;

	s.path = "/bin/true";
	s.argv = argv;
	assert_int_equal(loop_open(&seen.loop), 0);
	assert_int_equal(loop_add_timer(&seen.loop, &seen.timer, timer_fired, &seen), 0);
	pid = spawn_start(&s, &pidfd);
	assert_true(pid > 0);
	assert_int_equal(loop_add_pidfd(&seen.loop, &seen.child, pidfd, child_ended, &seen), 0);
	assert_int_equal(loop_run(&seen.loop), 0);
	assert_int_equal(seen.ended, 1);
	assert_int_equal(seen.fired, 3);
	assert_int_equal(spawn_wait(pid), 0);
	loop_remove(&seen.loop, &seen.timer);
	loop_close(&seen.loop);
	close(pidfd);
}

static void remove_other(struct loop_source *s, uint32_t events _unused_)
{
	struct seen *seen = s->data;

	seen->fired++;
	loop_remove(&seen->loop, s == &seen->other ? &seen->child : &seen->other);
	loop_stop(&seen->loop);
}

/* Both are ready in one round; the first to run removes the other, which must not be called. */
static void a_removed_source_is_not_called(void **state _unused_)
{
	struct seen seen = { 0 };
	int one[2], two[2];

	assert_int_equal(pipe2(one, O_CLOEXEC) | pipe2(two, O_CLOEXEC), 0);
	assert_int_equal(fd_write_all(one[1], "x", 1) | fd_write_all(two[1], "x", 1), 0);
	assert_int_equal(loop_open(&seen.loop), 0);
	loop_add_fd(&seen.loop, &seen.child, one[0], EPOLLIN, remove_other, &seen);
	loop_add_fd(&seen.loop, &seen.other, two[0], EPOLLIN, remove_other, &seen);
	assert_int_equal(loop_run(&seen.loop), 0);
	assert_int_equal(seen.fired, 1);
	loop_close(&seen.loop);
	close(one[0]);
	close(one[1]);
	close(two[0]);
	close(two[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_has_just_the_descriptors_it_was_given),
		cmocka_unit_test(a_child_has_no_signal_blocked_or_ignored),
		cmocka_unit_test(the_failing_execve_is_told),
		cmocka_unit_test(a_child_without_room_for_descriptors_is_told),
		cmocka_unit_test(messages_keep_their_bounds_and_descriptors),
		cmocka_unit_test(a_socket_works_behind_a_long_path),
		cmocka_unit_test(the_loop_tells_of_processes_and_timers),
		cmocka_unit_test(a_removed_source_is_not_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
