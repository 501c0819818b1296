/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "oci-cli/cli.h"
#include "oci/spec.h"

#include "base/poison.h"

enum { RESOURCES_CEILING = 1024 * 1024 };

struct update_options {
	const char *resources;
	const char *memory, *reservation, *swap, *kernel, *kernel_tcp;
	const char *period, *quota, *burst, *shares, *rt_period, *rt_runtime, *idle;
	const char *cpus, *mems, *pids, *weight, *l3, *mem_bw;
};

#define AT(member) offsetof(struct update_options, member)

static const struct args_option options[] = {
	{ "resources", 'r', ARGS_STRING, AT(resources), "FILE",
		"a resources document ('-': stdin); all else is then ignored" },
	{ "memory", 0, ARGS_STRING, AT(memory), "BYTES", "memory limit, -1: none" },
	{ "memory-reservation", 0, ARGS_STRING, AT(reservation), "BYTES", "soft memory limit" },
	{ "memory-swap", 0, ARGS_STRING, AT(swap), "BYTES", "limit of memory and swap together" },
	{ "kernel-memory", 0, ARGS_STRING, AT(kernel), "BYTES", "ignored: part of the limit" },
	{ "kernel-memory-tcp", 0, ARGS_STRING, AT(kernel_tcp), "BYTES", "of TCP buffers" },
	{ "cpu-period", 0, ARGS_STRING, AT(period), "US", "CPU period" },
	{ "cpu-quota", 0, ARGS_STRING, AT(quota), "US", "CPU time in a period, -1: no limit" },
	{ "cpu-burst", 0, ARGS_STRING, AT(burst), "US", "CPU time saved up at most" },
	{ "cpu-share", 0, ARGS_STRING, AT(shares), "N", "relative weight" },
	{ "cpu-rt-period", 0, ARGS_STRING, AT(rt_period), "US", "realtime period" },
	{ "cpu-rt-runtime", 0, ARGS_STRING, AT(rt_runtime), "US", "realtime in a period" },
	{ "cpu-idle", 0, ARGS_STRING, AT(idle), "0|1", "SCHED_IDLE for the group" },
	{ "cpuset-cpus", 0, ARGS_STRING, AT(cpus), "LIST", "CPUs to use" },
	{ "cpuset-mems", 0, ARGS_STRING, AT(mems), "LIST", "memory nodes to use" },
	{ "pids-limit", 0, ARGS_STRING, AT(pids), "N", "processes at most, -1: no limit" },
	{ "blkio-weight", 0, ARGS_STRING, AT(weight), "N", "10 to 1000" },
	{ "l3-cache-schema", 0, ARGS_STRING, AT(l3), "TEXT", "Intel RDT" },
	{ "mem-bw-schema", 0, ARGS_STRING, AT(mem_bw), "TEXT", "Intel RDT" },
	ARGS_END,
};

/* An option's number goes into a struct oci_i64 or, `is_unsigned`, oci_u64 of the resources. Bytes
 * may have a unit. */
static const struct {
	size_t from, to;
	const char *name;
	bool is_unsigned, bytes;
} numbers[] = {
#define TO(member) offsetof(struct oci_resources, member)
	{ AT(memory), TO(memory.limit), "memory", false, true },
	{ AT(reservation), TO(memory.reservation), "memory-reservation", false, true },
	{ AT(swap), TO(memory.swap), "memory-swap", false, true },
	{ AT(kernel), TO(memory.kernel), "kernel-memory", false, true },
	{ AT(kernel_tcp), TO(memory.kernel_tcp), "kernel-memory-tcp", false, true },
	{ AT(period), TO(cpu.period), "cpu-period", true, false },
	{ AT(quota), TO(cpu.quota), "cpu-quota", false, false },
	{ AT(burst), TO(cpu.burst), "cpu-burst", true, false },
	{ AT(shares), TO(cpu.shares), "cpu-share", true, false },
	{ AT(rt_period), TO(cpu.rt_period), "cpu-rt-period", true, false },
	{ AT(rt_runtime), TO(cpu.rt_runtime), "cpu-rt-runtime", false, false },
	{ AT(idle), TO(cpu.idle), "cpu-idle", false, false },
	{ AT(pids), TO(pids_limit), "pids-limit", false, false },
	{ AT(weight), TO(blkio.weight), "blkio-weight", true, false },
#undef TO
};

static int read_number(const char *text, bool bytes, bool is_unsigned, int64_t *ret)
{
	uint64_t size;

	if (str_to_i64(text, is_unsigned ? 0 : -1, INT64_MAX, ret) == 0)
		return 0;
	if (!bytes || str_to_size(text, &size) < 0 || size > INT64_MAX)
		return -1;
	*ret = (int64_t)size;
	return 0;
}

static int from_options(
	const struct update_options *o, struct oci_resources *r, struct md_error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const char *text = *(const char *const *)((const char *)o + numbers[i].from);
		void *to = (char *)r + numbers[i].to;
		int64_t value;

		if (!text || !text[0])
			continue;
		if (read_number(text, numbers[i].bytes, numbers[i].is_unsigned, &value) < 0)
			return md_fail(
				err, EINVAL, "invalid value for %s: '%s'", numbers[i].name, text);
		if (numbers[i].is_unsigned)
			*(struct oci_u64 *)to = (struct oci_u64){ true, (uint64_t)value };
		else
			*(struct oci_i64 *)to = (struct oci_i64){ true, value };
	}
	r->cpu.cpus = o->cpus && o->cpus[0] ? o->cpus : NULL;
	r->cpu.mems = o->mems && o->mems[0] ? o->mems : NULL;
	return 0;
}

static int from_document(const char *path, struct oci_resources_doc *doc, struct md_error *err)
{
	_auto_free_ char *text = NULL;
	size_t len;
	int r;

	if (str_eq(path, "-"))
		r = fd_read_to_end(STDIN_FILENO, RESOURCES_CEILING, &text, &len);
	else
		r = file_read(AT_FDCWD, path, RESOURCES_CEILING, &text, &len);
	if (r < 0)
		return md_fail_errno(err, "read %s", path);
	if (oci_resources_parse(text, len, doc, err) < 0)
		return md_wrap(err, "%s", path);
	return 0;
}

static bool wants(const char *text)
{
	return text && text[0];
}

static int update(const char *id, const struct update_options *o, struct md_error *err)
{
	struct oci_resources_doc doc = { .doc = JSON_DOC_INIT };
	int r;

	if (o->resources && o->resources[0])
		r = from_document(o->resources, &doc, err);
	else
		r = from_options(o, &doc.resources, err);
	if (r < 0)
		return -1;
	r = container_update(&cli_runtime, id, &doc.resources, err);
	oci_resources_done(&doc);
	if (r == 0 && (wants(o->l3) || wants(o->mem_bw)))
		r = container_update_rdt(&cli_runtime, id, o->l3, o->mem_bw, err);
	return r;
}

static int run(const struct args_command *c, int argc, char **argv)
{
	struct md_error err = MD_ERROR_INIT;
	struct update_options o = { 0 };
	int count, code;

	if (cli_parse_done(c, &o, argc, argv, 1, 1, false, &count, &code))
		return code;
	return update(argv[0], &o, &err) < 0 ? cli_fail(&err) : 0;
}

const struct args_command cmd_update = {
	.name = "update",
	.summary = "change the limits of a container",
	.usage = "update [OPTIONS] ID",
	.options = options,
	.run = run,
};
