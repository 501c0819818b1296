/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-client - the client of bench/terminal: one program for the raw PTY and for what is measured beside it (channel.h).
 *
 *	bench-client flood MEGABYTES CHANNEL               MB/s of a program that prints so much
 *	bench-client echo KEYS KEYS_PER_SECOND CHANNEL...  one line a channel: milliseconds from each key to its echo
 *	bench-client attach COUNT BYTES CHANNEL            one line a try: milliseconds from connect() to the end of the snapshot, or
 *	                                                   to BYTES of output if not 0; the bytes received; the offset reached
 *	bench-client type COMMAND MARK CHANNEL             types it into a shell and waits for MARK
 *	bench-client crowd COMMAND                         reads lines "read CHANNEL", "stall CHANNEL", "abandon CHANNEL" or "look CHANNEL" up to an empty
 *	                                                   one, attaches to all, waits for their prompts, types COMMAND, says "ready" and how
 *	                                                   many milliseconds the last prompt took, and
 *	                                                   reads on (stall: never again; abandon: is reset after a second; look: types nothing) until its input
 *	                                                   ends; then the MB read
 */
#define _GNU_SOURCE
#include "channel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
	WRITE_SIZE = 79 * 829, /* of the flood: lines of 78 characters, nearly 64 KiB at once */
	PATIENCE_MS = 60000,
	CROWD_MOST = 4096,
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void sleep_ms(double ms)
{
	struct timespec t = { (time_t)(ms / 1e3),
		(long)((ms - (double)(long)(ms / 1e3) * 1e3) * 1e6) };

	if (ms > 0)
		nanosleep(&t, NULL);
}

static size_t next_or_fail(struct channel *c, const char **ret, const char *what)
{
	bool ended = false;
	size_t n;

	while (!(n = channel_next(c, ret))) {
		if (!channel_receive(c, PATIENCE_MS, &ended)) {
			errno = ended ? errno : ETIMEDOUT;
			fail(what);
		}
	}
	return n;
}

/* Reads up to and with `mark`, which may lie across pieces. */
static void read_until(struct channel *c, const char *mark)
{
	char tail[64];
	size_t keep = strlen(mark) - 1, have = 0;
	const char *data;

	for (;;) {
		size_t n = next_or_fail(c, &data, mark);
		size_t head = n < keep ? n : keep;

		memcpy(tail + have, data, head);
		if (memmem(tail, have + head, mark, keep + 1) || memmem(data, n, mark, keep + 1))
			return;
		if (n >= keep) {
			memcpy(tail, data + n - keep, keep);
			have = keep;
		} else if (have + n > keep) {
			memmove(tail, tail + have + n - keep, keep);
			have = keep;
		} else {
			have += n;
		}
	}
}

/* Until nothing has come for a while: the prompt, a snapshot. */
static void read_rest(struct channel *c, int quiet_ms)
{
	const char *data;
	bool ended = false;

	do {
		while (channel_next(c, &data))
			;
	} while (channel_receive(c, quiet_ms, &ended));
	if (ended)
		fail("read");
}

static void run_flood(char **args)
{
	long count = strtol(args[0], NULL, 10) * 1000000 / WRITE_SIZE;
	struct channel c;
	char command[512];
	int mark = (int)getpid();
	double started, ms;
	int n;

	channel_open(&c, args[1]);
	read_rest(&c, 500);
	/* The mark isn't in the command, whose echo comes first. */
	n = snprintf(command, sizeof(command),
		"perl -e '$x=(\"x\" x 78).\"\\n\"; $y=$x x 829; syswrite STDOUT,$y for 1..%ld; "
		"print \"flood-\".\"end-%d\"'\r",
		count, mark);
	started = now_ms();
	channel_send(&c, command, (size_t)n);
	snprintf(command, sizeof(command), "flood-end-%d", mark);
	read_until(&c, command);
	ms = now_ms() - started;
	read_rest(&c, 100);
	printf("%.1f\n", (double)count * WRITE_SIZE / 1e3 / ms);
	channel_close(&c);
}

