/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importing: unpack beside the finished layers without the store's lock (it may take minutes),
 * then, under the lock, name the layer by its digest and write the image's document.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/spawn.h"
#include "image/document.h"
#include "image/inroot.h"
#include "image/store.h"
#include "image/store_private.h"
#include "image/unpacker.h"
#include "base/poison.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* A layer that is being made: layers/.new-XXXX/{lock,diff}. */
struct new_layer {
	struct image_store *store;
	char name[sizeof(IMAGE_NEW_PREFIX) + 32]; /* "" when there is none (any more) */
	int lock_fd;
	int fd;      /* of the folder */
	int diff_fd; /* of diff/ */
};

static void new_layer_done(struct new_layer *l)
{
	int saved = errno;

	fd_close(&l->diff_fd);
	fd_close(&l->fd);
	if (l->name[0])
		file_remove_tree(l->store->layers_fd, l->name);
	fd_close(&l->lock_fd);
	errno = saved;
}

static int new_layer_make(struct new_layer *l, struct md_error *err)
{
	/* Under the store's lock, so that a collector never sees the folder without its lock. */
	_auto_close_ int lock = image_store_lock(l->store, true, err);
	char random[33];

	if (lock < 0)
		return -1;
	if (random_hex(random, 16) < 0)
		return md_fail_errno(err, "random number");
	snprintf(l->name, sizeof(l->name), IMAGE_NEW_PREFIX "%s", random);
	if (mkdirat(l->store->layers_fd, l->name, 0700) < 0) {
		l->name[0] = '\0';
		return md_fail_errno(
			err, "image store: make a folder in '%s/layers'", l->store->root);
	}
	l->fd = openat(l->store->layers_fd, l->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->fd >= 0)
		l->lock_fd = file_lock(l->fd, "lock", true, true);
	if (l->lock_fd >= 0 && mkdirat(l->fd, "diff", 0755) == 0)
		l->diff_fd = openat(l->fd, "diff", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Not the umask's matter: this is the image's "/". */
	if (l->diff_fd < 0 || fchmod(l->diff_fd, 0755) < 0)
		return md_fail_errno(
			err, "image store: make '%s/layers/%s'", l->store->root, l->name);
	return 0;
}

/* The finished layer gets its name. One of that digest that is there already is as good. */
static int new_layer_publish(struct new_layer *l, const char *digest, struct md_error *err)
{
	int layers_fd = l->store->layers_fd;

	if (renameat2(layers_fd, l->name, layers_fd, digest, RENAME_NOREPLACE) < 0)
		return errno == EEXIST ? 0
				       : md_fail_errno(err, "image store: name layer %s", digest);
	l->name[0] = '\0';
	unlinkat(l->fd, "lock", 0);
	if (fsync(layers_fd) < 0)
		return md_fail_errno(err, "image store: '%s/layers'", l->store->root);
	return 0;
}

/* PATH, and the better of the two shells. */
static int default_config(int diff_fd, struct image_config *ret)
{
	_auto_close_ int bash = inroot_open(diff_fd, "bin/bash", O_PATH);
	struct image_config none = { 0 };

	if (image_config_copy(ret, &none) < 0)
		return -1;
	if (strv_add(&ret->env, DEFAULT_PATH) < 0)
		return -1;
	return strv_add(&ret->cmd, bash >= 0 ? "/bin/bash" : "/bin/sh");
}

static int write_document(struct image_store *s, const struct image *i, struct md_error *err)
{
	_auto_buf_ struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	_auto_free_ char *file = image_file_name(i->name, err);

	if (!file)
		return -1;
	if (image_document_write(i, &text) < 0)
		return md_fail_errno(err, "image store: document of '%s'", i->name);
	if (file_write_atomic(s->images_fd, file, text.data, text.len, 0600) < 0)
		return md_fail_errno(err, "image store: write '%s/images/%s'", s->root, file);
	return 0;
}

static int fill_image(struct image *i, const struct image_config *config,
	const struct unpack_result *unpacked, int diff_fd)
{
	i->created = time(NULL);
	i->size = unpacked->bytes;
	if (strv_add(&i->layers, unpacked->digest) < 0)
		return -1;
	return config ? image_config_copy(&i->config, config) : default_config(diff_fd, &i->config);
}

/* Whoever feeds the archive says at its end whether that was all of it. */
struct feeder {
	int (*finish)(struct feeder *f, struct md_error *err);
};

static int import_stream(struct image_store *s, int fd, struct feeder *feeder, struct image *i,
	const struct image_config *config, const struct image_users *users, struct md_error *err)
{
	struct unpack_options o = { .max_bytes = s->max_bytes, .max_entries = s->max_entries };
	_auto_(new_layer_done) struct new_layer l = {
		.store = s, .lock_fd = -1, .fd = -1, .diff_fd = -1
	};
	_auto_close_ int lock = -1;
	struct unpack_result unpacked;

	if (new_layer_make(&l, err) < 0 || unpacker_run(fd, l.diff_fd, &o, &unpacked, err) < 0)
		return -1;
	if (feeder && feeder->finish(feeder, err) < 0)
		return -1;
	if (fill_image(i, config, &unpacked, l.diff_fd) < 0)
		return md_fail(err, ENOMEM, "out of memory");
	/* All of it is on disk before its name says so. */
	if (syncfs(l.diff_fd) < 0)
		return md_fail_errno(err, "write to disk");
	lock = image_store_lock(s, true, err);
	if (lock < 0 || new_layer_publish(&l, unpacked.digest, err) < 0 ||
		write_document(s, i, err) < 0)
		return -1;
	return image_store_gc_locked(s, users, NULL, err);
}

static int import(struct image_store *s, int fd, struct feeder *feeder, const char *name,
	const struct image_config *config, const struct image_users *users, struct md_error *err)
{
	_auto_image_ struct image i = IMAGE_INIT;
	_auto_free_ char *file = image_file_name(name, err);

	if (!file)
		return -1;
	i.name = strdup(name);
	if (!i.name)
		return md_fail(err, ENOMEM, "out of memory");
	if (import_stream(s, fd, feeder, &i, config, users, err) < 0)
		return md_wrap(err, "import '%s'", name);
	return 0;
}

int image_import_tar(struct image_store *s, int fd, const char *name,
	const struct image_config *config, const struct image_users *users, struct md_error *err)
{
	return import(s, fd, NULL, name, config, users, err);
}

/* tar(1) of a folder on the host. */
struct tar {
	struct feeder feeder;
	const char *path;
	pid_t pid; /* 0: none, or waited for */
	int messages_fd;
};

/* tar(1) reads the folder: it knows holes, hard links and attributes. The order and the times in
 * its stream are fixed, so that the same folder gives the same layer. */
static int tar_start(struct tar *t, int out_fd, struct md_error *err)
{
	const char *argv[] = { "tar", "--create", "--file=-", "--format=pax",
		"--pax-option=delete=atime,delete=ctime", "--sort=name", "--one-file-system",
		"--numeric-owner", "--sparse", "--xattrs", "--xattrs-include=user.*",
		"--xattrs-include=security.capability", "--directory", t->path, ".", NULL };
	struct spawn s = SPAWN_INIT;
	pid_t pid;

	s.path = "/bin/tar";
	s.argv = (char *const *)argv;
	s.std[1] = out_fd;
	s.std[2] = t->messages_fd;
	s.parent_death_signal = SIGKILL;
	pid = spawn_start(&s, NULL);
	if (pid < 0)
		return md_fail_errno(err, "start /bin/tar");
	t->pid = pid;
	return 0;
}

/* Exit code 1 is a file that changed or vanished meanwhile; of others the first message is the
 * reason. */
static int tar_finish(struct feeder *f, struct md_error *err)
{
	struct tar *t = container_of(f, struct tar, feeder);
	int code = spawn_wait(t->pid);
	char text[200];
	ssize_t n;

	t->pid = 0;
	if (code == 0 || code == 1)
		return 0;
	n = pread(t->messages_fd, text, sizeof(text) - 1, 0);
	text[MD_MAX(n, 0)] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return md_fail(err, EIO, "read folder '%s': %s (exit code %d of tar)", t->path, text, code);
}

static int check_folder(const char *path, struct md_error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return md_fail_errno(err, "import folder '%s'", path);
	if (!S_ISDIR(st.st_mode))
		return md_fail(err, ENOTDIR, "import folder '%s': it is no folder", path);
	return 0;
}

int image_import_folder(struct image_store *s, const char *path, const char *name,
	const struct image_config *config, const struct image_users *users, struct md_error *err)
{
	_auto_close_ int messages_fd = memfd_create("tar-messages", MFD_CLOEXEC);
	_auto_close_ int read_fd = -1;
	_auto_close_ int write_fd = -1;
	struct tar t = { .feeder.finish = tar_finish, .path = path, .messages_fd = messages_fd };
	int ends[2], r;

	if (check_folder(path, err) < 0)
		return -1;
	if (messages_fd < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return md_fail_errno(err, "import folder '%s'", path);
	read_fd = ends[0];
	write_fd = ends[1];
	if (tar_start(&t, write_fd, err) < 0)
		return -1;
	fd_close(&write_fd);
	r = import(s, read_fd, &t.feeder, name, config, users, err);
	fd_close(&read_fd); /* a tar that is still writing ends by SIGPIPE */
	if (t.pid)
		spawn_wait(t.pid);
	return r;
}
