/* SPDX-License-Identifier: Apache-2.0 */
/* process.c - the `process` object: who runs what with which limits. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "oci/fields.h"

#include "base/poison.h"

#define AT(type, member) offsetof(struct type, member)

static const struct oci_word rlimit_words[] = {
	{ "RLIMIT_AS", RLIMIT_AS },
	{ "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },
	{ "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },
	{ "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
	{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_STACK", RLIMIT_STACK },
	{ NULL, 0 },
};

static int read_rlimit(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct oci_rlimit *r = to;
	struct json_node type;
	uint64_t number = 0;

	if (!json_member(n, "type", &type))
		return json_fail(n, p->err, "type is missing");
	if (oci_read_word(p, &type, rlimit_words, &number) < 0)
		return -1;
	/* The earlier items of this list lie before this one. */
	for (size_t i = 1; i <= n->index; i++) {
		if (r[-(ptrdiff_t)i].resource == (int)number)
			return json_fail(n, p->err, "%s is given twice", r->name);
	}
	r->resource = (int)number;
	if (r->soft > r->hard)
		return json_fail(n, p->err, "soft is higher than hard");
	return 0;
}

static const struct oci_field rlimit_fields[] = {
	{ "type", FIELD_STRING, AT(oci_rlimit, name), .required = true },
	{ "soft", FIELD_ULONG, AT(oci_rlimit, soft), .required = true },
	{ "hard", FIELD_ULONG, AT(oci_rlimit, hard), .required = true },
	{ NULL },
};

static int read_gid(struct oci_parse *p, const struct json_node *n, void *to)
{
	uint64_t value;

	if (json_as_u64(n, UINT32_MAX - 1, &value, p->err) < 0)
		return -1;
	*(gid_t *)to = (gid_t)value;
	return 0;
}

static const struct oci_field user_fields[] = {
	{ "uid", FIELD_UINT, AT(oci_user, uid), .max = UINT32_MAX - 1 },
	{ "gid", FIELD_UINT, AT(oci_user, gid), .max = UINT32_MAX - 1 },
	{ "umask", FIELD_I64, AT(oci_user, umask), .min = 0, .max = 0777 },
	{ "additionalGids", FIELD_LIST, AT(oci_user, additional_gids), .size = sizeof(gid_t),
		.custom = read_gid },
	{ NULL },
};

static const struct oci_field console_fields[] = {
	{ "width", FIELD_U64, AT(oci_process, console_width), .max = UINT16_MAX },
	{ "height", FIELD_U64, AT(oci_process, console_height), .max = UINT16_MAX },
	{ NULL },
};

