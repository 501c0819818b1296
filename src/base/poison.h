/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poison.h - makes the names that can't be used safely a compile error. Include it last, after
 * every system header.
 */
#ifndef MD_BASE_POISON_H
#define MD_BASE_POISON_H

#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets

#endif
