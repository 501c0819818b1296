/* SPDX-License-Identifier: Apache-2.0 */
/* look.c - what a process sees of the container that it is in, as one line of JSON on stdout. Static, and without a file of
 * its own: it must work in an empty root.
 *
 *     look [ANYTHING...]          tells, and ends with 0; reads /probe for more to look at (see probes())
 *     look wait                   tells, then ends with the number of the first signal that it gets
 *     look hook NAME FILE [CODE]  appends what a hook sees to FILE and ends with CODE
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

static FILE *out;
static bool first = true; /* nothing has been written yet at this depth */

static void put_text(const char *text, size_t len)
{
	fputc('"', out);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		/* Bytes that are no ASCII as if they were Latin-1: nothing is lost, and it is always valid. */
		if (c == '"' || c == '\\' || c < 0x20 || c >= 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void key(const char *name)
{
	if (!first)
		fputc(',', out);
	first = false;
	if (name) {
		put_text(name, strlen(name));
		fputc(':', out);
	}
}

static void begin(const char *name, char bracket)
{
	key(name);
	fputc(bracket, out);
	first = true;
}

static void end(char bracket)
{
	fputc(bracket, out);
	first = false;
}

static void add_text(const char *name, const char *text)
{
	key(name);
	put_text(text, strlen(text));
}

static void add_number(const char *name, long long number)
{
	key(name);
	fprintf(out, "%lld", number);
}

/* A number, or the error's name in its place. */
static void add_result(const char *name, long long number)
{
	if (number < 0)
		add_text(name, strerrorname_np(errno));
	else
		add_number(name, number);
}

static void add_strings(const char *name, char **strings)
{
	begin(name, '[');
	for (; *strings; strings++)
		add_text(NULL, *strings);
	end(']');
}

static void add_fd(const char *name, int fd)
{
	static char text[256 * 1024];
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < sizeof(text)) {
		n = read(fd, text + len, sizeof(text) - len);
		len += n > 0 ? (size_t)n : 0;
	}
	key(name);
	if (n < 0 && len == 0)
		fprintf(out, "\"%s\"", strerrorname_np(errno));
	else
		put_text(text, len);
}

static void add_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		add_text(path, strerrorname_np(errno));
		return;
	}
	add_fd(path, fd);
	close(fd);
}

static void add_link(const char *name, const char *path)
{
	char target[4096];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0) {
		add_text(name, strerrorname_np(errno));
		return;
	}
	target[n] = '\0';
	add_text(name, target);
}

static void add_stat(const char *name, const struct stat *st)
{
	static const char kinds[] = "?pc?d?b?-?l?s???";
	char text[128];

	snprintf(text, sizeof(text), "%c %04o %u:%u", kinds[st->st_mode >> 12 & 15],
		st->st_mode & 07777, st->st_uid, st->st_gid);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %u:%u",
			major(st->st_rdev), minor(st->st_rdev));
	add_text(name, text);
}

/* Names and kinds of what is in a folder, and of what is in its folders if `deep`. */
static void add_folder(const char *path, bool deep)
{
	DIR *dir = opendir(path);

	begin(path, '{');
	for (struct dirent *e; dir && (e = readdir(dir));) {
		char full[512], target[256];
		struct stat st;
		ssize_t n;

		snprintf(
			full, sizeof(full), "%s/%s", strcmp(path, "/") == 0 ? "" : path, e->d_name);
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
			lstat(full, &st) < 0)
			continue;
		n = readlink(full, target, sizeof(target) - 1);
		if (n >= 0) {
			target[n] = '\0';
			add_text(e->d_name, target);
		} else {
			add_stat(e->d_name, &st);
		}
	}
	end('}');
	if (!deep || !dir)
		return;
	rewinddir(dir);
	for (struct dirent *e; (e = readdir(dir));) {
		char full[512];

		snprintf(full, sizeof(full), "%s/%s", path, e->d_name);
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			add_folder(full, false);
	}
	closedir(dir);
}

static void add_ids(void)
{
	gid_t groups[256];
	uid_t u[3];
	gid_t g[3];
	int count = getgroups(256, groups);
	char text[128];

	getresuid(&u[0], &u[1], &u[2]);
	getresgid(&g[0], &g[1], &g[2]);
	snprintf(text, sizeof(text), "%u,%u,%u:%u,%u,%u", u[0], u[1], u[2], g[0], g[1], g[2]);
	add_text("ids", text);
	begin("groups", '[');
	for (int i = 0; i < count; i++)
		add_number(NULL, groups[i]);
	end(']');
}

static void add_rlimits(void)
{
	begin("rlimits", '[');
	for (int i = 0; i < (int)RLIM_NLIMITS; i++) {
		struct rlimit limit = { 0, 0 };
		char text[64];

		getrlimit((__rlimit_resource_t)i, &limit);
		snprintf(text, sizeof(text), "%lld:%lld", (long long)limit.rlim_cur,
			(long long)limit.rlim_max);
		add_text(NULL, text);
	}
	end(']');
}

static void add_scheduling(void)
{
	struct sched_param param = { 0 };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	sched_getparam(0, &param);
	add_number("scheduler", sched_getscheduler(0));
	add_number("priority", param.sched_priority);
	add_number("nice", getpriority(PRIO_PROCESS, 0));
	add_number("ioprio", syscall(SYS_ioprio_get, 1, 0));
	begin("cpus", '[');
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &cpus))
			add_number(NULL, i);
	}
	end(']');
}

