/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/names.h"

#include <errno.h>
#include <string.h>

#include "base/poison.h"

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool workspace_id_valid(const char *id)
{
	return strlen(id) == WORKSPACE_ID_LEN && strspn(id, DIGITS "abcdef") == WORKSPACE_ID_LEN;
}

int workspace_name_check(const char *name, struct md_error *err)
{
	size_t len = strlen(name);

	if (len == 0 || len > WORKSPACE_NAME_MAX || !strchr(LETTERS DIGITS, name[0]) ||
		strspn(name, LETTERS DIGITS "_.-") != len)
		return md_fail(err, EINVAL,
			"'%.80s' can't be a workspace's name: 1 to %d letters, digits, '_', '.', "
			"'-', "
			"the first a letter or digit",
			name, WORKSPACE_NAME_MAX);
	return 0;
}

int hostname_check(const char *name, struct md_error *err)
{
	size_t len = strlen(name);
	bool good = len > 0 && len <= HOSTNAME_MAX && strspn(name, LETTERS DIGITS ".-") == len;

	/* No label is empty, begins or ends with a dash. */
	for (size_t i = 0; good && i < len; i++) {
		bool first = i == 0 || name[i - 1] == '.';
		bool last = i + 1 == len || name[i + 1] == '.';

		good = !(name[i] == '.' && (first || last)) && !(name[i] == '-' && (first || last));
	}
	if (!good)
		return md_fail(err, EINVAL,
			"'%.80s' can't be a host name: at most %d letters, digits, '-' and '.'",
			name, HOSTNAME_MAX);
	return 0;
}
