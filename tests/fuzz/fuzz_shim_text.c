/* SPDX-License-Identifier: Apache-2.0 */
/* What mdocker-shim reads of others: a runtime's log, the kernel's message of a kill, a process's status, cgroup paths. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "shim/driver.h"
#include "shim/driver_log.h"
#include "shim/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1), out[64];
	struct victims_status status;
	struct victim victim;

	if (!text)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	if (driver_log_error(text, out, sizeof(out)))
		driver_exit_code(out);
	victims_parse_kill(text, "/minidocker/ab", &victim);
	victims_parse_status(text, 2, &status);
	limits_find_path(text, "memory", out, sizeof(out));
	limits_find_path(text, "", out, sizeof(out));
	free(text);
	return 0;
}

const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
	static const char *const seeds[] = {
		"{\"level\":\"error\",\"msg\":\"exec: no such file or directory\"}\nplain\n",
		"6,1,2,-;oom-kill:constraint=C,task_memcg=/minidocker/ab,task=gcc,pid=812,uid=0\n",
		"Name:\ttail\nState:\tR\nNSpid:\t15784\t7\nSigPnd:\t0000000000000100\nShdPnd:\t0\n",
		"9:name=systemd:/s\n4:cpu,memory:/m:x\n0::/u\n",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return NULL;
	*ret_len = strlen(seeds[index]);
	return (const uint8_t *)seeds[index];
}
