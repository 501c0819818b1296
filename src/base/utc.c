/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utc.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/poison.h"

enum { DAY = 86400 };

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month] + (month == 1 && is_leap(year));
}

char *utc_text(char to[UTC_TEXT], const struct timespec *when, int digits)
{
	long days = when->tv_sec / DAY, second = when->tv_sec % DAY, fraction = when->tv_nsec;
	int year = 1970, month = 0;
	size_t len;

	for (; days >= 365 + is_leap(year); year++)
		days -= 365 + is_leap(year);
	for (; days >= days_of_month(year, month); month++)
		days -= days_of_month(year, month);
	for (int i = digits; i < 9; i++)
		fraction /= 10;
	len = (size_t)snprintf(to, UTC_TEXT, "%04d-%02d-%02ldT%02ld:%02ld:%02ld", year, month + 1,
		days + 1, second / 3600, second / 60 % 60, second % 60);
	if (digits)
		len += (size_t)snprintf(to + len, UTC_TEXT - len, ".%0*ld", digits, fraction);
	snprintf(to + len, UTC_TEXT - len, "Z");
	return to;
}

char *utc_now(char to[UTC_TEXT], int digits)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return utc_text(to, &now, digits);
}
