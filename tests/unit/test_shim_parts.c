/* SPDX-License-Identifier: Apache-2.0 */
/* The small pure parts of mdocker-shim: options, process documents, runtime messages, cgroup texts. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "json/json_read.h"
#include "shim/driver.h"
#include "shim/driver_log.h"
#include "shim/disk_watch.h"
#include "shim/limits.h"
#include "shim/options.h"
#include "shim/template.h"

static int parse(struct shim_options *o, struct md_error *err, const char *const *extra)
{
	const char *argv[32] = { "mdocker-shim", "--id", "a", "--bundle", "/b", "--runtime", "/r",
		"--socket", "/s", "--log", "/l", "--process-template", "/p" };
	int argc = 13;

	for (; *extra; extra++)
		argv[argc++] = *extra;
	return shim_options_parse(o, argc, (char **)argv, err);
}

static void options_have_their_defaults_and_limits(void **state _unused_)
{
	static const struct {
		const char *words[4];
		const char *error; /* NULL: fine */
	} rows[] = {
		{ { NULL }, NULL },
		{ { "--ring", "64k" }, NULL },
		{ { "--ring", "1k" }, "--ring" },
		{ { "--rows", "0" }, "--rows" },
		{ { "--cols", "2000" }, "--cols" },
		{ { "--id", "" }, "--id" },
		{ { "--stop-signal", "99" }, "--stop-signal" },
		{ { "--stdio" }, "--stdio" },
		{ { "--main", "--main-tty", "--stdio" }, "--stdio" },
		{ { "word" }, "word" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct md_error err = MD_ERROR_INIT;
		struct shim_options o;
		int r = parse(&o, &err, rows[i].words);

		assert_int_equal(r, rows[i].error ? -1 : 0);
		if (rows[i].error)
			assert_non_null(strstr(err.msg, rows[i].error));
		else
			assert_string_equal(o.name, "a");
		shim_options_done(&o);
	}
}

static const char template_text[] =
	"{\"process\":{\"args\":[\"/bin/sh\",\"-l\"],\"env\":[\"A=1\",\"B=2\"],\"cwd\":\"/root\","
	"\"user\":{\"uid\":5,\"gid\":6},\"noNewPrivileges\":true,\"terminal\":true}}";

static void a_process_is_the_template_with_what_was_asked(void **state _unused_)
{
	_auto_process_spec_ struct process_spec s = { .tty = true, .rows = 24, .cols = 80 };
	_auto_free_ char *json = NULL;

	assert_int_equal(template_process(template_text, &s, &json, NULL), 0);
	assert_string_equal(json,
		"{\"terminal\":true,\"consoleSize\":{\"height\":24,\"width\":80},"
		"\"args\":[\"/bin/sh\",\"-l\"],\"cwd\":\"/root\",\"env\":[\"A=1\",\"B=2\"],"
		"\"user\":{\"uid\":5,\"gid\":6},\"noNewPrivileges\":true}");
	free(json);
	s.tty = false;
	s.cwd = strdup("/tmp");
	s.user = strdup("7:8");
	strv_add(&s.argv, "/bin/x");
	strv_add(&s.env, "B=3");
	strv_add(&s.env, "C=4=5");
	assert_int_equal(template_process(template_text, &s, &json, NULL), 0);
	assert_string_equal(json,
		"{\"terminal\":false,\"args\":[\"/bin/x\"],\"cwd\":\"/tmp\","
		"\"env\":[\"A=1\",\"B=3\",\"C=4=5\"],\"user\":{\"uid\":7,\"gid\":8},"
		"\"noNewPrivileges\":true}");
}

static void a_process_that_can_not_be_is_refused(void **state _unused_)
{
	static const char *const users[] = { "root", "1:", ":1", "-1", "4294967295", "1:2:3",
		"0x1" };
	struct md_error err = MD_ERROR_INIT;
	char *json;

	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		_auto_process_spec_ struct process_spec s = { .user = strdup(users[i]) };

		if (template_process(template_text, &s, &json, &err) == 0)
			fail_msg("user %s was taken", users[i]);
	}
	{
		_auto_process_spec_ struct process_spec s = { .tty = true };

		strv_add(&s.env, "=x");
		assert_int_equal(template_process(template_text, &s, &json, &err), -1);
	}
	{
		_auto_process_spec_ struct process_spec s = { .tty = true };

		assert_int_equal(template_process("{\"cwd\":\"/\"}", &s, &json, &err), -1);
		assert_non_null(strstr(err.msg, "no command"));
	}
}

