/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "sys/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/poison.h"

int pty_open(int pts, int *ret_master, int *ret_slave)
{
	_auto_close_ int master = openat(pts, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	int slave, unlocked = 0;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) < 0)
		return -1;
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return -1;
	*ret_master = take_fd(&master);
	*ret_slave = slave;
	return 0;
}

int pty_set_size(int fd, unsigned int rows, unsigned int columns)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };

	if (!rows && !columns)
		return 0;
	return ioctl(fd, TIOCSWINSZ, &size);
}

static struct termios saved;
static int saved_fd = -1;

int pty_make_raw(int fd)
{
	struct termios raw;

	if (tcgetattr(fd, &saved) < 0)
		return -1;
	raw = saved;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSANOW, &raw) < 0)
		return -1;
	saved_fd = fd;
	return 0;
}

void pty_restore(void)
{
	if (saved_fd >= 0)
		tcsetattr(saved_fd, TCSANOW, &saved);
	saved_fd = -1;
}
