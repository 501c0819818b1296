/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rdt_text.h - reads the schemata of resctrl (Documentation/filesystems/resctrl.rst): a line a resource, "    L3:0=ffff;1=f". Pure.
 */
#ifndef MD_RUNTIME_RDT_TEXT_H
#define MD_RUNTIME_RDT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The line of a resource ("L3", of `len` bytes), without what is around it: a copy. NULL: there is none, or no memory. */
char *rdt_text_line(const char *text, const char *resource, size_t len);

/* True if the line `wanted` has a resource that is in `text`, and there each domain of `wanted` the same value, however it is padded. */
bool rdt_text_has(const char *text, const char *wanted);

#endif