static void what_runtimes_say_becomes_one_line_and_a_code(void **state _unused_)
{
	static const struct {
		const char *log;
		const char *line; /* NULL: no error in it */
		int code;
	} rows[] = {
		{ "", NULL, 0 },
		{ "{\"level\":\"warning\",\"msg\":\"x\"}\n", NULL, 0 },
		{ "{\"level\":\"error\",\"msg\":\"exec: \\\"/nope\\\": stat /nope: no such file or "
		  "directory\"}\n",
			"exec: \"/nope\": stat /nope: no such file or directory", 127 },
		{ "{\"level\":\"info\",\"msg\":\"i\"}\n{\"level\":\"error\",\"msg\":\"permission "
		  "denied\"}",
			"permission denied", 126 },
		{ "{\"level\":\"error\",\"msg\":\"a\\u001b[31m\\nb\"}\n", "a [31m b", 125 },
		{ "plain: Exec format error\n", "plain: Exec format error", 126 },
		{ "{\"msg\":5}\n", NULL, 0 },
		{ "{ broken\n", "{ broken", 125 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char line[200] = "";
		bool found = driver_log_error(rows[i].log, line, sizeof(line));

		assert_int_equal(found, rows[i].line != NULL);
		if (!found)
			continue;
		assert_string_equal(line, rows[i].line);
		assert_int_equal(driver_exit_code(line), rows[i].code);
	}
}

static void cgroup_paths_are_found_by_controller(void **state _unused_)
{
	static const char text[] = "9:name=systemd:/s\n4:cpu,memory:/m:x\n3:pids:/p\n0::/u\n";
	static const struct {
		const char *controller;
		const char *path;
	} rows[] = { { "memory", "/m:x" }, { "cpu", "/m:x" }, { "pids", "/p" }, { "", "/u" },
		{ "name=systemd", "/s" }, { "mem", NULL }, { "x", NULL } };
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool found = limits_find_path(text, rows[i].controller, path, sizeof(path));

		assert_int_equal(found, rows[i].path != NULL);
		if (found)
			assert_string_equal(path, rows[i].path);
	}
	assert_false(limits_find_path("", "", path, sizeof(path)));
	assert_false(limits_find_path("garbage\n::\n", "memory", path, sizeof(path)));
}

static void the_victim_of_our_cgroup_alone_is_named(void **state _unused_)
{
	static const char kill[] = "6,1,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),"
				   "oom_memcg=/minidocker/ab,task_memcg=/minidocker/ab,task=gcc,"
				   "pid=812,uid=0\n SUBSYSTEM=x,pid=7\n";
	static const char sly[] =
		"6,1,2,-;oom-kill:x,task_memcg=/a/b,task=x,pid=1,uid=0,pid=812,uid=0\n";
	static const char death[] =
		"3,1,2,-;Memory cgroup out of memory: Killed process 812 (a) b) "
		"total-vm:34264kB, anon-rss:32128kB, UID:0\n";
	struct victim k;

	assert_true(victims_parse_kill(kill, "/minidocker/ab", &k));
	assert_string_equal(k.name, "gcc");
	assert_int_equal(k.pid, 812);
	assert_true(k.ours);
	assert_true(victims_parse_kill(kill, "/minidocker", &k));
	assert_false(victims_parse_kill(kill, "/minidocker/a", &k));
	assert_false(victims_parse_kill(kill, "/minidocker/abc", &k));
	assert_false(victims_parse_kill("6,1,2,-;usb 1-1: new device\n", "/", &k));
	assert_false(victims_parse_kill("1;oom-kill:,task_memcg=/a,task=x\n", "/a", &k));
	assert_true(victims_parse_kill(sly, "/a", &k));
	assert_string_equal(k.name, "x,pid=1,uid=0");
	assert_int_equal(k.pid, 812);
	assert_true(victims_parse_kill(death, "/a", &k));
	assert_string_equal(k.name, "a) b");
	assert_int_equal(k.pid, 812);
	assert_false(k.ours);
	assert_false(victims_parse_kill(
		"3;Memory cgroup out of memory: Killed process 812\n", "/a", &k));
}