static double echo_one(struct channel *c, char key)
{
	double started = now_ms();
	const char *data;
	size_t n;

	channel_send(c, &key, 1);
	do {
		n = next_or_fail(c, &data, "echo");
	} while (!memchr(data, key, n));
	return now_ms() - started;
}

/* The channels take turns, each key at its time, so that whatever else happens hits all alike. */
static void run_echo(int argc, char **args)
{
	static const char setup[] = "stty -icanon -echo; printf 'echo-%s' begin; cat\r";
	int keys = atoi(args[0]), count = argc - 2;
	double gap = 1e3 / atof(args[1]) / count, due;
	struct channel *channels = calloc((size_t)count, sizeof(*channels));
	double *times = calloc((size_t)count * (size_t)keys, sizeof(*times));

	if (!channels || !times)
		fail("memory");
	for (int i = 0; i < count; i++) {
		channel_open(&channels[i], args[2 + i]);
		read_rest(&channels[i], 500);
		channel_send(&channels[i], setup, sizeof(setup) - 1);
		read_until(&channels[i], "echo-begin");
	}
	due = now_ms();
	for (int k = 0; k < keys; k++) {
		for (int i = 0; i < count; i++) {
			times[i * keys + k] = echo_one(&channels[i], (char)('a' + k % 26));
			/* People don't type in step with anything. */
			due += gap * (0.5 + drand48());
			sleep_ms(due - now_ms());
		}
	}
	for (int i = 0; i < count; i++) {
		for (int k = 0; k < keys; k++)
			printf("%.4f%c", times[i * keys + k], k == keys - 1 ? '\n' : ' ');
		/* The shell puts its terminal right when cat is killed. */
		channel_send(&channels[i], "\003", 1);
		read_rest(&channels[i], 300);
		channel_close(&channels[i]);
	}
}

static void run_type(char **args)
{
	struct channel c;

	channel_open(&c, args[2]);
	read_rest(&c, 300);
	channel_send(&c, args[0], strlen(args[0]));
	channel_send(&c, "\r", 1);
	read_until(&c, args[1]);
	read_rest(&c, 300);
	channel_close(&c);
}

static void run_attach(char **args)
{
	uint64_t bytes = strtoull(args[1], NULL, 10);

	for (int i = atoi(args[0]); i > 0; i--) {
		double started = now_ms();
		uint64_t got = 0;
		struct channel c;
		const char *data;

		channel_open(&c, args[2]);
		do
			got += next_or_fail(&c, &data, "attach");
		while (!c.greeted || c.snapshot || got < bytes);
		printf("%.4f %llu %llu\n", now_ms() - started, (unsigned long long)c.wire,
			(unsigned long long)c.offset);
		channel_close(&c);
		sleep_ms(20);
	}
}

/* ---- many at once ---- */

enum member_kind { MEMBER_READS, MEMBER_STALLS, MEMBER_LEAVES, MEMBER_LOOKS };

struct member {
	struct channel channel;
	enum member_kind kind;
	uint64_t seen;
};

static uint64_t crowd_bytes;

/* What has been received of it. */
static uint64_t count_member(struct member *m)
{
	const char *data;
	uint64_t count = 0;
	size_t n;

	while ((n = channel_next(&m->channel, &data)))
		count += n;
	crowd_bytes += count;
	return count;
}

static uint64_t serve_member(struct member *m)
{
	bool ended = false;

	if (!channel_receive(&m->channel, -1, &ended))
		fail("a member of the crowd");
	return count_member(m);
}

static size_t open_crowd(struct member **members)
{
	static const char *const kinds[] = { "read ", "stall ", "abandon ", "look " };
	char line[1024];
	size_t count = 0;

	while (count < CROWD_MOST && fgets(line, sizeof(line), stdin) && line[0] != '\n') {
		struct member *m = calloc(1, sizeof(*m));

		if (!m)
			fail("memory");
		line[strcspn(line, "\n")] = '\0';
		while (strncmp(line, kinds[m->kind], strlen(kinds[m->kind])) != 0)
			m->kind++;
		channel_open(&m->channel, line + strlen(kinds[m->kind]));
		members[count++] = m;
	}
	return count;
}

