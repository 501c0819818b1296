/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/profile_kind.h"

#include <errno.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/poison.h"

const struct profile_kind profile_kinds[] = {
	{ PROFILE_DEFAULT_NAME, "a machine of one's own: root inside, files that stay", 0,
		{ NULL } },
	{ "strict",
		"for code of strangers: no network, nothing to write but memory, no capabilities, "
		"fewer system calls",
		PROFILE_READ_ONLY_ROOT | PROFILE_NO_NETWORK | PROFILE_NO_CAPABILITIES |
			PROFILE_SMALL_FILTER,
		{ NULL } },
	{ "sudo", "setuid programs work: for images whose user is not root and needs sudo",
		PROFILE_NEW_PRIVILEGES,
		{ "no_new_privs: a setuid program of the image may make any of its users the "
		  "workspace's root; a hole in such a program is theirs to use" } },
	{ "nested", "namespaces inside: bubblewrap, unshare, sandboxes of browsers and builds",
		PROFILE_NESTED_NAMESPACES,
		{ "user namespaces: the kernel's code behind mount, network and other namespaces "
		  "can "
		  "be called with their full capabilities, and most holes of the kernel of the "
		  "last years were there",
			"the filter's refusal of mounts and namespaces: what then still holds are "
			"the kernel's own checks" } },
};

const size_t profile_kind_count = ARRAY_SIZE(profile_kinds);

const struct profile_kind *profile_kind_find(const char *name, struct md_error *err)
{
	_auto_buf_ struct buf names = BUF_INIT(256);

	if (!name || !*name)
		return &profile_kinds[0];
	for (size_t i = 0; i < profile_kind_count; i++) {
		if (str_eq(profile_kinds[i].name, name))
			return &profile_kinds[i];
		buf_addf(&names, "%s%s", i ? ", " : "", profile_kinds[i].name);
	}
	md_fail(err, EINVAL, "no profile '%.40s': there are %s", name, buf_str(&names));
	return NULL;
}
