/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe.h - techniques that a hostile root of a workspace would try, each as one function.
 *
 * `probe [NAME=VALUE...]` runs every technique in a child of its own and prints one line each:
 *	NAME BLOCKED EPERM       it failed, as it must
 *	NAME ABSENT reason       this kernel has no such thing: nothing was shown
 *	NAME LEAK detail         it worked
 * NAME=VALUE are the canaries that the host has put out: file, secret, port, abstract, shm.
 */
#ifndef MD_TESTS_PROBE_H
#define MD_TESTS_PROBE_H

#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum verdict {
	BLOCKED,
	ABSENT,
	LEAK,
};

struct technique {
	const char *name;
	/* Returns the verdict. `detail` (256 bytes) is for people; for BLOCKED the errno is added. */
	enum verdict (*run)(char *detail, long arg);
	long arg;
};

struct technique_list {
	const struct technique *items;
	size_t count;
};

extern const struct technique_list syscall_techniques;
struct technique_list list_file_techniques(void);
extern const struct technique_list state_techniques;
extern const struct technique_list canary_techniques;

/* The value of a canary, or NULL if the host has put out none. */
const char *canary(const char *name);

/* `result` of a system call: LEAK if it worked, ABSENT for ENOSYS where the kernel was asked plainly, else BLOCKED. */
enum verdict judge(long result);

/* Prints into a technique's detail. */
void say(char *detail, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