/* Waits until each shell has shown something and all are quiet (but for who only looks). Returns when the last prompt had come. */
static double wait_for_prompts(int epoll, struct member **members, size_t count)
{
	struct epoll_event events[64];
	bool looks = count && members[0]->kind == MEMBER_LOOKS;
	size_t seen = 0;
	double last = now_ms();
	int n;

	/* Some came with the answer to the handshake. */
	for (size_t i = 0; i < count; i++)
		seen += (members[i]->seen = count_member(members[i])) > 0;
	while (seen < count || (!looks && (n = epoll_wait(epoll, events, 64, 500)) > 0)) {
		if (seen < count)
			n = epoll_wait(epoll, events, 64, PATIENCE_MS);
		if (n <= 0)
			fail("prompts");
		for (int i = 0; i < n; i++) {
			struct member *m = members[events[i].data.u32];
			uint64_t came = serve_member(m);

			seen += m->seen == 0 && came > 0;
			m->seen += came;
		}
		last = now_ms();
	}
	crowd_bytes = 0;
	return last;
}

static void watch(int epoll, int fd, uint32_t number)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = number };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		fail("epoll");
}

/* Until stdin ends. `leave_at`: when those that leave do. */
static void serve_crowd(int epoll, struct member **members, size_t count, double leave_at)
{
	struct epoll_event events[64];

	watch(epoll, STDIN_FILENO, CROWD_MOST);
	for (;;) {
		int n = epoll_wait(epoll, events, 64, leave_at ? 100 : -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.u32 == CROWD_MOST)
				return;
			if (members[events[i].data.u32]->channel.fd >= 0)
				serve_member(members[events[i].data.u32]);
		}
		if (!leave_at || now_ms() < leave_at)
			continue;
		leave_at = 0;
		for (size_t i = 0; i < count; i++) {
			if (members[i]->kind == MEMBER_LEAVES)
				channel_abandon(&members[i]->channel);
		}
	}
}

static void run_crowd(const char *command)
{
	static struct member *members[CROWD_MOST];
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	double started = now_ms(), prompts;
	size_t count = open_crowd(members);

	for (size_t i = 0; i < count; i++)
		watch(epoll, members[i]->channel.fd, (uint32_t)i);
	prompts = wait_for_prompts(epoll, members, count) - started;
	for (size_t i = 0; i < count; i++) {
		if (*command && members[i]->kind != MEMBER_LOOKS) {
			channel_send(&members[i]->channel, command, strlen(command));
			channel_send(&members[i]->channel, "\r", 1);
		}
		if (members[i]->kind == MEMBER_STALLS)
			epoll_ctl(epoll, EPOLL_CTL_DEL, members[i]->channel.fd, NULL);
	}
	printf("ready %.1f\n", prompts);
	fflush(stdout);
	started = now_ms();
	serve_crowd(epoll, members, count, started + 1000);
	printf("%.4f %.1f\n", (double)crowd_bytes / 1e6, (now_ms() - started) / 1e3);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	signal(SIGPIPE, SIG_IGN);
	if (strcmp(mode, "flood") == 0 && argc == 4)
		run_flood(argv + 2);
	else if (strcmp(mode, "echo") == 0 && argc > 4)
		run_echo(argc - 2, argv + 2);
	else if (strcmp(mode, "attach") == 0 && argc == 5)
		run_attach(argv + 2);
	else if (strcmp(mode, "type") == 0 && argc == 5)
		run_type(argv + 2);
	else if (strcmp(mode, "crowd") == 0 && argc == 3)
		run_crowd(argv[2]);
	else
		return 2;
	return 0;
}
