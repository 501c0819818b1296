/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bomb.c - `bomb NAME` takes as much of one thing as it gets, says "NAME COUNT REASON" on a line and keeps it (or goes on) until it
 * is killed, two minutes later at the latest. For the inside of a workspace with limits; never run it outside of one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS = 120, MEGABYTE = 1 << 20 };

static void say(const char *name, long count)
{
	dprintf(STDOUT_FILENO, "%s %ld %s\n", name, count, strerrorname_np(errno));
}

static _Noreturn void hold(void)
{
	for (;;)
		pause();
}

/* Every process of the workspace forks for ever. */
static void fork_bomb(const char *name)
{
	pid_t first = getpid();
	bool said = false;

	for (;;) {
		pid_t pid = fork();

		if (pid == 0)
			alarm(SECONDS);
		if (pid < 0 && getpid() == first && !said) {
			say(name, 0);
			said = true;
		}
	}
}

static void memory_bomb(const char *name)
{
	(void)name;
	for (long count = 1;; count++) {
		char *p = mmap(
			NULL, MEGABYTE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			continue;
		memset(p, (int)count, MEGABYTE);
		if (count % 50 == 0)
			say(name, count);
	}
}

static long fill_file(const char *path)
{
	static char block[MEGABYTE];
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	long count = 0;

	memset(block, 'x', sizeof(block));
	while (fd >= 0 && count < 4096 && write(fd, block, sizeof(block)) > 0)
		count++;
	return count;
}

static void tmpfs_bomb(const char *name)
{
	static const char *const places[] = { "/tmp/f", "/run/f", "/dev/f", "/mytemp/f",
		"/dev/shm/f" };
	long count = 0;

	/* The memory limit may end it before the last is full: each is told of. */
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		count += fill_file(places[i]);
		say(name, count);
	}
	hold();
}

static long make_files(const char *folder)
{
	char path[64];
	long count = 0;
	int fd;

	for (; count < 1000000; count++) {
		snprintf(path, sizeof(path), "%s/%ld", folder, count);
		fd = open(path, O_WRONLY | O_CREAT, 0600);
		if (fd < 0)
			break;
		close(fd);
	}
	return count;
}

static void inode_bomb(const char *name)
{
	say(name, make_files("/tmp"));
	say(name, make_files("/root"));
	hold();
}

static void disk_bomb(const char *name)
{
	say(name, fill_file("/root/big"));
	hold();
}

static void sparse_bomb(const char *name)
{
	int fd = open("/root/sparse", O_RDWR | O_CREAT, 0600);
	long count = 0;

	ftruncate(fd, (off_t)1 << 40);
	for (; count < 1000000; count++) {
		if (pwrite(fd, "x", 1, count << 16) < 0 || (count % 256 == 0 && fsync(fd) < 0))
			break;
	}
	say(name, count);
	hold();
}

/* A thing of one descriptor each, in as many processes as there may be. */
static void flood_descriptors(const char *name, int (*make)(void))
{
	long count = 0;

	while (make() >= 0)
		count++;
	say(name, count);
	for (int i = 0; i < 10 && fork() >= 0; i++) {
		while (make() >= 0)
			;
	}
	hold();
}

static int make_fd(void)
{
	return open("/dev/null", O_RDONLY);
}

static int make_memfd(void)
{
	int fd = memfd_create("m", 0);

	return fd < 0 ? -1 : (int)write(fd, "x", 1);
}

static int make_pipe(void)
{
	static char block[65536];
	int pair[2];

	if (pipe2(pair, O_NONBLOCK) < 0)
		return -1;
	fcntl(pair[1], F_SETPIPE_SZ, 1 << 20);
	while (write(pair[1], block, sizeof(block)) > 0)
		;
	return 0;
}

static int make_pty(void)
{
	return open("/dev/ptmx", O_RDWR | O_NOCTTY);
}

static int make_inotify(void)
{
	int fd = inotify_init1(0);

	return fd < 0 ? -1 : inotify_add_watch(fd, "/tmp", IN_ALL_EVENTS);
}

static int make_socket(void)
{
	static char block[65536];
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		return -1;
	while (write(pair[1], block, sizeof(block)) > 0)
		;
	return 0;
}

static int make_queue(void)
{
	static int number;
	char name[32];

	snprintf(name, sizeof(name), "/q%d", number++);
	return mq_open(name, O_RDWR | O_CREAT, 0600, NULL);
}

static void fd_bomb(const char *name)
{
	flood_descriptors(name, make_fd);
}

static void memfd_bomb(const char *name)
{
	flood_descriptors(name, make_memfd);
}

