/* SPDX-License-Identifier: Apache-2.0 */
/* boot.h - which run of the host this is: what was started under another boot id can't be
 * running. */
#ifndef MD_ENGINE_BOOT_H
#define MD_ENGINE_BOOT_H

#include "base/error.h"

enum { BOOT_ID_LEN = 36 };

/* `to` has room for BOOT_ID_LEN + 1. */
int boot_id(char *to, struct md_error *err);

#endif
