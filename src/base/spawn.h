/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn.h - starts a program: exact argv, exact environment, exact descriptors, nothing else
 * inherited.
 */
#ifndef MD_BASE_SPAWN_H
#define MD_BASE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/compiler.h"

enum { SPAWN_MAX_FDS = 16 };

struct spawn {
	const char *path;       /* the program; no search of PATH */
	char *const *argv;      /* NULL-terminated */
	char *const *envp;      /* NULL-terminated; NULL is an empty environment */
	int std[3];             /* what becomes 0, 1, 2; -1 is /dev/null */
	int fds[SPAWN_MAX_FDS]; /* become 3, 4, ... in the child */
	size_t fd_count;
	bool new_session;        /* setsid(2) */
	int parent_death_signal; /* prctl(PR_SET_PDEATHSIG), 0: none */
};

/* `struct spawn s = SPAWN_INIT;` */
#define SPAWN_INIT                                                                                 \
	{                                                                                          \
		.std = { -1, -1, -1 }                                                              \
	}

/* Starts it with all signals at their defaults and unblocked. Returns the pid, with *ret_pidfd (if
 * not NULL) a pidfd of it, or -1 and errno: that of the child's failing step (execve: ENOENT,
 * EACCES...) included. */
pid_t spawn_start(const struct spawn *s, int *ret_pidfd);

/* For a child: `sig` comes with the death of the parent, which was `parent` and must be of the same pid namespace. -1 and ESRCH if it
 * is dead already. */
int spawn_die_with(pid_t parent, int sig);

/* All signals at their defaults and unblocked: for a child that was forked by hand. */
void spawn_reset_signals(void);

/* Waits for `pid`. 0..255 its exit code, 128+N if signal N killed it; -1 and errno. */
int spawn_wait(pid_t pid);

/* waitpid's status in the same numbers. */
int spawn_exit_code(int status);

#endif
