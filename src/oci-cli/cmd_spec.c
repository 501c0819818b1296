/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_spec.c - a config.json to start from: a shell with few capabilities in namespaces of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "json/json_write.h"
#include "oci-cli/cli.h"
#include "oci/spec.h"

#include "base/poison.h"

struct spec_options {
	const char *bundle;
	bool rootless;
};

static const struct args_option options[] = {
	{ "bundle", 'b', ARGS_STRING, offsetof(struct spec_options, bundle), "DIR",
		"where config.json goes (default: the working directory)" },
	{ "rootless", 0, ARGS_FLAG, offsetof(struct spec_options, rootless), NULL,
		"for a container of the calling user" },
	ARGS_END,
};

#define LIST(...) ((char *const[]){ __VA_ARGS__, NULL })

static void add_process(struct json_writer *w)
{
	static const char *const sets[] = { "bounding", "effective", "permitted" };

	json_object_begin(w, "process");
	json_add_bool(w, "terminal", true);
	json_object_begin(w, "user");
	json_add_u64(w, "uid", 0);
	json_add_u64(w, "gid", 0);
	json_object_end(w);
	json_add_strv(w, "args", LIST((char *)"sh"));
	json_add_strv(w, "env",
		LIST((char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
			     "/sbin:/bin",
			(char *)"TERM=xterm"));
	json_add_string(w, "cwd", "/");
	json_object_begin(w, "capabilities");
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		json_add_strv(w, sets[i],
			LIST((char *)"CAP_AUDIT_WRITE", (char *)"CAP_KILL",
				(char *)"CAP_NET_BIND_SERVICE"));
	json_object_end(w);
	json_array_begin(w, "rlimits");
	json_object_begin(w, NULL);
	json_add_string(w, "type", "RLIMIT_NOFILE");
	json_add_u64(w, "hard", 1024);
	json_add_u64(w, "soft", 1024);
	json_object_end(w);
	json_array_end(w);
	json_add_bool(w, "noNewPrivileges", true);
	json_object_end(w);
}

/* Options are comma-joined; those of a rootless container cannot name a group that isn't mapped,
 * nor mount a new sysfs. */
static const struct spec_mount {
	const char *destination, *type, *source, *mount_options, *rootless_options;
} mounts[] = {
	{ "/proc", "proc", "proc", "", "" },
	{ "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k",
		"nosuid,strictatime,mode=755,size=65536k" },
	{ "/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5",
		"nosuid,noexec,newinstance,ptmxmode=0666,mode=0620" },
	{ "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k",
		"nosuid,noexec,nodev,mode=1777,size=65536k" },
	{ "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev", "nosuid,noexec,nodev" },
	{ "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro", NULL },
	{ "/sys", "none", "/sys", NULL, "rbind,nosuid,noexec,nodev,ro" },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro", NULL },
};

static void add_option_list(struct json_writer *w, const char *text)
{
	char word[64];

	json_array_begin(w, "options");
	while (*text) {
		size_t len = strcspn(text, ",");

		snprintf(word, sizeof(word), "%.*s", (int)len, text);
		json_add_string(w, NULL, word);
		text += len;
		text += *text == ',';
	}
	json_array_end(w);
}

static void add_mounts(struct json_writer *w, bool rootless)
{
	json_array_begin(w, "mounts");
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		const struct spec_mount *m = &mounts[i];
		const char *text = rootless ? m->rootless_options : m->mount_options;

		if (!text)
			continue;
		json_object_begin(w, NULL);
		json_add_string(w, "destination", m->destination);
		json_add_string(w, "type", m->type);
		json_add_string(w, "source", m->source);
		if (*text)
			add_option_list(w, text);
		json_object_end(w);
	}
	json_array_end(w);
}

static void add_mapping(struct json_writer *w, const char *key, unsigned int host)
{
	json_array_begin(w, key);
	json_object_begin(w, NULL);
	json_add_u64(w, "containerID", 0);
	json_add_u64(w, "hostID", host);
	json_add_u64(w, "size", 1);
	json_object_end(w);
	json_array_end(w);
}

