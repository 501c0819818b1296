/* SPDX-License-Identifier: Apache-2.0 */
/* The default workspace profile, read back from the config.json that it writes. */
#define _GNU_SOURCE
#include "unit.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "engine/host.h"
#include "engine/idblock.h"
#include "engine/profile.h"
#include "json/json_read.h"

struct config {
	struct workspace w;
	struct buf text;
	struct json_doc doc;
	struct json_node root, process, linux_;
};

static const struct profile_host host = {
	.init = "/usr/bin/mdocker-init",
	.bundle = "/run/bundle",
	.kernel = 618,
	.cpus = 2,
	.ground.counts_swap = true,
	.own_runtime = true,
};

static void render(struct config *c, const struct profile_host *h)
{
	struct md_error err = MD_ERROR_INIT;

	*c = (struct config){ .w = WORKSPACE_INIT, .text = BUF_INIT(1 << 20) };
	memcpy(c->w.id, "0123456789ab", 13);
	c->w.id_base = ID_BLOCK_FIRST;
	c->w.limits.cpu_millis = 500;
	assert_int_equal(workspace_set(&c->w.hostname, "container"), 0);
	assert_int_equal(volumes_add_text(&c->w.volumes, "/srv/a:/data:ro", &err), 0);
	profile_write_config(&c->w, h, &c->text);
	assert_false(c->text.failed);
	if (json_parse(&c->doc, c->text.data, c->text.len, &err) < 0 ||
		json_root(&c->doc, &c->root, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(json_get_object(&c->root, "process", &c->process, NULL), 1);
	assert_int_equal(json_get_object(&c->root, "linux", &c->linux_, NULL), 1);
}

static void done(struct config *c)
{
	workspace_done(&c->w);
	buf_done(&c->text);
	json_done(&c->doc);
}

static bool holds(const struct json_node *object, const char *key, const char *wanted)
{
	_auto_strv_ struct strv v = STRV_INIT;

	assert_true(json_get_strv(object, key, &v, NULL) >= 0);
	for (size_t i = 0; i < v.count; i++) {
		if (str_eq(v.items[i], wanted))
			return true;
	}
	return false;
}

static void capabilities_are_the_twelve(void **state)
{
	static const char *const sets[] = { "bounding", "permitted", "effective" };
	static const char *const refused[] = { "CAP_SYS_ADMIN", "CAP_NET_RAW", "CAP_MKNOD",
		"CAP_SYS_PTRACE", "CAP_NET_ADMIN", "CAP_SYS_RESOURCE" };
	struct json_node caps;
	struct config c;

	render(&c, &host);
	assert_int_equal(json_get_object(&c.process, "capabilities", &caps, NULL), 1);
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		_auto_strv_ struct strv v = STRV_INIT;

		assert_int_equal(json_get_strv(&caps, sets[i], &v, NULL), 1);
		assert_int_equal(v.count, 12);
		for (size_t k = 0; k < ARRAY_SIZE(refused); k++)
			assert_false(holds(&caps, sets[i], refused[k]));
	}
	for (size_t i = 0; i < 2; i++) {
		_auto_strv_ struct strv v = STRV_INIT;

		assert_int_equal(json_get_strv(&caps, i ? "ambient" : "inheritable", &v, NULL), 1);
		assert_int_equal(v.count, 0);
	}
	done(&c);
}

static void every_tmpfs_is_bounded_in_bytes_and_inodes(void **state)
{
	struct json_node array, item;
	size_t count, tmpfs = 0;
	struct config c;

	render(&c, &host);
	assert_int_equal(json_get_array(&c.root, "mounts", &array, &count, NULL), 1);
	for (size_t i = 0; i < count; i++) {
		_auto_strv_ struct strv v = STRV_INIT;
		const char *type = "", *target = "";
		bool size = false, inodes = false, nosuid = false;

		json_item(&array, i, &item);
		assert_int_equal(json_get_string(&item, "type", &type, NULL), 1);
		assert_int_equal(json_get_string(&item, "destination", &target, NULL), 1);
		assert_int_equal(json_get_strv(&item, "options", &v, NULL), 1);
		for (size_t k = 0; k < v.count; k++) {
			size = size || str_starts(v.items[k], "size=");
			inodes = inodes || str_starts(v.items[k], "nr_inodes=");
			nosuid = nosuid || str_eq(v.items[k], "nosuid");
		}
		assert_true(nosuid);
		if (!str_eq(type, "tmpfs"))
			continue;
		tmpfs++;
		if (!size || !inodes)
			fail_msg("%s has no bound", target);
	}
	assert_int_equal(tmpfs, 5);
	done(&c);
}

static void limits_are_written_with_swap_included(void **state)
{
	struct json_node resources, memory, cpu, pids;
	int64_t limit = 0, swap = 0, quota = 0, most = 0;
	struct config c;

	render(&c, &host);
	assert_int_equal(json_get_object(&c.linux_, "resources", &resources, NULL), 1);
	assert_int_equal(json_get_object(&resources, "memory", &memory, NULL), 1);
	assert_int_equal(json_get_object(&resources, "cpu", &cpu, NULL), 1);
	assert_int_equal(json_get_object(&resources, "pids", &pids, NULL), 1);
	assert_int_equal(json_get_i64(&memory, "limit", 0, INT64_MAX, &limit, NULL), 1);
	assert_int_equal(json_get_i64(&memory, "swap", 0, INT64_MAX, &swap, NULL), 1);
	assert_int_equal(json_get_i64(&cpu, "quota", 0, INT64_MAX, &quota, NULL), 1);
	assert_int_equal(json_get_i64(&pids, "limit", 0, INT64_MAX, &most, NULL), 1);
	assert_int_equal(limit, 104857600);
	assert_int_equal(swap, limit);
	assert_int_equal(quota, 50000);
	assert_int_equal(most, 20);
	done(&c);
}

static void isolation_is_complete(void **state)
{
	/* All: a machine of tests has few of them. */
	static const char *const masked[] = { "/proc/acpi", "/proc/asound", "/proc/interrupts",
		"/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/latency_stats",
		"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
		"/proc/kallsyms", "/proc/iomem", "/proc/ioports", "/proc/kpagecount",
		"/proc/kpageflags", "/proc/config.gz", "/proc/cmdline", "/proc/diskstats",
		"/proc/partitions", "/sys/firmware", "/sys/kernel/debug", "/sys/kernel/tracing",
		"/sys/kernel/security", "/sys/kernel/notes", "/sys/kernel/btf", "/sys/fs/bpf",
		"/sys/fs/pstore", "/sys/hypervisor", "/sys/devices/virtual/powercap",
		"/sys/devices/virtual/dmi", "/sys/devices/system/cpu/cpu0/thermal_throttle",
		"/sys/devices/system/cpu/cpu1/thermal_throttle" };
	static const char *const types[] = { "user", "mount", "pid", "network", "ipc", "uts",
		"cgroup" };
	struct json_node array, item, sysctl;
	const char *text = "";
	bool flag = false;
	size_t count;
	struct config c;

	render(&c, &host);
	assert_int_equal(json_get_bool(&c.process, "noNewPrivileges", &flag, NULL), 1);
	assert_true(flag);
	assert_int_equal(json_get_array(&c.linux_, "namespaces", &array, &count, NULL), 1);
	assert_int_equal(count, ARRAY_SIZE(types));
	for (size_t i = 0; i < count; i++) {
		json_item(&array, i, &item);
		assert_int_equal(json_get_string(&item, "type", &text, NULL), 1);
		assert_string_equal(text, types[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(masked); i++)
		assert_true(holds(&c.linux_, "maskedPaths", masked[i]));
	assert_true(holds(&c.linux_, "readonlyPaths", "/proc/sys"));
	assert_int_equal(json_get_string(&c.linux_, "cgroupsPath", &text, NULL), 1);
	assert_string_equal(text, "/minidocker/0123456789ab");
	assert_int_equal(json_get_object(&c.linux_, "sysctl", &sysctl, NULL), 1);
	assert_int_equal(json_get_string(&sysctl, "user.max_user_namespaces", &text, NULL), 1);
	assert_string_equal(text, "0");
	done(&c);
}

static void other_runtimes_and_old_kernels_get_no_sysctl_that_they_refuse(void **state)
{
	struct profile_host old = host;
	struct json_node sysctl, ignored;
	struct config c;

	old.own_runtime = false;
	old.kernel = 510;
	render(&c, &old);
	assert_int_equal(json_get_object(&c.linux_, "sysctl", &sysctl, NULL), 1);
	assert_false(json_member(&sysctl, "user.max_user_namespaces", &ignored));
	assert_false(json_member(&sysctl, "kernel.shmmax", &ignored));
	assert_true(json_member(&sysctl, "net.ipv4.ping_group_range", &ignored));
	done(&c);
}

static void where_swap_is_not_counted_no_limit_of_it_is_asked_for(void **state)
{
	static const struct limits_ground counted = { .counts_swap = true }, uncounted = { 0 };
	struct limits l = LIMITS_DEFAULT;
	_auto_buf_ struct buf text = BUF_INIT(1 << 12);

	profile_write_update(&l, &counted, &text);
	assert_non_null(strstr(buf_str(&text), "\"limit\":104857600,\"swap\":104857600"));
	buf_reset(&text);
	profile_write_update(&l, &uncounted, &text);
	assert_null(strstr(buf_str(&text), "swap"));
	assert_null(strstr(buf_str(&text), "devices"));
}

static void rates_name_each_device_and_zero_takes_one_away(void **state)
{
	struct limits_ground ground = { .devices = { { 7, 3 }, { 254, 0 } }, .device_count = 2 };
	struct limits l = LIMITS_DEFAULT;
	_auto_buf_ struct buf text = BUF_INIT(1 << 12);

	l.io_rates[LIMITS_WRITE_BPS] = 1 << 20;
	profile_write_update(&l, &ground, &text);
	assert_non_null(strstr(buf_str(&text),
		"\"throttleWriteBpsDevice\":[{\"major\":7,\"minor\":3,\"rate\":1048576},"
		"{\"major\":254,\"minor\":0,\"rate\":1048576}]"));
	assert_non_null(strstr(buf_str(&text),
		"\"throttleReadIOPSDevice\":[{\"major\":7,\"minor\":3,\"rate\":0}"));
	assert_null(strstr(buf_str(&text), "weight"));
	/* And where nobody wants any, the controller isn't asked for. */
	buf_reset(&text);
	ground.device_count = 0;
	profile_write_update(&l, &ground, &text);
	assert_null(strstr(buf_str(&text), "blockIO"));
	ground.io_weight_was_set = true;
	profile_write_update(&l, &ground, &text);
	assert_non_null(strstr(buf_str(&text), "\"blockIO\":{\"weight\":100}"));
}

static void no_size_of_huge_pages_is_to_be_had(void **state)
{
	static char *sizes[] = { (char *)"2MB", (char *)"1GB", NULL };
	struct profile_host with = host;
	struct json_node resources, array, item;
	struct config c;
	size_t count;

	with.huge_pages = (struct strv){ .items = sizes, .count = 2 };
	render(&c, &with);
	assert_int_equal(json_get_object(&c.linux_, "resources", &resources, NULL), 1);
	assert_int_equal(json_get_array(&resources, "hugepageLimits", &array, &count, NULL), 1);
	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++) {
		const char *size = "";
		uint64_t limit = 1;

		json_item(&array, i, &item);
		assert_int_equal(json_get_string(&item, "pageSize", &size, NULL), 1);
		assert_string_equal(size, sizes[i]);
		assert_int_equal(json_get_u64(&item, "limit", UINT64_MAX, &limit, NULL), 1);
		assert_int_equal(limit, 0);
	}
	done(&c);
}

static void huge_pages_are_named_as_cgroups_do(void **state)
{
	char name[32];

	assert_int_equal(host_huge_page_name("hugepages-2048kB", name, sizeof(name)), 0);
	assert_string_equal(name, "2MB");
	assert_int_equal(host_huge_page_name("hugepages-1048576kB", name, sizeof(name)), 0);
	assert_string_equal(name, "1GB");
	assert_int_equal(host_huge_page_name("hugepages-64kB", name, sizeof(name)), 0);
	assert_string_equal(name, "64KB");
	assert_int_equal(host_huge_page_name("hugepages-kB", name, sizeof(name)), -1);
	assert_int_equal(host_huge_page_name("hugepages-0kB", name, sizeof(name)), -1);
	assert_int_equal(host_huge_page_name("hugepages-2048kBx", name, sizeof(name)), -1);
	assert_int_equal(host_huge_page_name(".", name, sizeof(name)), -1);
}

struct verdicts {
	const char *name;
	size_t unconditional, conditional;
	struct config *c;
};

static void count_rules(struct verdicts *v, const char *action)
{
	struct json_node seccomp, array, rule, args;
	size_t count, arg_count;

	v->unconditional = v->conditional = 0;
	assert_int_equal(json_get_object(&v->c->linux_, "seccomp", &seccomp, NULL), 1);
	assert_int_equal(json_get_array(&seccomp, "syscalls", &array, &count, NULL), 1);
	for (size_t i = 0; i < count; i++) {
		const char *did = "";

		json_item(&array, i, &rule);
		assert_int_equal(json_get_string(&rule, "action", &did, NULL), 1);
		if (!str_eq(did, action) || !holds(&rule, "names", v->name))
			continue;
		arg_count = 0;
		json_get_array(&rule, "args", &args, &arg_count, NULL);
		if (arg_count)
			v->conditional++;
		else
			v->unconditional++;
	}
}

static void seccomp_is_an_allow_list(void **state)
{
	static const char *const never[] = { "bpf", "perf_event_open", "userfaultfd",
		"io_uring_setup", "keyctl", "add_key", "request_key", "fanotify_init",
		"open_by_handle_at", "mount", "umount2", "fsopen", "move_mount", "open_tree",
		"pivot_root", "setns", "init_module", "kexec_load", "reboot", "swapon", "clone3",
		"settimeofday", "quotactl", "file_setattr", "lookup_dcookie", "iopl" };
	static const char *const sometimes[] = { "clone", "unshare", "socket", "personality",
		"ioctl" };
	struct verdicts v;
	struct config c;

	render(&c, &host);
	v.c = &c;
	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		v.name = never[i];
		count_rules(&v, "SCMP_ACT_ALLOW");
		if (v.unconditional || v.conditional)
			fail_msg("%s is allowed", never[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sometimes); i++) {
		v.name = sometimes[i];
		count_rules(&v, "SCMP_ACT_ALLOW");
		if (v.unconditional || !v.conditional)
			fail_msg("%s is allowed without a look at its arguments", sometimes[i]);
	}
	v.name = "clone3";
	count_rules(&v, "SCMP_ACT_ERRNO");
	assert_int_equal(v.unconditional, 1);
	done(&c);
}

static bool covered(const struct profile_prefix *p, size_t count, uint32_t x)
{
	for (size_t i = 0; i < count; i++) {
		if ((x & p[i].mask) == p[i].value)
			return true;
	}
	return false;
}

static void all_but_leaves_out_exactly_the_given_numbers(void **state)
{
	const uint32_t values[] = { 0x5412, 0x541c, 0x5423, 0x401c5820, 0x40086602 };
	struct profile_prefix p[128];
	size_t count = profile_all_but(values, ARRAY_SIZE(values), p, ARRAY_SIZE(p));

	assert_true(count > 0 && count < ARRAY_SIZE(p));
	for (uint32_t x = 0; x < 0x20000; x++)
		assert_int_equal(covered(p, count, x), x != 0x5412 && x != 0x541c && x != 0x5423);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		assert_false(covered(p, count, values[i]));
		for (uint32_t bit = 0x10000; bit; bit <<= 1)
			assert_true(covered(p, count, values[i] ^ bit));
	}
	assert_int_equal(profile_all_but(values, 0, p, ARRAY_SIZE(p)), 2);
}

static void the_process_has_the_users_home_unless_told_otherwise(void **state)
{
	static const struct user_ids user = {
		.uid = 33, .gid = 34, .groups = { 50 }, .group_count = 1, .home = "/var/www"
	};
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_buf_ struct buf text = BUF_INIT(1 << 16);

	assert_int_equal(strv_add(&w.args, "/bin/bash"), 0);
	profile_write_process(&w, &user, &text);
	assert_non_null(strstr(buf_str(&text), "\"HOME=/var/www\""));
	assert_non_null(strstr(buf_str(&text), "\"uid\":33,\"gid\":34,\"additionalGids\":[50]"));
	buf_reset(&text);
	assert_int_equal(strv_add(&w.env, "HOME=/elsewhere"), 0);
	profile_write_process(&w, &user, &text);
	assert_null(strstr(buf_str(&text), "/var/www"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capabilities_are_the_twelve),
		cmocka_unit_test(every_tmpfs_is_bounded_in_bytes_and_inodes),
		cmocka_unit_test(limits_are_written_with_swap_included),
		cmocka_unit_test(isolation_is_complete),
		cmocka_unit_test(other_runtimes_and_old_kernels_get_no_sysctl_that_they_refuse),
		cmocka_unit_test(where_swap_is_not_counted_no_limit_of_it_is_asked_for),
		cmocka_unit_test(rates_name_each_device_and_zero_takes_one_away),
		cmocka_unit_test(no_size_of_huge_pages_is_to_be_had),
		cmocka_unit_test(huge_pages_are_named_as_cgroups_do),
		cmocka_unit_test(seccomp_is_an_allow_list),
		cmocka_unit_test(all_but_leaves_out_exactly_the_given_numbers),
		cmocka_unit_test(the_process_has_the_users_home_unless_told_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
