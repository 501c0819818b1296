/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int(md_fail)(struct md_error *err, int code, const char *fmt, ...)
{
	if (err) {
		va_list ap;

		err->code = code ? code : EIO;
		va_start(ap, fmt);
		vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		va_end(ap);
	}
	errno = code;
	return -1;
}

int(md_fail_errno)(struct md_error *err, const char *fmt, ...)
{
	int code = errno;

	if (err) {
		va_list ap;
		int len;

		err->code = code ? code : EIO;
		va_start(ap, fmt);
		len = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		va_end(ap);
		if (len >= 0 && (size_t)len < sizeof(err->msg))
			snprintf(err->msg + len, sizeof(err->msg) - (size_t)len, ": %s",
				strerror(code));
	}
	errno = code;
	return -1;
}

int(md_wrap)(struct md_error *err, const char *fmt, ...)
{
	if (err) {
		char context[sizeof(err->msg)];
		char inner[sizeof(err->msg)];
		va_list ap;
		size_t len;

		va_start(ap, fmt);
		vsnprintf(context, sizeof(context), fmt, ap);
		va_end(ap);
		memcpy(inner, err->msg, sizeof(inner));
		len = strnlen(context, sizeof(context) - 1);
		memcpy(err->msg, context, len);
		snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", inner);
		errno = err->code;
	}
	return -1;
}