static void a_process_has_the_pid_that_its_workspace_knows(void **state _unused_)
{
	static const char alive[] = "Name:\ttail\nUmask:\t0022\nPid:\t15784\nNSpid:\t15784\t7\t1\n"
				    "SigPnd:\t0000000000000000\nShdPnd:\t0000000000000001\n";
	static const char dying[] = "Name:\tx\nNSpid:\t9\nSigPnd:\t0000000000000100\n";
	struct victims_status s;

	victims_parse_status(alive, 2, &s);
	assert_string_equal(s.name, "tail");
	assert_int_equal(s.inner, 7);
	assert_int_equal(s.depth, 3);
	assert_false(s.killed);
	victims_parse_status(dying, 2, &s);
	assert_int_equal(s.inner, 0);
	assert_true(s.killed);
	victims_parse_status("", 1, &s);
	assert_int_equal(s.depth, 0);
}

static enum disk_level level(
	unsigned long left, unsigned long files_left, enum disk_level told, char *text)
{
	const struct statvfs s = { .f_frsize = 4096,
		.f_blocks = 25600,
		.f_bavail = left,
		.f_files = 1000,
		.f_favail = files_left };

	return disk_level_of(&s, told, text, 96);
}

static void a_disk_is_told_of_by_levels(void **state _unused_)
{
	char text[96];

	assert_int_equal(level(25600, 1000, DISK_FINE, text), DISK_FINE);
	assert_int_equal(level(5121, 1000, DISK_FINE, text), DISK_FINE);
	assert_int_equal(level(5120, 1000, DISK_FINE, text), DISK_FILLING);
	assert_string_equal(text, "80 % of the disk are used");
	assert_int_equal(level(25600, 40, DISK_FINE, text), DISK_NEARLY_FULL);
	assert_string_equal(text, "96 % of the disk are used, by the number of files");
	assert_int_equal(level(257, 1000, DISK_FINE, text), DISK_NEARLY_FULL);
	assert_int_equal(level(256, 1000, DISK_FINE, text), DISK_FULL);
	assert_string_equal(text, "the disk is full: 99.0 of 100.0 MiB are used");
	assert_int_equal(level(0, 1000, DISK_FINE, text), DISK_FULL);
	assert_int_equal(level(9999, 0, DISK_FINE, text), DISK_FULL);
	assert_string_equal(text, "the disk is full: it holds no more than 1000 files");
	/* A little room does not make the next write that fails another event. */
	assert_int_equal(level(5400, 1000, DISK_FILLING, text), DISK_FILLING);
	assert_int_equal(level(5800, 1000, DISK_FILLING, text), DISK_FINE);
	assert_int_equal(level(500, 1000, DISK_FULL, text), DISK_FULL);
	assert_int_equal(level(800, 1000, DISK_FULL, text), DISK_NEARLY_FULL);
	assert_int_equal(
		disk_level_of(&(struct statvfs){ 0 }, DISK_FINE, text, sizeof(text)), DISK_FINE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_have_their_defaults_and_limits),
		cmocka_unit_test(a_process_is_the_template_with_what_was_asked),
		cmocka_unit_test(a_process_that_can_not_be_is_refused),
		cmocka_unit_test(what_runtimes_say_becomes_one_line_and_a_code),
		cmocka_unit_test(cgroup_paths_are_found_by_controller),
		cmocka_unit_test(the_victim_of_our_cgroup_alone_is_named),
		cmocka_unit_test(a_process_has_the_pid_that_its_workspace_knows),
		cmocka_unit_test(a_disk_is_told_of_by_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
