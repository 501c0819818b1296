/* SPDX-License-Identifier: Apache-2.0 */
/* Archives, unpacked into a folder beside which lies a file that none of them may reach. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "fuzz.h"
#include "image/unpack.h"

static char folder[] = "/dev/shm/md-fuzz-unpack-XXXXXX";
static int at = -1;
static locale_t names;

static void remove_folder(void)
{
	(void)file_remove_tree(AT_FDCWD, folder);
	close(at);
	freelocale(names);
}

static void start(void)
{
	names = unpack_locale();
	if (!names || !mkdtemp(folder))
		abort();
	at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0 || file_write_atomic(at, "outside", "secret", 6, 0600) < 0)
		abort();
	atexit(remove_folder);
}

static void check_outside(void)
{
	_auto_free_ char *text = NULL;
	struct stat st;

	if (fstatat(at, "outside", &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_nlink != 1 ||
		(st.st_mode & 07777) != 0600 || st.st_uid != geteuid() ||
		file_read(at, "outside", 100, &text, NULL) < 0 || strcmp(text, "secret") != 0)
		abort();
	if (fstat(at, &st) < 0 || st.st_nlink != 2)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct unpack_options o = { .max_bytes = 1 << 20, .max_entries = 100 };
	struct unpack_result result = { .bytes = 0 };
	_auto_close_ int tar = -1, root = -1;

	if (at < 0)
		start();
	o.locale = names;
	tar = memfd_create("archive", MFD_CLOEXEC);
	if (tar < 0 || mkdirat(at, "root", 0755) < 0)
		abort();
	root = openat(at, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || fd_write_all(tar, data, len) < 0 || lseek(tar, 0, SEEK_SET) < 0)
		abort();
	if (unpack_tar(tar, root, &o, &result, NULL) == 0 &&
		(result.bytes > o.max_bytes || result.entries > o.max_entries))
		abort();
	if (file_remove_tree(at, "root") < 0)
		abort();
	check_outside();
	return 0;
}

/* A block of a tar archive in the old, ustar form. */
static void add_entry(uint8_t *block, const char *name, char type, const char *target, size_t size)
{
	unsigned int sum = 0;

	memset(block, 0, 512);
	snprintf((char *)block, 100, "%s", name);
	snprintf((char *)block + 100, 8, "%07o", 0644);
	snprintf((char *)block + 108, 8, "%07o", 0);
	snprintf((char *)block + 116, 8, "%07o", 0);
	snprintf((char *)block + 124, 12, "%011zo", size);
	snprintf((char *)block + 136, 12, "%011o", 0);
	memset(block + 148, ' ', 8);
	block[156] = (uint8_t)type;
	snprintf((char *)block + 157, 100, "%s", target);
	memcpy(block + 257, "ustar\00000", 8);
	for (int i = 0; i < 512; i++)
		sum += block[i];
	snprintf((char *)block + 148, 8, "%06o", sum);
}

const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
	static const struct {
		const char *name, *target;
		char type;
	} seeds[] = {
		{ "file", "", '0' },
		{ "../outside", "", '0' },
		{ "/folder/", "", '5' },
		{ "link", "../outside", '2' },
		{ "hard", "../outside", '1' },
		{ "fifo", "", '6' },
		{ "device", "", '3' },
	};
	static uint8_t archive[512 * 5];

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return NULL;
	memset(archive, 0, sizeof(archive));
	add_entry(archive, "first", '0', "", 7);
	memcpy(archive + 512, "content", 7);
	add_entry(archive + 1024, seeds[index].name, seeds[index].type, seeds[index].target, 0);
	*ret_len = sizeof(archive);
	return archive;
}
