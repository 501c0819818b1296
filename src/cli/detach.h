/* SPDX-License-Identifier: Apache-2.0 */
/* detach.h - finds the detach keys, ctrl-P ctrl-Q, in what is typed. Pure. */
#ifndef MD_CLI_DETACH_H
#define MD_CLI_DETACH_H

#include <stdbool.h>
#include <stddef.h>

struct detach {
	bool held; /* a ctrl-P is held back until the next byte says what it was */
};

/* Moves what is to be sent to `to` (room for len + 1 bytes) and its length to *ret_len. true when
 * the keys were pressed: what came before them is still to be sent, what comes after is lost. */
bool detach_filter(struct detach *d, const char *from, size_t len, char *to, size_t *ret_len);

#endif
