/* SPDX-License-Identifier: Apache-2.0 */
/* The documents that mdocker-runtime reads: config.json, a process, resources; and the record of a
 * container's cgroups. */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "fuzz.h"
#include "oci/spec.h"
#include "runtime/cgroup.h"

/* What was parsed may be used: every string of it is read. */
static void use_strs(const struct oci_strs *s)
{
	for (size_t i = 0; i < s->count; i++)
		(void)!strlen(s->items[i]);
	if (s->items && s->items[s->count])
		abort();
}

static void use_spec(const struct oci_spec *s)
{
	if (s->process) {
		use_strs(&s->process->args);
		use_strs(&s->process->env);
	}
	for (size_t i = 0; i < s->mount_count; i++) {
		if (s->mounts[i].destination[0] != '/')
			abort();
	}
	use_strs(&s->masked_paths);
	use_strs(&s->readonly_paths);
	oci_annotation(s, "a");
}

static void parse_record(const uint8_t *data, size_t len)
{
	const struct cgroup_request r = { .id = "fuzz", .manager = CGROUP_MANAGER_SYSTEMD };
	_auto_free_ char *text = strndup((const char *)data, len);
	_auto_(cgroup_freep) struct cgroup *opened = NULL, *planned = NULL;
	struct cgroup_request asked = r;

	if (!text)
		return;
	asked.cgroups_path = text;
	(void)!cgroup_open(text, &opened, NULL);
	if (cgroup_plan(&asked, &planned, NULL) == 0 && strstr(cgroup_record(planned), "/../"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct oci_resources_doc resources;
	struct oci_process_doc process;
	struct oci_spec spec;
	const char *text = (const char *)data;

	log_set_level(LOG_ERROR);
	if (oci_spec_parse(text, len, &spec, NULL) == 0) {
		use_spec(&spec);
		oci_spec_done(&spec);
	}
	if (oci_process_parse(text, len, &process, NULL) == 0) {
		use_strs(&process.process.args);
		oci_process_done(&process);
	}
	if (oci_resources_parse(text, len, &resources, NULL) == 0)
		oci_resources_done(&resources);
	/* It looks at the host's cgroups each time, which is slow; no record is a document. */
	if (len && data[0] != '{')
		parse_record(data, len);
	return 0;
}

const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
	static const char *const seeds[] = {
		"{\"ociVersion\":\"1.2.0\",\"process\":{\"terminal\":true,\"consoleSize\":{"
		"\"height\":1,"
		"\"width\":2},\"user\":{\"uid\":1,\"gid\":2,\"umask\":18,\"additionalGids\":[5]},"
		"\"args\":[\"sh\"],\"env\":[\"A=b\"],\"cwd\":\"/\",\"capabilities\":{\"bounding\":["
		"\"CAP_KILL\"]},\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":1,\"hard\":"
		"18446744073709551615}],\"oomScoreAdj\":1,\"scheduler\":{\"policy\":\"SCHED_RR\","
		"\"priority\":1},\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":4},"
		"\"execCPUAffinity\":{\"initial\":\"0-3,7\"}},\"root\":{\"path\":\"r\"}}",
		"{\"mounts\":[{\"destination\":\"/"
		"d\",\"type\":\"tmpfs\",\"source\":\"s\",\"options\":"
		"[\"ro\",\"rslave\",\"size=1m\",\"idmap=uids=0-1-2#3-4-5;gids=0-1-2\"]}],\"hooks\":"
		"{"
		"\"prestart\":[{\"path\":\"/"
		"h\",\"args\":[\"h\"],\"env\":[\"A=b\"],\"timeout\":1}]},"
		"\"annotations\":{\"a\":\"b\"},\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}}",
		"{\"linux\":{\"namespaces\":[{\"type\":\"user\"},{\"type\":\"time\",\"path\":\"/"
		"p\"}],"
		"\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":2}],\"gidMappings\":[{"
		"\"containerID\":0,\"hostID\":1,\"size\":2}],\"devices\":[{\"path\":\"/dev/"
		"x\",\"type\":"
		"\"c\",\"major\":1,\"minor\":3}],\"netDevices\":{\"eth0\":{\"name\":\"e\"}},"
		"\"cgroupsPath\":\"/"
		"a\",\"sysctl\":{\"user.x\":\"1\"},\"seccomp\":{\"defaultAction\":"
		"\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"a\"],\"action\":\"SCMP_ACT_ERRNO\","
		"\"args\":[{\"index\":1,\"value\":2,\"op\":\"SCMP_CMP_EQ\"}]}]},\"personality\":{"
		"\"domain\":\"LINUX32\"},\"intelRdt\":{\"closID\":\"x\"}}}",
		"{\"memory\":{\"limit\":1,\"swap\":-1},\"cpu\":{\"shares\":1,\"cpus\":\"0-1\"},"
		"\"pids\":{"
		"\"limit\":1},\"blockIO\":{\"weight\":10,\"throttleReadBpsDevice\":[{\"major\":8,"
		"\"minor\":0,\"rate\":6}]},\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":1}],"
		"\"rdma\":{\"m\":{\"hcaHandles\":1}},\"devices\":[{\"allow\":true,\"type\":\"c\","
		"\"major\":1,\"access\":\"rwm\"}],\"unified\":{\"memory.high\":\"max\"}}",
		"cgroupfs root - - /a/b",
		"a-b.slice:prefix:name",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return NULL;
	*ret_len = strlen(seeds[index]);
	return (const uint8_t *)seeds[index];
}
