/* SPDX-License-Identifier: Apache-2.0 */
/* Names of recordings, and what a list reads of files whose writer isn't trusted. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "fuzz.h"
#include "recording/store.h"

static char folder[] = "/tmp/md-fuzz-recording-XXXXXX";

static void remove_folder(void)
{
	file_remove_tree(AT_FDCWD, folder);
}

/* A name is a file's in that folder and nothing else. */
static void check_name(const uint8_t *data, size_t len)
{
	char text[64];

	len = MD_MIN(len, sizeof(text) - 1);
	memcpy(text, data, len);
	text[len] = '\0';
	if (recording_name_valid(text) && (strchr(text, '/') || text[0] == '.' || text[0] == '-' ||
						  strlen(text) >= RECORDING_NAME_SIZE))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_auto_recordings_ struct recordings l = { NULL, 0 };
	_auto_free_ char *path = NULL;
	static bool made;
	FILE *f;

	if (!made) {
		made = mkdtemp(folder) && atexit(remove_folder) == 0;
		if (!made)
			abort();
	}
	check_name(data, len);
	path = str_format("%s/20260131T120000Z-t1.cast", folder);
	f = path ? fopen(path, "we") : NULL;
	if (!f || fwrite(data, 1, len, f) != len || fclose(f) != 0)
		abort();
	if (recordings_list(folder, &l, NULL) < 0 || l.count != 1 || l.items[0].bytes != len ||
		l.items[0].live || strlen(l.items[0].title) >= RECORDING_TITLE_SIZE)
		abort();
	return 0;
}

const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
	static const char *const seeds[] = {
		"20260131T120000Z-t12-3",
		"{\"version\":2,\"width\":80,\"height\":24,\"title\":\"x\",\"command\":\"sh\"}\n"
		"[0.500,\"o\",\"a\"]\n[61.250,\"r\",\"80x24\"]\n[99.0",
	};

	if (index >= sizeof(seeds) / sizeof(*seeds))
		return NULL;
	*ret_len = strlen(seeds[index]);
	return (const uint8_t *)seeds[index];
}
