/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/detach.h"

#include "base/poison.h"

enum { CTRL_P = 0x10, CTRL_Q = 0x11 };

bool detach_filter(struct detach *d, const char *from, size_t len, char *to, size_t *ret_len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (d->held && from[i] == CTRL_Q) {
			d->held = false;
			*ret_len = n;
			return true;
		}
		if (d->held)
			to[n++] = CTRL_P;
		d->held = from[i] == CTRL_P;
		if (!d->held)
			to[n++] = from[i];
	}
	*ret_len = n;
	return false;
}
