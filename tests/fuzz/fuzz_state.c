/* SPDX-License-Identifier: Apache-2.0 */
/* What mdocker-runtime reads besides the caller's documents: its own record of a container, the container's /etc/passwd, and what resctrl says of its groups. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "runtime/passwd.h"
#include "runtime/rdt_text.h"
#include "runtime/state.h"

static void read_state(const char *text, size_t len)
{
	_auto_container_state_ struct container_state s = { .status = CONTAINER_STOPPED };
	_auto_free_ char *json = NULL;

	if (state_parse(text, len, &s, NULL) < 0)
		return;
	if (!s.id || !s.bundle || s.pid < 0)
		abort();
	json = container_state_json(&s, true);
	if (!json || !strstr(json, "\"ociVersion\""))
		abort();
}

/* The home is a piece of the line. */
static void read_passwd(const char *line, size_t len)
{
	const char *home = NULL;
	size_t n = passwd_line_home(line, len, 0, &home);

	if (n && (home < line || home + n > line + len || memchr(home, ':', n)))
		abort();
}

/* A line is itself, but for the second one of a resource or of a domain. */
static void read_schemata(const char *data, size_t len)
{
	_auto_free_ char *text = strndup(data, len);
	_auto_free_ char *line = text ? rdt_text_line(text, "L3", 2) : NULL;
	char *bar = text ? strchr(text, '|') : NULL;

	if (line && (strncmp(line, "L3:", 3) != 0 || strchr(line, '\n')))
		abort();
	if (!bar)
		return;
	*bar = '\0';
	if (rdt_text_has(text, bar + 1) && !strchr(bar + 1, ':'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	read_state((const char *)data, len);
	read_passwd((const char *)data, len);
	read_schemata((const char *)data, len);
	return 0;
}

const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
	static const char *const seeds[] = {
		"    MB:0=100;1= 70\n    L3:0=fffff;1=000ff\n|L3:0=FFFFF;1=ff",
		"{\"id\":\"c\",\"bundle\":\"/b\",\"rootfs\":\"/b/"
		"rootfs\",\"created\":\"2026-01-01T00:00:"
		"00.000000000Z\",\"owner\":\"root\",\"ownerUid\":0,\"pid\":12,\"startTime\":99,"
		"\"complete\":true,\"cgroup\":\"cgroupfs root - - /c\",\"systemdCgroup\":false,"
		"\"rootless\":false,\"userNamespace\":true,\"annotations\":{\"a\":\"b=c\",\"\":"
		"\"\"}}",
		"root:x:0:0:root:/root:/bin/sh",
		"root:x:4294967296:0::/:",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return NULL;
	*ret_len = strlen(seeds[index]);
	return (const uint8_t *)seeds[index];
}
