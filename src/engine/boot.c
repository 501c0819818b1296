/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/poison.h"

int boot_id(char *to, struct md_error *err)
{
	_auto_close_ int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fd_read_exactly(fd, to, BOOT_ID_LEN) < 0)
		return md_fail_errno(err, "/proc/sys/kernel/random/boot_id");
	to[BOOT_ID_LEN] = '\0';
	return 0;
}