static void add_self(void)
{
	char text[4096];
	struct utsname name;
	mode_t mask = umask(0);
	int signal_of_parent = 0;

	uname(&name);
	umask(mask);
	add_text("cwd", getcwd(text, sizeof(text)) ? text : strerrorname_np(errno));
	add_number("umask", mask);
	add_text("hostname", name.nodename);
	add_text("domainname", name.domainname);
	add_number("personality", personality(0xffffffff));
	add_number("no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	add_number("securebits", prctl(PR_GET_SECUREBITS));
	add_number("dumpable", prctl(PR_GET_DUMPABLE));
	prctl(PR_GET_PDEATHSIG, &signal_of_parent);
	add_number("pdeathsig", signal_of_parent);
	add_number("leads session", getsid(0) == getpid());
	add_number("leads group", getpgrp() == getpid());
	/* KEYCTL_DESCRIBE of KEY_SPEC_SESSION_KEYRING */
	memset(text, 0, sizeof(text));
	add_text("keyring",
		syscall(SYS_keyctl, 6, -3, text, sizeof(text)) < 0 ? strerrorname_np(errno) : text);
}

static void add_descriptors(void)
{
	begin("descriptors", '{');
	for (int fd = 0; fd < 256; fd++) {
		struct winsize size = { 0 };
		char name[32];
		struct stat st;

		if ((fd > 2 && fd == fileno(out)) || fstat(fd, &st) < 0)
			continue;
		snprintf(name, sizeof(name), "%d", fd);
		if (isatty(fd)) {
			char text[64];

			ioctl(fd, TIOCGWINSZ, &size);
			snprintf(text, sizeof(text), "terminal %dx%d %o %u:%u controls %d",
				size.ws_col, size.ws_row, st.st_mode, st.st_uid, st.st_gid,
				tcgetsid(fd) == getsid(0));
			add_text(name, text);
		} else {
			st.st_mode &= S_IFMT; /* whose file it is, is the caller's doing */
			st.st_uid = st.st_gid = 0;
			add_stat(name, &st);
		}
	}
	end('}');
}

static void add_namespaces(void)
{
	static const char *const kinds[] = { "cgroup", "ipc", "mnt", "net", "pid", "time", "user",
		"uts" };

	begin("namespaces", '{');
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		add_link(kinds[i], path);
	}
	end('}');
}

/* A line that begins with '!' is a system call to try, for filters; another is a path. */
static void probe(const char *line)
{
	char name[512];
	struct stat st;

	if (strcmp(line, "!chmod") == 0) {
		add_result(line, chmod("/look/not", 0));
	} else if (strcmp(line, "!mkdir") == 0) {
		add_result(line, mkdir("/look/not", 0));
	} else if (strcmp(line, "!sync") == 0) {
		add_result(line, syscall(SYS_sync));
	} else if (strcmp(line, "!socket") == 0) {
		add_result(line, socket(AF_INET, SOCK_DGRAM, 0));
	} else if (lstat(line, &st) < 0) {
		add_text(line, strerrorname_np(errno));
	} else {
		add_stat(line, &st);
		snprintf(name, sizeof(name), "%s write", line);
		add_result(name, access(line, W_OK));
		snprintf(name, sizeof(name), "%s execute", line);
		add_result(name, access(line, X_OK));
		snprintf(name, sizeof(name), "%s target", line);
		if (S_ISLNK(st.st_mode))
			add_link(name, line);
		if (S_ISDIR(st.st_mode))
			add_folder(line, false);
		else if (S_ISREG(st.st_mode))
			add_file(line);
	}
}

static void probes(void)
{
	FILE *list = fopen("/probe", "re");
	char line[256];

	begin("probes", '{');
	while (list && fgets(line, sizeof(line), list)) {
		line[strcspn(line, "\n")] = '\0';
		probe(line);
	}
	end('}');
	if (list)
		fclose(list);
}

static void tell(char **argv)
{
	static const char *const files[] = { "/proc/self/status", "/proc/self/mountinfo",
		"/proc/self/cgroup", "/proc/self/oom_score_adj", "/proc/self/timens_offsets",
		"/proc/self/attr/current", "/proc/self/uid_map", "/proc/self/gid_map",
		"/proc/self/setgroups", "/proc/self/coredump_filter", "/proc/self/timerslack_ns",
		"/proc/self/loginuid" };

	begin(NULL, '{');
	add_strings("args", argv);
	add_strings("env", environ);
	add_self();
	add_ids();
	add_rlimits();
	add_scheduling();
	add_descriptors();
	add_namespaces();
	begin("files", '{');
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		add_file(files[i]);
	end('}');
	begin("folders", '{');
	add_folder("/", false);
	add_folder("/dev", true);
	end('}');
	probes();
	end('}');
	fputc('\n', out);
	fflush(out);
}

static int hook(char **argv)
{
	out = fopen(argv[3], "ae");
	if (!out)
		return 99;
	begin(NULL, '{');
	add_text("hook", argv[2]);
	add_strings("args", argv);
	add_strings("env", environ);
	add_self();
	add_ids();
	add_descriptors();
	add_namespaces();
	add_fd("state", STDIN_FILENO);
	end('}');
	fputc('\n', out);
	fclose(out);
	return argv[4] ? atoi(argv[4]) : 0;
}

int main(int argc, char **argv)
{
	sigset_t all;

	if (argc >= 4 && strcmp(argv[1], "hook") == 0)
		return hook(argv);
	sigfillset(&all);
	/* Before it tells: whoever has read that may send a signal. */
	if (argc == 2 && strcmp(argv[1], "wait") == 0)
		sigprocmask(SIG_BLOCK, &all, NULL);
	else
		argc = 0;
	out = stdout;
	tell(argv);
	if (!argc)
		return 0;
	do {
		argc = sigwaitinfo(&all, NULL); /* cgroup v2's freezer interrupts it */
	} while (argc < 0);
	return argc;
}
