/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "oci/spec.h"

static int parse(const char *text, struct oci_spec *ret, struct md_error *err)
{
	return oci_spec_parse(text, strlen(text), ret, err);
}

/* `members` without its enclosing braces is wrong in the way that `message` says. */
static void refused(const char *members, const char *message)
{
	_auto_spec_ struct oci_spec s = OCI_SPEC_INIT;
	struct md_error err = MD_ERROR_INIT;
	_auto_free_ char *text = str_format("{%s}", members);

	assert_non_null(text);
	assert_int_equal(parse(text, &s, &err), -1);
	assert_string_equal(err.msg, message);
}

static void taken(const char *members, struct oci_spec *ret)
{
	struct md_error err = MD_ERROR_INIT;
	_auto_free_ char *text = str_format("{%s}", members);

	if (parse(text, ret, &err) < 0)
		fail_msg("%s: %s", members, err.msg);
}

static void wrong_values_are_refused_with_their_path(void **state _unused_)
{
	static const char *const cases[][2] = {
		{ "\"linux\":{\"resources\":{\"pids\":{\"limit\":\"x\"}}}",
			"linux.resources.pids.limit: expected an integer" },
		{ "\"linux\":[]", "linux: expected an object" },
		{ "\"process\":{\"args\":[\"a\"],\"cwd\":\"x\"}",
			"process.cwd: 'x' is not an absolute path" },
		{ "\"process\":{\"args\":[\"a\"]}", "process.cwd: missing" },
		{ "\"process\":{\"args\":[1],\"cwd\":\"/\"}",
			"process.args[0]: expected a string" },
		{ "\"process\":{\"args\":[],\"cwd\":\"/\"}", "process: args must not be empty" },
		{ "\"process\":{\"args\":[\"a\"],\"cwd\":\"/\",\"user\":{\"uid\":4294967295}}",
			"process.user.uid: 4294967295 is outside 0..4294967294" },
		{ "\"process\":{\"args\":[\"a\"],\"cwd\":\"/\",\"oomScoreAdj\":1001}",
			"process.oomScoreAdj: 1001 is outside -1000..1000" },
		{ "\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"pid\"}]}",
			"linux.namespaces[1]: namespace pid is given twice" },
		{ "\"linux\":{\"namespaces\":[{\"type\":\"nope\"}]}",
			"linux.namespaces[0].type: 'nope' is not a kind of namespace" },
		{ "\"linux\":{\"resources\":{\"memory\":{\"limit\":9223372036854775808}}}",
			"linux.resources.memory.limit: 9223372036854775808 is outside "
			"-1..9223372036854775807" },
		{ "\"linux\":{\"resources\":{\"unified\":{\"../x.y\":\"1\"}}}",
			"linux.resources.unified: '../x.y' is not the name of a cgroup file" },
		{ "\"hostname\":\"x\"", "hostname: needs a uts namespace of its own" },
		{ "\"linux\":{\"rootfsPropagation\":\"shared\"}",
			"linux.rootfsPropagation: other than private it needs a mount namespace of "
			"its own" },
		{ "\"mounts\":[{\"destination\":\"/d\",\"options\":[\"rslave\"]}]",
			"mounts[0].options: a propagation other than private needs a mount "
			"namespace of its own" },
		{ "\"linux\":{\"sysctl\":{\"kernel.core_pattern\":\"|/x\"}}",
			"linux.sysctl: 'kernel.core_pattern' is not confined by any namespace" },
		{ "\"linux\":{\"sysctl\":{\"kernel.hostname\":\"x\"}}",
			"linux.sysctl: 'kernel.hostname' is what hostname is for" },
		{ "\"linux\":{\"sysctl\":{\"net.ipv4.ip_forward\":\"1\"}}",
			"linux.sysctl: 'net.ipv4.ip_forward' needs a network namespace of its "
			"own" },
		{ "\"mounts\":[{\"type\":\"tmpfs\"}]", "mounts[0].destination: missing" },
		{ "\"ociVersion\":\"2.0.0\"",
			"ociVersion: '2.0.0' is not a supported version (1.x)" },
		{ "\"a\":1,\"a\":2", "line 1, column 10: duplicate object key near '\"a\"'" },
		{ "\"root\":{}", "root.path: missing" },
		{ "\"hooks\":{\"poststop\":[{\"path\":\"x\"}]}",
			"hooks.poststop[0].path: 'x' is not an absolute path" },
		{ "\"hooks\":{\"prestart\":[{\"path\":\"/x\",\"timeout\":0}]}",
			"hooks.prestart[0].timeout: 0 is outside 1..2147483647" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refused(cases[i][0], cases[i][1]);
}

static void unknown_fields_are_ignored(void **state _unused_)
{
	_auto_spec_ struct oci_spec s = OCI_SPEC_INIT;

	taken("\"windows\":{\"x\":[1]},\"ociVersion\":\"1.2.0\",\"annotations\":{\"a.b\":\"c\"}",
		&s);
	assert_null(s.process);
	assert_string_equal(s.version, "1.2.0");
	assert_string_equal(oci_annotation(&s, "a.b"), "c");
	assert_null(oci_annotation(&s, "a"));
}

static const char process_text[] =
	"\"process\":{\"terminal\":true,\"consoleSize\":{\"height\":24,\"width\":80},"
	"\"user\":{\"uid\":1,\"gid\":2,\"umask\":18,\"additionalGids\":[5,6]},"
	"\"args\":[\"sh\",\"-c\",\"x\"],\"env\":[\"A=b\"],\"cwd\":\"/w\","
	"\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_NOPE\",\"CAP_CHECKPOINT_RESTORE\"],"
	"\"permitted\":[\"CAP_CHECKPOINT_RESTORE\",\"CAP_KILL\"],"
	"\"inheritable\":[\"CAP_CHECKPOINT_RESTORE\"],"
	"\"ambient\":[\"CAP_CHECKPOINT_RESTORE\",\"CAP_KILL\"]},"
	"\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":10,\"hard\":18446744073709551615}],"
	"\"noNewPrivileges\":true,\"oomScoreAdj\":-5,"
	"\"scheduler\":{\"policy\":\"SCHED_FIFO\",\"priority\":10,"
	"\"flags\":[\"SCHED_FLAG_RESET_ON_FORK\"]},"
	"\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":4},"
	"\"execCPUAffinity\":{\"initial\":\"0-2,70\"}}";

static void the_process_is_read_whole(void **state _unused_)
{
	_auto_spec_ struct oci_spec s = OCI_SPEC_INIT;
	const struct oci_process *p;

	taken(process_text, &s);
	p = s.process;
	assert_true(p->terminal);
	assert_int_equal(p->console_height.value, 24);
	assert_int_equal(p->console_width.value, 80);
	assert_int_equal(p->user.umask.value, 022);
	assert_int_equal(p->user.additional_gid_count, 2);
	assert_int_equal(p->user.additional_gids[1], 6);
	assert_int_equal(p->args.count, 3);
	assert_null(p->args.items[3]);
	assert_string_equal(p->env.items[0], "A=b");
	assert_int_equal(p->caps.bounding, 1ULL << 0 | 1ULL << 40);
	assert_int_equal(p->caps.ambient, 1ULL << 40);
	assert_int_equal(p->rlimits[0].resource, RLIMIT_NOFILE);
	assert_true(p->rlimits[0].hard == UINT64_MAX);
	assert_int_equal(p->oom_score_adj.value, -5);
	assert_int_equal(p->scheduler.priority, 10);
	assert_int_equal(p->scheduler.flags, 1);
	assert_int_equal(p->io_priority.value, (2 << 13) | 4);
	assert_int_equal(p->cpus_initial.mask[0], 7);
	assert_int_equal(p->cpus_initial.mask[1], 1 << 6);
	assert_false(p->cpus_final.set);
}

static void bad_cpu_lists_are_refused(void **state _unused_)
{
	static const char *const bad[] = { "x", "1-", "-1", "3-1", "1,", ",1", "1024",
		"99999999999999999999", "1 2" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct oci_process_doc d;
		_auto_free_ char *text = str_format(
			"{\"args\":[\"a\"],\"cwd\":\"/\",\"execCPUAffinity\":{\"final\":\"%s\"}}",
			bad[i]);

		assert_int_equal(oci_process_parse(text, strlen(text), &d, NULL), -1);
	}
}

static void with_options(const char *options, struct oci_spec *s)
{
	_auto_free_ char *text = str_format("\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]},"
					    "\"mounts\":[{\"destination\":\"/d\",\"source\":\"/s\","
					    "\"type\":\"tmpfs\",\"options\":[%s]}]",
		options);

	taken(text, s);
}

static void every_mount_option_is_known_to_its_table(void **state _unused_)
{
	const char *const *names = oci_mount_option_names();
	const char *last = "";

	for (; *names; names++) {
		_auto_spec_ struct oci_spec s = OCI_SPEC_INIT;
		_auto_free_ char *quoted = str_format("\"%s\"", *names);

		/* bsearch(3) needs them in order */
		assert_true(strcmp(last, *names) < 0);
		last = *names;
		with_options(quoted, &s);
		assert_null(s.mounts[0].data);
	}
}

static void mount_options_become_flags(void **state _unused_)
{
	_auto_spec_ struct oci_spec s = OCI_SPEC_INIT;
	_auto_spec_ struct oci_spec bind = OCI_SPEC_INIT;
	const struct oci_mount *m;

	with_options(
		"\"ro\",\"rw\",\"nosuid\",\"size=1m\",\"rslave\",\"mode=755\",\"rro\",\"rnoatime\"",
		&s);
	m = s.mounts;
	assert_int_equal(m->flags, MS_NOSUID);
	assert_int_equal(m->cleared, MS_RDONLY);
	assert_int_equal(m->propagation, MS_SLAVE | MS_REC);
	assert_int_equal(m->rec_set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME);
	assert_int_equal(m->rec_clear, MOUNT_ATTR__ATIME);
	assert_string_equal(m->data, "size=1m,mode=755");
	assert_string_equal(m->type, "tmpfs");

	with_options("\"rbind\",\"idmap=uids=0-1000-10#10-2000-5;gids=0-7-1\"", &bind);
	m = bind.mounts;
	assert_int_equal(m->flags, MS_BIND | MS_REC);
	assert_null(m->type);
	assert_int_equal(m->idmap, OCI_IDMAP);
	assert_int_equal(m->uid_maps.count, 2);
	assert_int_equal(m->uid_maps.items[1].host, 2000);
	assert_int_equal(m->gid_maps.items[0].size, 1);
}

/* A document whose mount has the id mappings `maps` in its options. */
static char *with_idmap(const char *maps)
{
	return str_format("\"linux\":{\"namespaces\":[{\"type\":\"user\"},{\"type\":\"mount\"}],"
			  "\"uidMappings\":[{\"containerID\":0,\"hostID\":5000,\"size\":10}],"
			  "\"gidMappings\":[{\"containerID\":0,\"hostID\":6000,\"size\":10}]},"
			  "\"mounts\":[{\"destination\":\"/d\",\"source\":\"/s\","
			  "\"options\":[\"bind\",\"idmap=%s\"]}]",
		maps);
}

static void ids_of_a_mount_may_be_those_of_the_user_namespace(void **state _unused_)
{
	_auto_free_ char *good = with_idmap("uids=@0-4-3#7-8-1;gids=+0-1-10");
	_auto_free_ char *bad = with_idmap("uids=@0-10-3;gids=0-0-1");
	_auto_spec_ struct oci_spec s = OCI_SPEC_INIT;

	taken(good, &s);
	assert_int_equal(s.mounts[0].uid_maps.items[0].host, 5004);
	assert_int_equal(s.mounts[0].uid_maps.items[1].host, 8);
	assert_int_equal(s.mounts[0].gid_maps.items[0].host, 1);
	refused(bad, "mounts: idmap of '/d': 10 is no id of the user namespace");
}

static void resources_are_read_whole(void **state _unused_)
{
	static const char text[] =
		"{\"memory\":{\"limit\":1048576,\"swap\":-1,\"disableOOMKiller\":true},"
		"\"cpu\":{\"shares\":512,\"quota\":1000,\"burst\":5,\"idle\":1,\"cpus\":\"0-1\"},"
		"\"pids\":{\"limit\":7},\"blockIO\":{\"weight\":10,"
		"\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":600}]},"
		"\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":9}],"
		"\"network\":{\"classID\":3,\"priorities\":[{\"name\":\"lo\",\"priority\":2}]},"
		"\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3}},"
		"\"devices\":[{\"allow\":false},{\"allow\":true,\"type\":\"c\",\"major\":1,"
		"\"minor\":3,\"access\":\"rm\"}],\"unified\":{\"memory.high\":\"max\"}}";
	struct oci_resources_doc d;
	struct md_error err = MD_ERROR_INIT;
	const struct oci_resources *r = &d.resources;

	assert_int_equal(oci_resources_parse(text, strlen(text), &d, &err), 0);
	assert_int_equal(r->memory.limit.value, 1048576);
	assert_true(r->memory.swap.set && r->memory.swap.value == -1);
	assert_true(r->memory.disable_oom_killer.set && r->memory.disable_oom_killer.value == 1);
	assert_false(r->memory.reservation.set);
	assert_int_equal(r->cpu.shares.value, 512);
	assert_string_equal(r->cpu.cpus, "0-1");
	assert_int_equal(r->pids_limit.value, 7);
	assert_int_equal(r->blkio.weight.value, 10);
	assert_int_equal(r->blkio.throttle[OCI_THROTTLE_READ_BPS].items[0].rate, 600);
	assert_string_equal(r->hugepages[0].page_size, "2MB");
	assert_int_equal(r->net_priorities[0].priority, 2);
	assert_string_equal(r->rdma[0].device, "mlx5_1");
	assert_false(r->rdma[0].hca_objects.set);
	assert_int_equal(r->device_count, 2);
	assert_int_equal(r->devices[0].type, 'a');
	assert_int_equal(r->devices[0].major, -1);
	assert_int_equal(r->devices[0].access, OCI_DEVICE_ALL);
	assert_int_equal(r->devices[1].access, OCI_DEVICE_READ | OCI_DEVICE_MKNOD);
	assert_string_equal(r->unified.items[0].value, "max");
	oci_resources_done(&d);
}

static void seccomp_is_read_whole(void **state _unused_)
{
	_auto_spec_ struct oci_spec s = OCI_SPEC_INIT;
	const struct oci_seccomp_rule *rule;

	taken("\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,"
	      "\"architectures\":[\"SCMP_ARCH_X86_64\"],\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],"
	      "\"listenerPath\":\"/l\",\"listenerMetadata\":\"m\",\"syscalls\":["
	      "{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_NOTIFY\",\"args\":["
	      "{\"index\":1,\"value\":18446744073709551615,\"op\":\"SCMP_CMP_MASKED_EQ\"}]}]}}",
		&s);
	rule = s.seccomp.rules;
	assert_int_equal(s.seccomp.default_action, OCI_SECCOMP_ERRNO);
	assert_int_equal(s.seccomp.default_errno, 38);
	assert_int_equal(s.seccomp.flags, SECCOMP_FILTER_FLAG_LOG);
	assert_int_equal(rule->action, OCI_SECCOMP_NOTIFY);
	assert_int_equal(rule->errno_ret, 1);
	assert_true(rule->args[0].value == UINT64_MAX);
	assert_int_equal(rule->args[0].op, OCI_SECCOMP_MASKED_EQ);
	refused("\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
		"{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_NOTIFY\"}]}}",
		"linux.seccomp: SCMP_ACT_NOTIFY needs listenerPath");
}

static void linux_parts_are_read(void **state _unused_)
{
	_auto_spec_ struct oci_spec s = OCI_SPEC_INIT;

	taken("\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"network\",\"path\":\"/"
	      "n\"},"
	      "{\"type\":\"time\"},{\"type\":\"user\"}],"
	      "\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":65536}],"
	      "\"gidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":65536}],"
	      "\"devices\":[{\"path\":\"/dev/x\",\"type\":\"c\",\"major\":1,\"minor\":3,"
	      "\"fileMode\":8630}],"
	      "\"netDevices\":{\"eth0\":{\"name\":\"e1\"},\"eth1\":{}},"
	      "\"rootfsPropagation\":\"rslave\",\"personality\":{\"domain\":\"LINUX32\"},"
	      "\"timeOffsets\":{\"boottime\":{\"secs\":-5,\"nanosecs\":7}},"
	      "\"sysctl\":{\"net.ipv4.ip_forward\":\"1\"},"
	      "\"intelRdt\":{\"closID\":\"g\",\"schemata\":[\"L3:0=f\"]}}",
		&s);
	assert_string_equal(s.ns[OCI_NS_NETWORK].path, "/n");
	assert_true(s.ns[OCI_NS_TIME].set && !s.ns[OCI_NS_TIME].path);
	assert_false(s.ns[OCI_NS_PID].set);
	assert_int_equal(s.uid_maps.items[0].size, 65536);
	assert_int_equal(s.devices[0].mode, 0666);
	assert_int_equal(s.devices[0].type, S_IFCHR);
	assert_int_equal(s.net_device_count, 2);
	assert_int_equal(s.rootfs_propagation, MS_SLAVE | MS_REC);
	assert_int_equal(s.personality.value, 8);
	assert_int_equal(s.boottime.secs, -5);
	assert_string_equal(s.intel_rdt.schemata.items[0], "L3:0=f");
}

static void hooks_get_their_program_as_first_argument(void **state _unused_)
{
	_auto_spec_ struct oci_spec s = OCI_SPEC_INIT;
	const struct oci_hook *hook;

	taken("\"hooks\":{\"createRuntime\":[{\"path\":\"/h\",\"timeout\":3}]}", &s);
	hook = s.hooks[OCI_HOOK_CREATE_RUNTIME].items;
	assert_int_equal(s.hooks[OCI_HOOK_CREATE_RUNTIME].count, 1);
	assert_string_equal(hook->args.items[0], "/h");
	assert_null(hook->args.items[1]);
	assert_int_equal(hook->timeout.value, 3);
}

static void names_go_both_ways(void **state _unused_)
{
	for (int i = 0; i < oci_cap_count(); i++)
		assert_int_equal(oci_cap_number(oci_cap_name(i)), i);
	assert_int_equal(oci_cap_number("net_admin"), 12);
	assert_int_equal(oci_cap_number("CAP_"), -1);
	assert_null(oci_cap_name(-1));
	for (int i = 0; i < OCI_HOOK_KINDS; i++)
		assert_non_null(oci_hook_kind_name((enum oci_hook_kind)i));
}

static void ids_are_one_plain_name(void **state _unused_)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "a b", "\xc3\xa9", "a\n", "~" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(oci_id_valid(bad[i]));
	assert_true(oci_id_valid("a-B_9.+"));
}

static void a_config_that_is_no_file_is_refused_at_once(void **state _unused_)
{
	char dir[] = "/tmp/test_spec.XXXXXX", path[64];
	struct oci_spec s = OCI_SPEC_INIT;
	struct md_error err = MD_ERROR_INIT;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/config.json", dir);
	assert_int_equal(oci_spec_load(dir, &s, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(oci_spec_load(dir, &s, &err), -1);
	assert_int_equal(err.code, EINVAL);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_values_are_refused_with_their_path),
		cmocka_unit_test(unknown_fields_are_ignored),
		cmocka_unit_test(the_process_is_read_whole),
		cmocka_unit_test(bad_cpu_lists_are_refused),
		cmocka_unit_test(every_mount_option_is_known_to_its_table),
		cmocka_unit_test(mount_options_become_flags),
		cmocka_unit_test(ids_of_a_mount_may_be_those_of_the_user_namespace),
		cmocka_unit_test(resources_are_read_whole),
		cmocka_unit_test(seccomp_is_read_whole),
		cmocka_unit_test(linux_parts_are_read),
		cmocka_unit_test(hooks_get_their_program_as_first_argument),
		cmocka_unit_test(names_go_both_ways),
		cmocka_unit_test(ids_are_one_plain_name),
		cmocka_unit_test(a_config_that_is_no_file_is_refused_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
