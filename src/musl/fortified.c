/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fortified.c - what Debian's libjansson.a and libseccomp.a want of a C library and musl doesn't have: the functions that
 * -D_FORTIFY_SOURCE calls in place of others (Linux Standard Base 5.0, "Interfaces for libc"). `have` is the size of what is written to.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/poison.h"

int __vsnprintf_chk(char *to, size_t size, int flag, size_t have, const char *format, va_list args)
	_printf_(5, 0);
int __snprintf_chk(char *to, size_t size, int flag, size_t have, const char *format, ...)
	_printf_(5, 6);
int __fprintf_chk(FILE *to, int flag, const char *format, ...) _printf_(3, 4);
char *__strncpy_chk(char *to, const char *from, size_t size, size_t have);

int __vsnprintf_chk(char *to, size_t size, int flag, size_t have, const char *format, va_list args)
{
	if (have < size)
		abort();
	return vsnprintf(to, size, format, args);
}

int __snprintf_chk(char *to, size_t size, int flag, size_t have, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = __vsnprintf_chk(to, size, flag, have, format, args);
	va_end(args);
	return length;
}

int __fprintf_chk(FILE *to, int flag, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vfprintf(to, format, args);
	va_end(args);
	return length;
}

char *__strncpy_chk(char *to, const char *from, size_t size, size_t have)
{
	if (have < size)
		abort();
	return strncpy(to, from, size);
}