/* An unknown name is a warning, as the specification asks ("MUST be logged"), not an error. */
static int read_cap_set(struct oci_parse *p, const struct json_node *n, void *to)
{
	uint64_t *mask = to;
	struct json_node item;
	size_t count;

	if (json_as_array(n, &count, p->err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const char *name;
		int number;

		json_item(n, i, &item);
		if (json_as_string(&item, &name, p->err) < 0)
			return -1;
		number = oci_cap_number(name);
		if (number < 0)
			log_warning("process.capabilities.%s: unknown capability '%s' is ignored",
				n->key, name);
		else
			*mask |= (uint64_t)1 << number;
	}
	return 0;
}

static const struct oci_field cap_fields[] = {
	{ "bounding", FIELD_CUSTOM, AT(oci_caps, bounding), .custom = read_cap_set },
	{ "effective", FIELD_CUSTOM, AT(oci_caps, effective), .custom = read_cap_set },
	{ "inheritable", FIELD_CUSTOM, AT(oci_caps, inheritable), .custom = read_cap_set },
	{ "permitted", FIELD_CUSTOM, AT(oci_caps, permitted), .custom = read_cap_set },
	{ "ambient", FIELD_CUSTOM, AT(oci_caps, ambient), .custom = read_cap_set },
	{ NULL },
};

/* The kernel holds a capability as ambient only if it is permitted and inheritable too. What isn't
 * is left out, as with runc, whose own example configurations ask for it. */
static int finish_caps(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct oci_caps *caps = to;
	uint64_t possible = caps->permitted & caps->inheritable;

	/* capset(2) would refuse these, but only at `start`. */
	if (caps->effective & ~caps->permitted)
		return json_fail(n, p->err, "effective: %s is not permitted",
			oci_cap_name(__builtin_ctzll(caps->effective & ~caps->permitted)));
	if (caps->inheritable & ~caps->bounding)
		return json_fail(n, p->err, "inheritable: %s is not in the bounding set",
			oci_cap_name(__builtin_ctzll(caps->inheritable & ~caps->bounding)));
	if (caps->ambient & ~possible)
		log_info("process.capabilities.ambient: some are not permitted and inheritable, "
			 "and are left out");
	caps->ambient &= possible;
	caps->set = true;
	return 0;
}

static const struct oci_word policy_words[] = {
	{ "SCHED_OTHER", SCHED_NORMAL },
	{ "SCHED_FIFO", SCHED_FIFO },
	{ "SCHED_RR", SCHED_RR },
	{ "SCHED_BATCH", SCHED_BATCH },
	{ "SCHED_ISO", 4 /* reserved by the kernel, never implemented */ },
	{ "SCHED_IDLE", SCHED_IDLE },
	{ "SCHED_DEADLINE", SCHED_DEADLINE },
	{ NULL, 0 },
};

static const struct oci_word scheduler_flag_words[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK },
	{ "SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM },
	{ "SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN },
	{ "SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY },
	{ "SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS },
	{ "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
	{ NULL, 0 },
};

/* An array of words, OR-ed together. */
static int read_scheduler_flags(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct json_node item;
	size_t count;

	if (json_as_array(n, &count, p->err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		uint64_t flag = 0;

		json_item(n, i, &item);
		if (oci_read_word(p, &item, scheduler_flag_words, &flag) < 0)
			return -1;
		*(uint64_t *)to |= flag;
	}
	return 0;
}

static int read_policy(struct oci_parse *p, const struct json_node *n, void *to)
{
	uint64_t value = 0;

	if (oci_read_word(p, n, policy_words, &value) < 0)
		return -1;
	*(uint32_t *)to = (uint32_t)value;
	return 0;
}

static const struct oci_field scheduler_fields[] = {
	{ "policy", FIELD_CUSTOM, AT(oci_scheduler, policy), .required = true,
		.custom = read_policy },
	{ "nice", FIELD_INT, AT(oci_scheduler, nice), .min = -20, .max = 19 },
	{ "priority", FIELD_UINT, AT(oci_scheduler, priority), .max = 99 },
	{ "flags", FIELD_CUSTOM, AT(oci_scheduler, flags), .custom = read_scheduler_flags },
	{ "runtime", FIELD_ULONG, AT(oci_scheduler, runtime) },
	{ "deadline", FIELD_ULONG, AT(oci_scheduler, deadline) },
	{ "period", FIELD_ULONG, AT(oci_scheduler, period) },
	{ NULL },
};

static int check_scheduler(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct oci_scheduler *s = to;
	bool real_time = s->policy == SCHED_FIFO || s->policy == SCHED_RR;

	if (s->priority && !real_time)
		return json_fail(n, p->err, "priority is for SCHED_FIFO and SCHED_RR only");
	if ((s->runtime || s->deadline || s->period) && s->policy != SCHED_DEADLINE)
		return json_fail(
			n, p->err, "runtime, deadline and period are for SCHED_DEADLINE only");
	s->set = true;
	return 0;
}

static const struct oci_word io_class_words[] = {
	{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
	{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
	{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
	{ NULL, 0 },
};

static int read_io_priority(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct json_node word;
	uint64_t class = 0;
	int64_t priority = 0;

	if (json_as_object(n, p->err) < 0)
		return -1;
	if (!json_member(n, "class", &word))
		return json_fail(n, p->err, "class is missing");
	if (oci_read_word(p, &word, io_class_words, &class) < 0 ||
		json_get_i64(n, "priority", 0, 7, &priority, p->err) < 0)
		return -1;
	*(struct oci_i64 *)to =
		(struct oci_i64){ true, IOPRIO_PRIO_VALUE((int64_t) class, priority) };
	return 0;
}

static int fail_cpus(struct oci_parse *p, const struct json_node *n, const char *text)
{
	return json_fail(
		n, p->err, "'%s' is not a list of CPUs such as 0-3,7 (below %d)", text, OCI_CPUS);
}

/* "0-3,7" into a mask. */
static int read_cpus(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct oci_cpus *cpus = to;
	const char *text, *at;

	if (json_as_string(n, &text, p->err) < 0)
		return -1;
	for (at = text; *at;) {
		unsigned long first, last;
		char *end;

		if (*at < '0' || *at > '9')
			return fail_cpus(p, n, text);
		first = last = strtoul(at, &end, 10);
		if (*end == '-') {
			if (end[1] < '0' || end[1] > '9')
				return fail_cpus(p, n, text);
			last = strtoul(end + 1, &end, 10);
		}
		if (last >= OCI_CPUS || first > last || (*end && *end != ',') || (*end && !end[1]))
			return fail_cpus(p, n, text);
		for (unsigned long i = first; i <= last; i++)
			cpus->mask[i / 64] |= (uint64_t)1 << (i % 64);
		cpus->set = true;
		at = *end ? end + 1 : end;
	}
	return 0;
}

static const struct oci_field affinity_fields[] = {
	{ "initial", FIELD_CUSTOM, AT(oci_process, cpus_initial), .custom = read_cpus },
	{ "final", FIELD_CUSTOM, AT(oci_process, cpus_final), .custom = read_cpus },
	{ NULL },
};

const struct oci_field oci_process_fields[] = {
	{ "terminal", FIELD_BOOL, AT(oci_process, terminal) },
	{ "consoleSize", FIELD_OBJECT, 0, .fields = console_fields },
	{ "user", FIELD_OBJECT, AT(oci_process, user), .fields = user_fields },
	{ "args", FIELD_STRS, AT(oci_process, args) },
	{ "env", FIELD_STRS, AT(oci_process, env) },
	{ "cwd", FIELD_PATH, AT(oci_process, cwd), .required = true },
	{ "rlimits", FIELD_LIST, AT(oci_process, rlimits), .size = sizeof(struct oci_rlimit),
		.fields = rlimit_fields, .custom = read_rlimit },
	{ "capabilities", FIELD_OBJECT, AT(oci_process, caps), .fields = cap_fields,
		.custom = finish_caps },
	{ "noNewPrivileges", FIELD_BOOL, AT(oci_process, no_new_privileges) },
	{ "oomScoreAdj", FIELD_I64, AT(oci_process, oom_score_adj), .min = -1000, .max = 1000 },
	{ "apparmorProfile", FIELD_STRING, AT(oci_process, apparmor_profile) },
	{ "selinuxLabel", FIELD_STRING, AT(oci_process, selinux_label) },
	{ "scheduler", FIELD_OBJECT, AT(oci_process, scheduler), .fields = scheduler_fields,
		.custom = check_scheduler },
	{ "ioPriority", FIELD_CUSTOM, AT(oci_process, io_priority), .custom = read_io_priority },
	{ "execCPUAffinity", FIELD_OBJECT, 0, .fields = affinity_fields },
	{ NULL },
};

int oci_read_process_end(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct oci_process *process = to;
	struct oci_strs *lists[] = { &process->args, &process->env };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		if (lists[i]->items)
			continue;
		lists[i]->items = oci_parse_alloc(p, n, 1, sizeof(char *));
		if (!lists[i]->items)
			return -1;
	}
	if (process->args.count == 0)
		return json_fail(n, p->err, "args must not be empty");
	if (process->apparmor_profile && !process->apparmor_profile[0])
		process->apparmor_profile = NULL;
	if (process->selinux_label && !process->selinux_label[0])
		process->selinux_label = NULL;
	return 0;
}

int oci_process_parse(
	const char *text, size_t len, struct oci_process_doc *ret, struct md_error *err)
{
	struct oci_parse p = { &ret->arena, err };
	struct json_node root;

	*ret = (struct oci_process_doc){ .doc = JSON_DOC_INIT };
	if (json_parse(&ret->doc, text, len, err) == 0 && json_root(&ret->doc, &root, err) == 0 &&
		oci_read_fields(&p, &root, oci_process_fields, &ret->process) == 0 &&
		oci_read_process_end(&p, &root, &ret->process) == 0)
		return 0;
	oci_process_done(ret);
	return -1;
}

void oci_process_done(struct oci_process_doc *d)
{
	if (!d)
		return;
	json_done(&d->doc);
	arena_done(&d->arena);
}
