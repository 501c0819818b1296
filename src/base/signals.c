/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/signals.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/compiler.h"
#include "base/str.h"
#include "base/poison.h"

#define RT_FIRST 34
#define RT_LAST  64

/* Where two names have one number, the first is the one that is shown. */
static const struct {
	int sig;
	const char *name;
} signals[] = {
	{ SIGHUP, "HUP" },
	{ SIGINT, "INT" },
	{ SIGQUIT, "QUIT" },
	{ SIGILL, "ILL" },
	{ SIGTRAP, "TRAP" },
	{ SIGABRT, "ABRT" },
	{ SIGBUS, "BUS" },
	{ SIGFPE, "FPE" },
	{ SIGKILL, "KILL" },
	{ SIGUSR1, "USR1" },
	{ SIGSEGV, "SEGV" },
	{ SIGUSR2, "USR2" },
	{ SIGPIPE, "PIPE" },
	{ SIGALRM, "ALRM" },
	{ SIGTERM, "TERM" },
	{ SIGSTKFLT, "STKFLT" },
	{ SIGCHLD, "CHLD" },
	{ SIGCONT, "CONT" },
	{ SIGSTOP, "STOP" },
	{ SIGTSTP, "TSTP" },
	{ SIGTTIN, "TTIN" },
	{ SIGTTOU, "TTOU" },
	{ SIGURG, "URG" },
	{ SIGXCPU, "XCPU" },
	{ SIGXFSZ, "XFSZ" },
	{ SIGVTALRM, "VTALRM" },
	{ SIGPROF, "PROF" },
	{ SIGWINCH, "WINCH" },
	{ SIGIO, "POLL" },
	{ SIGPWR, "PWR" },
	{ SIGSYS, "SYS" },
	{ SIGIO, "IO" },
	{ SIGABRT, "IOT" },
	{ SIGCHLD, "CLD" },
};

const char *signal_name(int sig)
{
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		if (signals[i].sig == sig)
			return signals[i].name;
	}
	return NULL;
}

static int real_time_number(const char *name)
{
	uint64_t offset = 0;
	bool first = strncasecmp(name, "RTMIN", 5) == 0;

	if (!first && strncasecmp(name, "RTMAX", 5) != 0)
		return -1;
	if (name[5] && name[5] != (first ? '+' : '-'))
		return -1;
	if (name[5] && str_to_u64(name + 6, RT_LAST - RT_FIRST, &offset) < 0)
		return -1;
	return first ? RT_FIRST + (int)offset : RT_LAST - (int)offset;
}

int signal_number(const char *name)
{
	uint64_t number;

	if (str_to_u64(name, RT_LAST, &number) == 0)
		return number ? (int)number : -1;
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		if (strcasecmp(signals[i].name, name) == 0)
			return signals[i].sig;
	}
	return real_time_number(name);
}
