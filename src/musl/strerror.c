/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strerror.c - the texts of errno(3) for which musl has other words than all other programs of the host: people search for them, and engines look for some.
 * `ld --wrap=strerror` brings all callers here.
 */
#include <errno.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/poison.h"

char *__wrap_strerror(int number);
char *__real_strerror(int number);

static const struct {
	int number;
	const char *text;
} usual[] = {
	{ EIO, "Input/output error" },
	{ ECHILD, "No child processes" },
	{ ENOMEM, "Cannot allocate memory" },
	{ EBUSY, "Device or resource busy" },
	{ EXDEV, "Invalid cross-device link" },
	{ EMFILE, "Too many open files" },
	{ ENOTTY, "Inappropriate ioctl for device" },
	{ ERANGE, "Numerical result out of range" },
	{ ENAMETOOLONG, "File name too long" },
	{ ELOOP, "Too many levels of symbolic links" },
	{ EOVERFLOW, "Value too large for defined data type" },
	{ ELIBBAD, "Accessing a corrupted shared library" },
	{ EUSERS, "Too many users" },
	{ ENOTSOCK, "Socket operation on non-socket" },
	{ EMSGSIZE, "Message too long" },
	{ EOPNOTSUPP, "Operation not supported" },
	{ EADDRINUSE, "Address already in use" },
	{ EADDRNOTAVAIL, "Cannot assign requested address" },
	{ ENETUNREACH, "Network is unreachable" },
	{ ENOTCONN, "Transport endpoint is not connected" },
	{ ESTALE, "Stale file handle" },
	{ EDQUOT, "Disk quota exceeded" },
};

char *__wrap_strerror(int number)
{
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
		if (usual[i].number == number)
			return (char *)usual[i].text;
	}
	return __real_strerror(number);
}
