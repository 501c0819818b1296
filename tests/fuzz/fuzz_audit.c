/* SPDX-License-Identifier: Apache-2.0 */
/* An audit log that somebody changed: it is verified, opened and gone on with. The head is the data's first line. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "fuzz.h"
#include "server/audit.h"

static char folder[] = "/dev/shm/md-fuzz-audit-XXXXXX";
static int at = -1;

static void remove_folder(void)
{
	(void)file_remove_tree(AT_FDCWD, folder);
	close(at);
}

static void start(void)
{
	if (!mkdtemp(folder))
		abort();
	at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		abort();
	atexit(remove_folder);
	log_set_level(LOG_ERROR);
}

static void put(const char *name, const void *data, size_t len)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	close(fd);
}

static void go_on(void)
{
	struct audit_entry e = { .event = "login", .outcome = "denied", .user = "\"\n\\" };
	struct audit a = AUDIT_INIT;

	if (audit_open(&a, at, NULL) < 0)
		return;
	if (audit_write(&a, &e, NULL) == 0)
		(void)audit_sync(&a, NULL);
	audit_close(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *line = memchr(data, '\n', len);
	size_t head = line ? (size_t)(line - data) + 1 : len;
	uint64_t lines = 0;

	if (at < 0)
		start();
	put("audit.head", data, head);
	put("audit.log", data + head, len - head);
	(void)audit_verify(folder, &lines, NULL);
	go_on();
	(void)audit_verify(folder, &lines, NULL);
	return 0;
}

const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
	static const char *const seeds[] = {
		"00000000000000000001 "
		"0000000000000000000000000000000000000000000000000000000000000000\n"
		"{\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\",\"event\":\"login\",\"outcome\":"
		"\"ok\","
		"\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\"}\n",
		"\n",
		"00000000000000000000 \n{\"seq\":18446744073709551615,\"prev\":\"\"}",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return NULL;
	*ret_len = strlen(seeds[index]);
	return (const uint8_t *)seeds[index];
}
