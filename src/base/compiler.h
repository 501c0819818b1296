/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compiler.h - attributes and small macros that every file may use.
 *
 * Included last after the system headers by the .c files that want the unsafe string functions
 * poisoned; every header of ours includes it.
 */
#ifndef MD_BASE_COMPILER_H
#define MD_BASE_COMPILER_H

#include <stddef.h>

#define _auto_(fn)        __attribute__((cleanup(fn)))
#define _printf_(fmt, va) __attribute__((format(printf, fmt, va)))
#define _unused_          __attribute__((unused))
#define _must_check_      __attribute__((warn_unused_result))
#define _noreturn_        __attribute__((noreturn))

#define ARRAY_SIZE(a)                   (sizeof(a) / sizeof((a)[0]))
#define MD_MIN(a, b)                    ((a) < (b) ? (a) : (b))
#define MD_MAX(a, b)                    ((a) > (b) ? (a) : (b))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif
