/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "runtime/cgroup.h"
#include "runtime/cgroup_impl.h"
#include "runtime/cgroup_text.h"

static int plan(
	const char *path, enum cgroup_manager manager, struct cgroup **ret, struct md_error *err)
{
	const struct cgroup_request r = {
		.id = "the-id", .cgroups_path = path, .manager = manager
	};

	return cgroup_plan(&r, ret, err);
}

static void paths_that_could_hit_others_are_refused(void **state _unused_)
{
	static const char *const bad[] = { "/", "//", "/a/../b", "..", "/.", "../x", "/a\nb",
		"/a b" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct md_error err = MD_ERROR_INIT;
		struct cgroup *c = NULL;

		if (plan(bad[i], CGROUP_MANAGER_CGROUPFS, &c, &err) == 0)
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(err.code, EINVAL);
	}
}

static void plan_is(const char *path, enum cgroup_manager manager, const char *record)
{
	_auto_(cgroup_freep) struct cgroup *c = NULL, *again = NULL;
	struct md_error err = MD_ERROR_INIT;

	if (plan(path, manager, &c, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(cgroup_record(c), record);
	assert_int_equal(cgroup_open(record, &again, &err), 0);
	assert_string_equal(cgroup_record(again), record);
}

static void records_lead_back_to_the_same_group(void **state _unused_)
{
	plan_is(NULL, CGROUP_MANAGER_CGROUPFS, "cgroupfs root - - /the-id");
	plan_is("/a/b", CGROUP_MANAGER_CGROUPFS, "cgroupfs root - - /a/b");
	plan_is("a/b", CGROUP_MANAGER_CGROUPFS, "cgroupfs root - - /a/b");
	plan_is("/x", CGROUP_MANAGER_NONE, "none root - - /");
	plan_is("m-n.slice:p:q", CGROUP_MANAGER_SYSTEMD,
		"systemd root m-n.slice p-q.scope /m.slice/m-n.slice/p-q.scope");
	plan_is(NULL, CGROUP_MANAGER_SYSTEMD,
		"systemd root system.slice mdocker-the-id.scope "
		"/system.slice/mdocker-the-id.scope");
}

static void properties_are(const char *key, const char *value, const char *wanted)
{
	struct oci_pair pair = { .key = (char *)(uintptr_t)key, .value = (char *)(uintptr_t)value };
	const struct oci_pairs all = { &pair, 1 };
	_auto_strv_ struct strv words = STRV_INIT;
	char text[256] = "";
	unsigned int count;

	if (cgroup_property_words(&all, &words, &count, NULL) < 0) {
		assert_string_equal(wanted, "refused");
		return;
	}
	for (size_t i = 0; i < words.count; i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%s", i ? "|" : "", words.items[i]);
	}
	assert_string_equal(text, wanted);
	assert_int_equal(count, wanted[0] != '\0');
}

static void annotations_become_properties_of_the_unit(void **state _unused_)
{
	static const struct {
		const char *name, *value, *wanted;
	} cases[] = {
		{ "TimeoutStopUSec", "uint64 10000000", "TimeoutStopUSec|t|10000000" },
		{ "TimeoutStopSec", "uint64 10", "TimeoutStopUSec|t|10000000" },
		{ "KillSignal", "15", "KillSignal|i|15" },
		{ "OOMScoreAdjust", "int32 -5", "OOMScoreAdjust|i|-5" },
		{ "SendSIGHUP", "true", "SendSIGHUP|b|true" },
		{ "CollectMode", "'inactive'", "CollectMode|s|inactive" },
		{ "After", "['a.service', \"b.service\"]", "After|as|2|a.service|b.service" },
		{ "After", "[]", "After|as|0" },
		{ "KillSignal", "", "refused" },
		{ "KillSignal", "15x", "refused" },
		{ "KillSignal", "uint64 99999999999999999999", "refused" },
		{ "After", "['a'", "refused" },
		{ "After", "['a'] x", "refused" },
		{ "CollectMode", "'a", "refused" },
		{ "CollectMode", "'a' b", "refused" },
		{ "killSignal", "15", "refused" },
		{ "Kill Signal", "15", "refused" },
		{ "", "15", "refused" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char key[64];

		snprintf(key, sizeof(key), "org.systemd.property.%s", cases[i].name);
		properties_are(key, cases[i].value, cases[i].wanted);
	}
	properties_are("org.example", "x", "");
}

static void damaged_records_are_refused(void **state _unused_)
{
	static const char *const bad[] = { "", "cgroupfs", "cgroupfs root - -", "nope root - - /a",
		"cgroupfs root - - /", "cgroupfs root - - /a/../b", "cgroupfs  - - /a" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct cgroup *c = NULL;

		if (cgroup_open(bad[i], &c, NULL) == 0)
			fail_msg("'%s' was taken", bad[i]);
	}
}

static void controllers_are_told_by_whole_names(void **state _unused_)
{
	assert_int_equal(cgroup_controllers_of("cpu"), CTL_CPU);
	assert_int_equal(cgroup_controllers_of("cpu,cpuacct"), CTL_CPU | CTL_CPUACCT);
	assert_int_equal(cgroup_controllers_of("cpuset io pids"), CTL_CPUSET | CTL_IO | CTL_PIDS);
	assert_int_equal(cgroup_controllers_of("cpux"), 0);
}

static void files_of_statistics_are_read(void **state _unused_)
{
	static struct cgroup_io_stats io;
	uint64_t user[CGROUP_STAT_CPUS], kernel[CGROUP_STAT_CPUS], list[CGROUP_STAT_CPUS];
	char times[] = "cpu user system\n0 24000000 15978728\n1 3 4\n";
	char ops[] = "8:0 Read 4096\n8:0 Total 4096\nTotal 4096\n", plain[] = "8:16 77\nTotal 77\n";

	assert_int_equal(cgroup_text_cpu_times(times, user, kernel), 2);
	assert_int_equal(user[0], 24000000);
	assert_int_equal(kernel[0], 15978728);
	assert_int_equal(kernel[1], 4);
	assert_int_equal(cgroup_text_list("0-2,7\n", list), 4);
	assert_int_equal(list[2], 2);
	assert_int_equal(list[3], 7);
	assert_int_equal(cgroup_text_list("\n", list), 0);
	assert_int_equal(cgroup_text_list("0-99999999", list), CGROUP_STAT_CPUS);
	assert_int_equal(cgroup_text_list("5-4", list), 0);
	cgroup_text_blkio(ops, &io);
	assert_int_equal(io.count, 2);
	assert_string_equal(io.items[0].op, "Read");
	assert_int_equal(io.items[0].value, 4096);
	cgroup_text_blkio(plain, &io);
	assert_int_equal(io.count, 1);
	assert_int_equal(io.items[0].minor, 16);
	assert_string_equal(io.items[0].op, "");
	assert_int_equal(io.items[0].value, 77);
}

static size_t rules_of(
	const struct oci_device_rule *given, size_t count, struct oci_device_rule **ret)
{
	const struct oci_resources r = { .devices = (struct oci_device_rule *)given,
		.device_count = count };
	size_t n;

	assert_int_equal(cgroup_device_rules(&r, ret, &n, NULL), 0);
	return n;
}

static void device_rules_start_from_nothing_allowed(void **state _unused_)
{
	static const struct oci_device_rule one[] = { { true, 'c', 10, 200, OCI_DEVICE_READ } };
	static const struct oci_device_rule all[] = { { false, 'a', -1, -1, OCI_DEVICE_ALL },
		{ true, 'a', -1, -1, OCI_DEVICE_ALL } };
	_auto_free_ struct oci_device_rule *none = NULL, *some = NULL, *every = NULL;
	size_t n = rules_of(NULL, 0, &none);

	assert_false(none[0].allow);
	assert_int_equal(none[0].type, 'a');
	assert_int_equal(rules_of(one, 1, &some), n + 1);
	assert_false(some[0].allow);
	assert_int_equal(some[1].major, 10);
	/* All is allowed: neither what came before nor the defaults matter. */
	assert_int_equal(rules_of(all, 2, &every), 1);
	assert_true(every[0].allow);
}

struct group {
	struct cgroup *c;
	pid_t child;
};

static int make_group(void **state)
{
	static struct group g;
	_auto_free_ char *path = str_format("/mdtest-%d/inner", (int)getpid());
	struct md_error err = MD_ERROR_INIT;
	const struct oci_resources r = { .pids_limit = { true, 7 } };

	g.c = NULL;
	*state = NULL;
	/* Groups need root and a tree that may be written: elsewhere the tests say that they were skipped. */
	if (geteuid() != 0 || access("/sys/fs/cgroup", W_OK) < 0)
		return 0;
	if (plan(path, CGROUP_MANAGER_CGROUPFS, &g.c, &err) < 0 ||
		cgroup_create(g.c, &r, 0, &err) < 0) {
		print_error("%s\n", err.msg);
		return -1;
	}
	g.child = fork();
	if (g.child == 0) {
		for (;;)
			pause();
	}
	*state = &g;
	return cgroup_add(g.c, g.child, NULL, false, &err);
}

/* The folder above was made by the test too. */
static int end_group(void **state)
{
	struct group *g = *state;
	struct md_error err = MD_ERROR_INIT;

	if (!g)
		return 0;
	kill(g->child, SIGKILL);
	waitpid(g->child, NULL, 0);
	if (cgroup_destroy(g->c, &err) < 0)
		return -1;
	for (size_t i = 0; i < g->c->tree_count; i++) {
		_auto_free_ char *path =
			str_format("%s/mdtest-%d", g->c->trees[i].mount, (int)getpid());

		rmdir(path);
	}
	cgroup_free(g->c);
	return 0;
}

static struct group *need_group(void **state)
{
	if (!*state)
		skip();
	return *state;
}

static void a_group_holds_limits_and_processes(void **state)
{
	struct group *g = need_group(state);
	struct cgroup_stats *s = calloc(1, sizeof(*s));
	struct md_error err = MD_ERROR_INIT;
	_auto_free_ pid_t *pids = NULL;
	size_t count;

	assert_true(cgroup_exists(g->c));
	assert_int_equal(cgroup_pids(g->c, &pids, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(pids[0], g->child);
	assert_int_equal(cgroup_stats(g->c, s, &err), 0);
	assert_int_equal(s->pids_limit, 7);
	assert_int_equal(s->pids_current, 1);
	cgroup_stats_done(s);
	free(s);
}

static char process_state(pid_t pid)
{
	_auto_free_ char *path = str_format("/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	char letter = '?';

	if (f && fscanf(f, "%*d (%*[^)]) %c", &letter) != 1)
		letter = '?';
	if (f)
		fclose(f);
	return letter;
}

static void a_group_freezes_and_thaws(void **state)
{
	struct group *g = need_group(state);
	struct md_error err = MD_ERROR_INIT;

	assert_false(cgroup_is_frozen(g->c));
	assert_int_equal(cgroup_freeze(g->c, true, &err), 0);
	assert_true(cgroup_is_frozen(g->c));
	assert_int_equal(cgroup_freeze(g->c, false, &err), 0);
	assert_false(cgroup_is_frozen(g->c));
	assert_true(process_state(g->child) != 'D');
}

static void limits_can_be_changed(void **state)
{
	struct group *g = need_group(state);
	struct md_error err = MD_ERROR_INIT;
	const struct oci_resources r = { .pids_limit = { true, -1 } };
	const struct oci_resources impossible = { .rdma_count = 1 };
	struct cgroup_stats *s = calloc(1, sizeof(*s));

	assert_int_equal(cgroup_update(g->c, &r, &err), 0);
	assert_int_equal(cgroup_stats(g->c, s, &err), 0);
	assert_true(s->pids_limit == UINT64_MAX);
	cgroup_stats_done(s);
	free(s);
	if (!cgroup_tree_with(g->c, CTL_RDMA)) {
		assert_int_equal(cgroup_update(g->c, &impossible, &err), -1);
		assert_string_equal(
			err.msg, "linux.resources.rdma: no cgroup controller 'rdma' here");
	}
}

static void a_group_in_use_is_not_taken(void **state)
{
	struct group *g = need_group(state);
	_auto_(cgroup_freep) struct cgroup *second = NULL;
	struct md_error err = MD_ERROR_INIT;
	const struct oci_resources r = { 0 };

	assert_int_equal(cgroup_open(cgroup_record(g->c), &second, &err), 0);
	assert_int_equal(cgroup_create(second, &r, 0, &err), -1);
	assert_int_equal(err.code, EBUSY);
	assert_true(cgroup_exists(g->c));
	assert_int_equal(kill(g->child, 0), 0);
}

static void destroying_kills_even_the_frozen(void **state)
{
	struct group *g = need_group(state);
	struct md_error err = MD_ERROR_INIT;
	int status;

	assert_int_equal(cgroup_freeze(g->c, true, &err), 0);
	assert_int_equal(cgroup_destroy(g->c, &err), 0);
	assert_false(cgroup_exists(g->c));
	assert_int_equal(waitpid(g->child, &status, 0), g->child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	g->child = fork();
	if (g->child == 0)
		_exit(0);
}

#define with_group(test) cmocka_unit_test_setup_teardown(test, make_group, end_group)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_that_could_hit_others_are_refused),
		cmocka_unit_test(records_lead_back_to_the_same_group),
		cmocka_unit_test(annotations_become_properties_of_the_unit),
		cmocka_unit_test(damaged_records_are_refused),
		cmocka_unit_test(controllers_are_told_by_whole_names),
		cmocka_unit_test(files_of_statistics_are_read),
		cmocka_unit_test(device_rules_start_from_nothing_allowed),
		with_group(a_group_holds_limits_and_processes),
		with_group(a_group_freezes_and_thaws),
		with_group(limits_can_be_changed),
		with_group(a_group_in_use_is_not_taken),
		with_group(destroying_kills_even_the_frozen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
