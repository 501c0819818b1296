/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/user.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/poison.h"

enum { ID_MAX = 65534, FIELDS = 7, LINE_MAX_BYTES = 4096 };

/* One line of passwd or group: its fields, in a copy. false at the end. */
struct line_reader {
	const char *at;
	char copy[LINE_MAX_BYTES];
	const char *field[FIELDS];
	size_t count;
};

static bool next_line(struct line_reader *r)
{
	size_t len;
	char *rest = r->copy, *field;

	if (!*r->at)
		return false;
	len = strcspn(r->at, "\n");
	memcpy(r->copy, r->at, MD_MIN(len, sizeof(r->copy) - 1));
	r->copy[MD_MIN(len, sizeof(r->copy) - 1)] = '\0';
	r->at += len + (r->at[len] == '\n');
	r->count = 0;
	while (r->count < FIELDS && (field = strsep(&rest, ":")))
		r->field[r->count++] = field;
	return true;
}

static bool number(const char *text, uint32_t *ret)
{
	uint64_t n;

	if (str_to_u64(text, ID_MAX, &n) < 0)
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* passwd: name:x:uid:gid:gecos:home:shell. Fills what it says of the user; *ret_name its name for
 * the groups. */
static bool find_passwd(const char *passwd, const char *name, const uint32_t *uid,
	struct user_ids *ret, char *ret_name, size_t room)
{
	struct line_reader r = { .at = passwd };

	while (next_line(&r)) {
		uint32_t line_uid, line_gid;

		if (r.count < 6 || !number(r.field[2], &line_uid) || !number(r.field[3], &line_gid))
			continue;
		if (uid ? line_uid != *uid : !str_eq(r.field[0], name))
			continue;
		ret->uid = line_uid;
		ret->gid = line_gid;
		if (r.field[5][0] == '/')
			snprintf(ret->home, sizeof(ret->home), "%s", r.field[5]);
		snprintf(ret_name, room, "%s", r.field[0]);
		return true;
	}
	return false;
}

/* group: name:x:gid:member,member */
static bool find_group(const char *group, const char *name, uint32_t *ret_gid)
{
	struct line_reader r = { .at = group };

	while (next_line(&r)) {
		if (r.count >= 3 && str_eq(r.field[0], name) && number(r.field[2], ret_gid))
			return true;
	}
	return false;
}

static bool lists(const char *members, const char *name)
{
	size_t len = strlen(name);

	while (*members) {
		size_t word = strcspn(members, ",");

		if (word == len && strncmp(members, name, len) == 0)
			return true;
		members += word + (members[word] == ',');
	}
	return false;
}

static void add_memberships(const char *group, const char *name, struct user_ids *ret)
{
	struct line_reader r = { .at = group };
	uint32_t gid;

	while (ret->group_count < USER_GROUPS_MAX && next_line(&r)) {
		if (r.count >= 4 && number(r.field[2], &gid) && gid != ret->gid &&
			lists(r.field[3], name))
			ret->groups[ret->group_count++] = gid;
	}
}

static bool all_digits(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

static int lookup_user(const char *spec, const char *passwd, struct user_ids *ret, char *ret_name,
	size_t room, struct md_error *err)
{
	uint32_t uid;

	if (all_digits(spec)) {
		if (!number(spec, &uid))
			return md_fail(err, EINVAL, "user '%.40s': the largest number is %d", spec,
				ID_MAX);
		ret->uid = uid;
		find_passwd(passwd, NULL, &uid, ret, ret_name, room);
		return 0;
	}
	if (!find_passwd(passwd, spec, NULL, ret, ret_name, room))
		return md_fail(err, ENOENT,
			"unable to find user %.80s: no matching entries in passwd file", spec);
	return 0;
}

static int lookup_group(
	const char *spec, const char *group, struct user_ids *ret, struct md_error *err)
{
	if (all_digits(spec)) {
		if (!number(spec, &ret->gid))
			return md_fail(err, EINVAL, "group '%.40s': the largest number is %d", spec,
				ID_MAX);
		return 0;
	}
	if (!find_group(group, spec, &ret->gid))
		return md_fail(err, ENOENT,
			"unable to find group %.80s: no matching entries in group file", spec);
	return 0;
}

int user_lookup(const char *spec, const char *passwd, const char *group, struct user_ids *ret,
	struct md_error *err)
{
	struct user_ids u = { .home = "/" };
	const char *colon;
	char user[128], name[128] = "";

	if (!spec || !*spec)
		spec = "0";
	colon = strchr(spec, ':');
	if (strlen(spec) >= sizeof(user) || colon == spec || (colon && !colon[1]))
		return md_fail(err, EINVAL, "user '%.80s': write it as USER or USER:GROUP", spec);
	snprintf(user, sizeof(user), "%.*s", colon ? (int)(colon - spec) : (int)strlen(spec), spec);
	if (lookup_user(user, passwd, &u, name, sizeof(name), err) < 0)
		return -1;
	/* A group of one's own drops the user's further groups, as Docker does. */
	if (colon && lookup_group(colon + 1, group, &u, err) < 0)
		return -1;
	if (!colon && *name)
		add_memberships(group, name, &u);
	if (u.uid == 0 && str_eq(u.home, "/"))
		snprintf(u.home, sizeof(u.home), "/root");
	*ret = u;
	return 0;
}

/* -1 and errno; what stands in the path leads nowhere but below the root. */
static int open_inside(int root_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	if (flags & O_PATH)
		how.flags = (unsigned int)flags | O_CLOEXEC;
	return (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
}

/* NULL only without memory; a file that is missing or isn't a sane regular one reads as empty. */
static char *read_inside(int root_fd, const char *path)
{
	_auto_close_ int fd = open_inside(root_fd, path, O_RDONLY);
	char *text = NULL;
	struct stat st;
	size_t len;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		fd_read_to_end(fd, USER_FILE_MAX, &text, &len) < 0)
		return strdup("");
	return text;
}

int user_resolve(int root_fd, const char *spec, struct user_ids *ret, struct md_error *err)
{
	_auto_free_ char *passwd = read_inside(root_fd, "etc/passwd");
	_auto_free_ char *group = read_inside(root_fd, "etc/group");
	_auto_close_ int home = -1;

	if (!passwd || !group)
		return md_fail_errno(err, "user");
	if (user_lookup(spec, passwd, group, ret, err) < 0)
		return -1;
	home = open_inside(root_fd, ret->home, O_PATH | O_DIRECTORY);
	ret->home_exists = home >= 0;
	return 0;
}