static void pipe_bomb(const char *name)
{
	flood_descriptors(name, make_pipe);
}

static void pty_bomb(const char *name)
{
	flood_descriptors(name, make_pty);
}

static void inotify_bomb(const char *name)
{
	flood_descriptors(name, make_inotify);
}

static void socket_bomb(const char *name)
{
	flood_descriptors(name, make_socket);
}

static void mqueue_bomb(const char *name)
{
	flood_descriptors(name, make_queue);
}

static void sem_bomb(const char *name)
{
	long count = 0;

	while (semget(IPC_PRIVATE, 1, 0600) >= 0)
		count++;
	say(name, count);
	for (count = 0; count < 100000 && shmget(IPC_PRIVATE, MEGABYTE, 0600) >= 0; count++)
		;
	say(name, count);
	hold();
}

static void cpu_hog(const char *name)
{
	volatile unsigned long spin = 0;

	say(name, 0);
	while (fork() > 0)
		;
	alarm(SECONDS);
	for (;;)
		spin++;
}

static void zombie_bomb(const char *name)
{
	long count = 0;
	pid_t pid;

	while ((pid = fork()) > 0)
		count++;
	if (pid == 0)
		_exit(0);
	say(name, count);
	hold();
}

static void on_signal(int sig)
{
	(void)sig;
}

/* Queued signals to the limit, then timers that go off as often as they can. */
static void signal_bomb(const char *name)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec often = { { 0, 1000 }, { 0, 1000 } };
	sigset_t set;
	timer_t timer;
	long count = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	while (sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) == 0)
		count++;
	say(name, count);
	signal(SIGUSR1, on_signal);
	signal(SIGALRM, SIG_DFL);
	for (int i = 0; i < 100 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0; i++)
		timer_settime(timer, 0, &often, NULL);
	hold();
}

static void core_bomb(const char *name)
{
	long count = 0;

	for (;;) {
		pid_t pid = fork();

		if (pid == 0)
			abort();
		waitpid(pid, NULL, 0);
		if (++count == 100)
			say(name, count);
	}
}

/* To ever new addresses and ports: each packet wants an entry in the connection table. */
static void udp_flood(const char *name)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	unsigned int n = 0, refused = 0;

	for (;;) {
		to.sin_port = htons((unsigned short)(1 + n % 65000));
		to.sin_addr.s_addr = htonl(0xc6336400 + n % 250); /* 198.51.100.0/24: nobody */
		if (sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			refused++;
		if (++n == 20000)
			say(name, refused);
	}
}

static void ignores_term(const char *name)
{
	for (int sig = 1; sig < 32; sig++)
		signal(sig, sig == SIGALRM ? SIG_DFL : SIG_IGN);
	say(name, 0);
	for (;;)
		pause();
}

static void stopped(const char *name)
{
	while (fork() > 0)
		;
	say(name, 0);
	for (;;)
		raise(SIGSTOP);
}

/* Deep folders: names that the kernel keeps in memory. */
static void name_bomb(const char *name)
{
	char part[200];
	long count = 0;

	memset(part, 'd', sizeof(part) - 1);
	part[sizeof(part) - 1] = '\0';
	chdir("/tmp");
	while (count < 100000 && mkdir(part, 0700) == 0 && chdir(part) == 0)
		count++;
	say(name, count);
	hold();
}

static const struct {
	const char *name;
	void (*run)(const char *name);
} bombs[] = {
	{ "fork", fork_bomb },
	{ "memory", memory_bomb },
	{ "tmpfs", tmpfs_bomb },
	{ "inodes", inode_bomb },
	{ "disk", disk_bomb },
	{ "sparse", sparse_bomb },
	{ "names", name_bomb },
	{ "fd", fd_bomb },
	{ "memfd", memfd_bomb },
	{ "pipe", pipe_bomb },
	{ "pty", pty_bomb },
	{ "inotify", inotify_bomb },
	{ "socket", socket_bomb },
	{ "mqueue", mqueue_bomb },
	{ "sem", sem_bomb },
	{ "cpu", cpu_hog },
	{ "zombie", zombie_bomb },
	{ "signal", signal_bomb },
	{ "core", core_bomb },
	{ "udp", udp_flood },
	{ "term", ignores_term },
	{ "stopped", stopped },
};

int main(int argc, char **argv)
{
	alarm(SECONDS);
	for (size_t i = 0; argc == 2 && i < sizeof(bombs) / sizeof(bombs[0]); i++) {
		if (strcmp(argv[1], bombs[i].name) == 0)
			bombs[i].run(argv[1]);
	}
	fprintf(stderr, "usage: bomb NAME, inside of a workspace only\n");
	return 2;
}
