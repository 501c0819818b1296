/* SPDX-License-Identifier: Apache-2.0 */
/*
 * haste.h - somebody waits for this process: it gets its share of the processor in short slices, hence sooner, beside others that
 * use all they can get. Its share stays the same.
 */
#ifndef MD_SYS_HASTE_H
#define MD_SYS_HASTE_H

#include <sys/types.h>

/* `pid` (0: the caller), if it is scheduled in the usual way; what it starts isn't meant. Kernels before 6.12 have no such slices, and
 * what fails leaves everything as it was. */
void haste(pid_t pid);

#endif