static void add_linux(struct json_writer *w, bool rootless)
{
	static const char *const kinds[] = { "pid", "network", "ipc", "uts", "mount", "cgroup",
		"user" };

	json_object_begin(w, "linux");
	if (rootless) {
		add_mapping(w, "uidMappings", geteuid());
		add_mapping(w, "gidMappings", getegid());
	} else {
		json_object_begin(w, "resources");
		json_array_begin(w, "devices");
		json_object_begin(w, NULL);
		json_add_bool(w, "allow", false);
		json_add_string(w, "access", "rwm");
		json_object_end(w);
		json_array_end(w);
		json_object_end(w);
	}
	json_array_begin(w, "namespaces");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		/* The network stays the user's own: nobody could set up another one. */
		if (rootless ? str_eq(kinds[i], "network") : str_eq(kinds[i], "user"))
			continue;
		json_object_begin(w, NULL);
		json_add_string(w, "type", kinds[i]);
		json_object_end(w);
	}
	json_array_end(w);
	json_add_strv(w, "maskedPaths",
		LIST((char *)"/proc/acpi", (char *)"/proc/asound", (char *)"/proc/kcore",
			(char *)"/proc/keys", (char *)"/proc/latency_stats",
			(char *)"/proc/timer_list", (char *)"/proc/timer_stats",
			(char *)"/proc/sched_debug", (char *)"/sys/firmware",
			(char *)"/proc/scsi"));
	json_add_strv(w, "readonlyPaths",
		LIST((char *)"/proc/bus", (char *)"/proc/fs", (char *)"/proc/irq",
			(char *)"/proc/sys", (char *)"/proc/sysrq-trigger"));
	json_object_end(w);
}

static void write_document(struct buf *out, bool rootless)
{
	struct json_writer w = { .out = out };

	json_object_begin(&w, NULL);
	json_add_string(&w, "ociVersion", OCI_SPEC_VERSION);
	add_process(&w);
	json_object_begin(&w, "root");
	json_add_string(&w, "path", "rootfs");
	json_add_bool(&w, "readonly", true);
	json_object_end(&w);
	json_add_string(&w, "hostname", "minidocker");
	add_mounts(&w, rootless);
	add_linux(&w, rootless);
	json_object_end(&w);
}

/* One member a line, tabs, so that a person can edit it. `text` is our own compact JSON. */
static void indent(const char *text, struct buf *out)
{
	bool in_string = false;
	int depth = 0;

	for (const char *c = text; *c; c++) {
		bool opens = *c == '{' || *c == '[', closes = *c == '}' || *c == ']';

		if (*c == '"' && (c == text || c[-1] != '\\'))
			in_string = !in_string;
		if (in_string || (!opens && !closes && *c != ',' && *c != ':')) {
			buf_add_char(out, *c);
			continue;
		}
		depth += opens - closes;
		if (!closes)
			buf_add_char(out, *c);
		if (*c == ':') {
			buf_add_char(out, ' ');
			continue;
		}
		buf_add_char(out, '\n');
		for (int i = 0; i < depth; i++)
			buf_add_char(out, '\t');
		if (closes)
			buf_add_char(out, *c);
	}
	buf_add_char(out, '\n');
}

static int write_spec(const struct spec_options *o, struct md_error *err)
{
	_auto_buf_ struct buf compact = BUF_INIT(64 * 1024), text = BUF_INIT(64 * 1024);
	_auto_close_ int dirfd = -1, fd = -1;

	write_document(&compact, o->rootless);
	indent(buf_str(&compact), &text);
	if (compact.failed || text.failed)
		return md_fail(err, ENOMEM, "out of memory");
	dirfd = open(o->bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return md_fail_errno(err, "open %s", o->bundle);
	fd = openat(
		dirfd, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0 && errno == EEXIST)
		return md_fail(err, EEXIST, "File config.json exists. Remove it first");
	if (fd >= 0 && fd_write_all(fd, text.data, text.len) == 0)
		return 0;
	md_fail_errno(err, "write config.json");
	if (fd >= 0)
		unlinkat(dirfd, "config.json", 0);
	return -1;
}

static int run(const struct args_command *c, int argc, char **argv)
{
	struct spec_options o = { .bundle = "." };
	struct md_error err = MD_ERROR_INIT;
	int count, code;

	if (cli_parse_done(c, &o, argc, argv, 0, 0, false, &count, &code))
		return code;
	return write_spec(&o, &err) < 0 ? cli_fail(&err) : 0;
}

const struct args_command cmd_spec = {
	.name = "spec",
	.summary = "write a config.json to start from",
	.usage = "spec [OPTIONS]",
	.options = options,
	.run = run,
};
