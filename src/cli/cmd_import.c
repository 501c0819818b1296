/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_import.c - `mdocker import`: a folder or an archive becomes an image. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "base/poison.h"

static int import(struct engine *e, const char *source, const char *name,
	const struct image_users *users, struct md_error *err)
{
	_auto_close_ int fd = -1;
	struct stat st;

	if (str_eq(source, "-")) {
		if (isatty(STDIN_FILENO))
			return md_fail(err, EINVAL, "import -: an archive is expected on stdin");
		return image_import_tar(&e->images, STDIN_FILENO, name, NULL, users, err);
	}
	fd = open(source, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return md_fail_errno(err, "import '%.200s'", source);
	if (S_ISDIR(st.st_mode))
		return image_import_folder(&e->images, source, name, NULL, users, err);
	return image_import_tar(&e->images, fd, name, NULL, users, err);
}

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	struct engine_image_users users;
	struct md_error err = MD_ERROR_INIT;
	int count, r;
	int code = cli_parse(c, NULL, argc, argv, false, 2, 2, &count);

	if (code >= 0)
		return code;
	if (engine_open(&e, cli_engine_options(), &err) < 0)
		return cli_fail(&err, 1);
	engine_image_users(&e, &users);
	r = import(&e, argv[0], argv[1], &users.users, &err);
	engine_image_users_done(&users);
	if (r < 0)
		return cli_fail(&err, 1);
	printf("%s\n", argv[1]);
	return 0;
}

const struct args_command cmd_import = {
	.name = "import",
	.summary = "Make an image from a folder or a tar archive",
	.usage = "import FOLDER|FILE|- NAME",
	.text = "The archive may be compressed by gzip, xz, zstd or bzip2; - reads it from stdin. "
		"An image of that name\n"
		"is replaced; workspaces made from it keep what they have.",
	.run = run,
};
