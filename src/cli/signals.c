/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/signals.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/poison.h"

int signal_number(const char *name)
{
	uint64_t number;

	if (str_to_u64(name, 64, &number) == 0)
		return number ? (int)number : -1;
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	for (int sig = 1; sig < NSIG; sig++) {
		const char *abbreviation = sigabbrev_np(sig);

		if (abbreviation && strcasecmp(abbreviation, name) == 0)
			return sig;
	}
	return -1;
}
