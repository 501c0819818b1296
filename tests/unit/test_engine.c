/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's tables and parsers: names, id blocks, limits, volumes, users, documents, cgroup mounts. */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "engine/cgroups.h"
#include "engine/idblock.h"
#include "engine/limits.h"
#include "engine/names.h"
#include "engine/reserve.h"
#include "engine/user.h"
#include "engine/volume.h"
#include "engine/workspace.h"

static void names_of_workspaces(void **state)
{
	static const char *const good[] = { "a", "alice", "A.b_c-9", "0x",
		"a234567890123456789012345678901234567890123456789012345678901234" };
	static const char *const bad[] = { "", "-a", ".a", "_a", "a/b", "a b", "..", "a\n",
		"\xc3\xa4", "a2345678901234567890123456789012345678901234567890123456789012345" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(workspace_name_check(good[i], NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(workspace_name_check(bad[i], NULL), -1);
}

static void names_of_hosts(void **state)
{
	static const char *const good[] = { "container", "a", "box-1.example", "0" };
	static const char *const bad[] = { "", "-a", "a-", "a..b", ".a", "a.", "a_b", "a.-b",
		"a234567890123456789012345678901234567890123456789012345678901234" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(hostname_check(good[i], NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(hostname_check(bad[i], NULL), -1);
}

static void ids_are_twelve_hex_digits(void **state)
{
	assert_true(workspace_id_valid("0123456789ab"));
	assert_false(workspace_id_valid("0123456789a"));
	assert_false(workspace_id_valid("0123456789abc"));
	assert_false(workspace_id_valid("0123456789aB"));
	assert_false(workspace_id_valid("../456789abc"));
}

static uint32_t pick(const struct id_range *used, size_t count)
{
	_auto_id_ranges_ struct id_ranges r = { NULL, 0 };
	uint32_t base = 0;

	for (size_t i = 0; i < count; i++)
		assert_int_equal(id_ranges_add(&r, used[i].base, used[i].count), 0);
	assert_int_equal(id_block_pick(&r, &base, NULL), 0);
	return base;
}

static void blocks_never_overlap(void **state)
{
	const uint32_t first = ID_BLOCK_FIRST, size = ID_BLOCK_SIZE;
	const struct id_range unsorted[] = { { first + 2 * size, size }, { first, size } };
	const struct id_range straddling[] = { { first - 10, 20 } };
	const struct id_range nested[] = { { first, 4 * size }, { first + size, 5 } };
	const struct id_range below[] = { { 100000, 65536 } };

	assert_true(first >= 1000000);
	assert_int_equal(pick(NULL, 0), first);
	assert_int_equal(pick(unsorted, 2), first + size);
	assert_int_equal(pick(straddling, 1), first + size);
	assert_int_equal(pick(nested, 2), first + 4 * size);
	assert_int_equal(pick(below, 1), first);
}

static void blocks_run_out_with_an_error(void **state)
{
	_auto_id_ranges_ struct id_ranges r = { NULL, 0 };
	struct md_error err = MD_ERROR_INIT;
	uint32_t base = 7;

	assert_int_equal(id_ranges_add(&r, ID_BLOCK_FIRST, ID_BLOCK_END - ID_BLOCK_FIRST), 0);
	assert_int_equal(id_block_pick(&r, &base, &err), -1);
	assert_int_equal(err.code, ENOSPC);
	assert_int_equal(base, 7);
}

static void subordinate_ids_are_kept_clear(void **state)
{
	_auto_id_ranges_ struct id_ranges r = { NULL, 0 };
	static const char text[] =
		"alice:100000:65536\n# a remark\nbob:x:65536\ncarol:1048000:65536\nbad\n";
	uint32_t base;

	assert_int_equal(id_ranges_add_subids(&r, text, strlen(text)), 0);
	assert_int_equal(r.count, 2);
	assert_int_equal(id_block_pick(&r, &base, NULL), 0);
	assert_int_equal(base, 2 * ID_BLOCK_SIZE + 1048576 - ID_BLOCK_SIZE);
}

static void processors(void **state)
{
	static const struct {
		const char *text;
		uint64_t millis;
	} good[] = { { "0.5", 500 }, { "2", 2000 }, { "1.25", 1250 }, { "0.001", 1 }, { "0", 0 },
		{ "4096", 4096000 } };
	static const char *const bad[] = { "", ".5", "1.", "-1", "1.2345", "x", "1e3", "4097",
		"0x1", " 1" };
	uint64_t millis = 7;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(limits_parse_cpus(good[i].text, &millis, NULL), 0);
		assert_int_equal(millis, good[i].millis);
	}
	millis = 7;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(limits_parse_cpus(bad[i], &millis, NULL), -1);
	assert_int_equal(millis, 7);
}

static void limits_have_floors(void **state)
{
	struct limits l = LIMITS_DEFAULT;

	assert_int_equal(l.memory, 104857600);
	assert_int_equal(l.pids, 20);
	assert_int_equal(limits_check(&l, NULL), 0);
	l.memory = 4096;
	assert_int_equal(limits_check(&l, NULL), -1);
	l.memory = 0;
	l.pids = 1;
	assert_int_equal(limits_check(&l, NULL), -1);
	l.pids = 0;
	assert_int_equal(limits_check(&l, NULL), 0);
}

static void volumes_are_parsed(void **state)
{
	_auto_volumes_ struct volumes v = { NULL, 0 };

	assert_int_equal(volumes_add_text(&v, "/srv/a:/data", NULL), 0);
	assert_int_equal(volumes_add_text(&v, "/srv/b:/x//./y/:ro", NULL), 0);
	assert_int_equal(volumes_add_text(&v, "/srv/c:/z:rw", NULL), 0);
	assert_int_equal(v.count, 3);
	assert_string_equal(v.items[0].source, "/srv/a");
	assert_string_equal(v.items[0].target, "/data");
	assert_false(v.items[0].read_only);
	assert_string_equal(v.items[1].target, "/x/y");
	assert_true(v.items[1].read_only);
}

static void volumes_that_are_refused(void **state)
{
	static const char *const bad[] = { "", "/a", "a:/b", "/a:b", "/a:/b:rx", "/a:/b/../c",
		"/a:/", "/a:/proc", "/a:/proc/self", "/a:/sys/x", "/a:/dev", "/a:/taken",
		"/a:", ":/a" };
	_auto_volumes_ struct volumes v = { NULL, 0 };

	assert_int_equal(volumes_add_text(&v, "/a:/taken", NULL), 0);
	assert_int_equal(volumes_add_text(&v, "/a:/procession", NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(volumes_add_text(&v, bad[i], NULL), -1);
	assert_int_equal(v.count, 2);
}

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\n"
			     "broken line\n"
			     "evil:x:4294967296:0::/:/bin/sh\n"
			     "web:x:33:33:web:/var/www:/bin/sh\n"
			     "relative:x:34:34::home:/bin/sh\n";
static const char group[] = "root:x:0:\nweb:x:33:\nstaff:x:50:web,other\nmore:x:51:other,web\n"
			    "no:x:52:webb,notweb\n";

static void users_by_name_and_number(void **state)
{
	struct user_ids u;

	assert_int_equal(user_lookup("", passwd, group, &u, NULL), 0);
	assert_int_equal(u.uid, 0);
	assert_string_equal(u.home, "/root");
	assert_int_equal(user_lookup("web", passwd, group, &u, NULL), 0);
	assert_int_equal(u.uid, 33);
	assert_int_equal(u.gid, 33);
	assert_int_equal(u.group_count, 2);
	assert_int_equal(u.groups[0], 50);
	assert_int_equal(u.groups[1], 51);
	assert_string_equal(u.home, "/var/www");
	assert_int_equal(user_lookup("web:staff", passwd, group, &u, NULL), 0);
	assert_int_equal(u.gid, 50);
	assert_int_equal(u.group_count, 0);
	assert_int_equal(user_lookup("1234:77", passwd, group, &u, NULL), 0);
	assert_int_equal(u.uid, 1234);
	assert_int_equal(u.gid, 77);
	assert_string_equal(u.home, "/");
	assert_int_equal(user_lookup("relative", passwd, group, &u, NULL), 0);
	assert_string_equal(u.home, "/");
	assert_int_equal(user_lookup("web", "", "", &u, NULL), -1);
}

/* An id that overflows or can't be parsed must never end as another user, least of all as root. */
static void users_that_are_refused(void **state)
{
	static const char *const bad[] = { "nobody-there", "evil", "4294967296", "65535", "-1",
		"0:x", ":0", "0:", "web:none", "0x0", " 0", "0 ", "99999999999999999999" };
	struct user_ids u = { .uid = 4711 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(user_lookup(bad[i], passwd, group, &u, NULL), -1);
	assert_int_equal(u.uid, 4711);
}

static void fill(struct workspace *w)
{
	memcpy(w->id, "0123456789ab", 13);
	assert_int_equal(workspace_set(&w->name, "alice"), 0);
	assert_int_equal(workspace_set(&w->owner, "alice \"x\"\n"), 0);
	assert_int_equal(workspace_set(&w->hostname, "container"), 0);
	assert_int_equal(workspace_set(&w->boot_id, NULL), 0);
	w->kind = WORKSPACE_USER;
	w->id_base = ID_BLOCK_FIRST + ID_BLOCK_SIZE;
	w->created = 1700000000;
	w->terminal = true;
	w->limits.cpu_millis = 500;
	assert_int_equal(strv_add(&w->layers, "abc"), 0);
	assert_int_equal(strv_add(&w->args, "/bin/bash"), 0);
	assert_int_equal(strv_add(&w->env, "A=b c"), 0);
	assert_int_equal(volumes_add_text(&w->volumes, "/srv:/data:ro", NULL), 0);
}

static void documents_come_back_as_they_were(void **state)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_workspace_ struct workspace r = WORKSPACE_INIT;
	_auto_buf_ struct buf text = BUF_INIT(1 << 16), again = BUF_INIT(1 << 16);
	struct md_error err = MD_ERROR_INIT;

	fill(&w);
	workspace_write(&w, &text);
	assert_false(text.failed);
	if (workspace_read(text.data, text.len, &r, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(r.owner, w.owner);
	assert_int_equal(r.id_base, w.id_base);
	assert_int_equal(r.limits.cpu_millis, 500);
	assert_true(r.volumes.items[0].read_only);
	workspace_write(&r, &again);
	assert_string_equal(buf_str(&text), buf_str(&again));
}

static void damaged_documents_are_refused(void **state)
{
	static const char *const from_to[][2] = {
		{ "\"0123456789ab\"", "\"../../etc/ab\"" },
		{ "\"kind\":\"user\"", "\"kind\":\"king\"" },
		{ "\"version\":1", "\"version\":2" },
		{ "\"idBase\":1114112", "\"idBase\":0" },
		{ "\"idBase\":1114112", "\"idBase\":1114113" },
		{ "\"hostname\":\"container\"", "\"hostname\":\"a b\"" },
		{ "\"name\":\"alice\"", "\"name\":\"../x\"" },
		{ "\"target\":\"/data\"", "\"target\":\"/proc\"" },
		{ "\"memory\":104857600", "\"memory\":-1" },
		{ "{", "" },
	};
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_buf_ struct buf text = BUF_INIT(1 << 16);

	fill(&w);
	workspace_write(&w, &text);
	for (size_t i = 0; i < ARRAY_SIZE(from_to); i++) {
		_auto_workspace_ struct workspace r = WORKSPACE_INIT;
		const char *at = strstr(buf_str(&text), from_to[i][0]);
		_auto_free_ char *changed = NULL;

		assert_non_null(at);
		changed = str_format("%.*s%s%s", (int)(at - text.data), text.data, from_to[i][1],
			at + strlen(from_to[i][0]));
		assert_non_null(changed);
		assert_int_equal(workspace_read(changed, strlen(changed), &r, NULL), -1);
	}
}

static void cgroup_mounts_are_found(void **state)
{
	static const char text[] =
		"21 1 0:5 / /proc rw - proc proc rw\n"
		"30 25 0:26 / /sys/fs/cgroup ro shared:9 - tmpfs tmpfs ro\n"
		"31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw\n"
		"35 30 0:31 / /sys/fs/cgroup/cpu,cpuacct rw shared:15 master:2 - cgroup cgroup "
		"rw,cpu\n"
		"36 30 0:31 / /mnt/a\\040b rw - cgroup cgroup rw,cpu\n"
		"37 30 0:31 / /mnt/cgroup rw - ext4 cgroup rw\n";
	_auto_strv_ struct strv v = STRV_INIT;

	assert_int_equal(cgroups_parse_mounts(text, &v), 0);
	assert_int_equal(v.count, 2);
	assert_string_equal(v.items[0], "/sys/fs/cgroup/unified");
	assert_string_equal(v.items[1], "/sys/fs/cgroup/cpu,cpuacct");
}

static void controllers_are_found_in_each_layout(void **state)
{
	static char v1[] = "#subsys_name\thierarchy\tnum_"
			   "cgroups\tenabled\nmemory\t4\t9\t1\npids\t0\t1\t1\ncpu\t1\t1\t1\n";
	static char v2[] = "cpuset io pids\n", none[] = "";
	const struct cgroups_host hybrid = { .v1 = v1, .v2 = v2 };
	const struct cgroups_host pure = { .v1 = none, .v2 = v2 };
	const struct cgroups_host old = { .v1 = v1, .v2 = none };

	assert_true(cgroups_host_has(&hybrid, "memory"));
	assert_true(cgroups_host_has(&hybrid, "pids"));
	assert_true(cgroups_host_has(&hybrid, "blkio"));
	assert_false(cgroups_host_has(&hybrid, "cpus"));
	assert_false(cgroups_host_has(&hybrid, "devices"));
	assert_false(cgroups_host_has(&pure, "memory"));
	assert_true(cgroups_host_has(&pure, "devices"));
	assert_false(cgroups_host_has(&pure, "cpu"));
	assert_false(cgroups_host_has(&old, "pids"));
}

static void the_host_keeps_its_share(void **state)
{
	const uint64_t mb = UINT64_C(1) << 20;

	assert_int_equal(reserve_memory_limit(10000 * mb), 9000 * mb);
	assert_int_equal(reserve_memory_limit(1024 * mb), 768 * mb);
	assert_int_equal(reserve_memory_limit(400 * mb), 200 * mb);
	assert_int_equal(reserve_pids_limit(32768), 29492);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_workspaces),
		cmocka_unit_test(names_of_hosts),
		cmocka_unit_test(ids_are_twelve_hex_digits),
		cmocka_unit_test(blocks_never_overlap),
		cmocka_unit_test(blocks_run_out_with_an_error),
		cmocka_unit_test(subordinate_ids_are_kept_clear),
		cmocka_unit_test(processors),
		cmocka_unit_test(limits_have_floors),
		cmocka_unit_test(volumes_are_parsed),
		cmocka_unit_test(volumes_that_are_refused),
		cmocka_unit_test(users_by_name_and_number),
		cmocka_unit_test(users_that_are_refused),
		cmocka_unit_test(documents_come_back_as_they_were),
		cmocka_unit_test(damaged_documents_are_refused),
		cmocka_unit_test(cgroup_mounts_are_found),
		cmocka_unit_test(controllers_are_found_in_each_layout),
		cmocka_unit_test(the_host_keeps_its_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
