/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/audit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utc.h"
#include "json/json_read.h"
#include "json/json_write.h"
#include "base/poison.h"

enum { LINE_MAX_BYTES = 4096, HEX = AUDIT_HASH * 2 };

static const char file_name[] = "audit.log";
static const char head_name[] = "audit.head";

/* The head is a text of fixed length, so that one pwrite replaces all of it: 20 digits, space, 64 hex digits, newline. */
enum { HEAD_BYTES = 20 + 1 + HEX + 1 };

static void hash_line(const char *line, size_t len, uint8_t ret[AUDIT_HASH])
{
	crypto_hash_sha256(ret, (const unsigned char *)line, len);
}

static int write_head(struct audit *a)
{
	char hex[HEX + 1], text[HEAD_BYTES + 1];

	sodium_bin2hex(hex, sizeof(hex), a->last, AUDIT_HASH);
	snprintf(text, sizeof(text), "%020" PRIu64 " %s\n", a->next - 1, hex);
	return pwrite(a->head_fd, text, HEAD_BYTES, 0) == HEAD_BYTES ? 0 : -1;
}

/* False if there is none or it makes no sense. */
static bool read_head(int fd, uint64_t *ret_line, uint8_t ret_hash[AUDIT_HASH])
{
	char text[HEAD_BYTES + 1] = "";

	if (pread(fd, text, HEAD_BYTES, 0) != HEAD_BYTES || text[20] != ' ' ||
		text[HEAD_BYTES - 1] != '\n')
		return false;
	text[20] = '\0';
	text[HEAD_BYTES - 1] = '\0';
	*ret_line = strtoull(text, NULL, 10);
	return sodium_hex2bin(ret_hash, AUDIT_HASH, text + 21, HEX, NULL, NULL, NULL) == 0;
}

/* A power cut may leave a line half: nobody was told that it is there, so it goes. *ret_dropped: there was one. */
static int drop_half_line(struct audit *a, bool *ret_dropped, struct md_error *err)
{
	char tail[LINE_MAX_BYTES];
	off_t from = a->size > LINE_MAX_BYTES ? a->size - LINE_MAX_BYTES : 0;
	ssize_t n = pread(a->fd, tail, LINE_MAX_BYTES, from);
	const char *newline = n > 0 ? memrchr(tail, '\n', (size_t)n) : NULL;
	off_t whole = newline ? from + (newline - tail) + 1 : from;

	if (n < 0)
		return md_fail_errno(err, "read %s", file_name);
	*ret_dropped = whole < a->size;
	if (*ret_dropped && ftruncate(a->fd, whole) < 0)
		return md_fail_errno(err, "cut %s", file_name);
	a->size = whole;
	return 0;
}

/* The number and hash of the file's last line; 0 lines if it is empty. */
static int read_tail(struct audit *a, struct md_error *err)
{
	char tail[LINE_MAX_BYTES + 1];
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	struct json_node root;
	off_t from = a->size > LINE_MAX_BYTES ? a->size - LINE_MAX_BYTES : 0;
	ssize_t n = pread(a->fd, tail, LINE_MAX_BYTES, from);
	char *start;
	uint64_t line;

	if (n < 0)
		return md_fail_errno(err, "read %s", file_name);
	if (n == 0)
		return 0;
	tail[n - 1] = '\0';
	start = strrchr(tail, '\n');
	start = start ? start + 1 : tail;
	if (json_parse(&doc, start, strlen(start), err) < 0 || json_root(&doc, &root, err) < 0 ||
		json_get_u64(&root, "seq", UINT64_MAX - 1, &line, err) < 0)
		return md_wrap(err, "%s, the last line", file_name);
	a->next = line + 1;
	hash_line(start, strlen(start), a->last);
	return 0;
}

static int open_file(struct audit *a, struct md_error *err)
{
	struct stat st;

	fd_close(&a->fd);
	a->fd = openat(
		a->dir_fd, file_name, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (a->fd < 0 || fsync(a->dir_fd) < 0 || fstat(a->fd, &st) < 0)
		return md_fail_errno(err, "open %s", file_name);
	a->size = st.st_size;
	return 0;
}

static int tell(struct audit *a, const char *event, const char *outcome, const char *text,
	struct md_error *err)
{
	struct audit_entry e = { .event = event, .outcome = outcome, .text = text };

	if (audit_write(a, &e, err) < 0)
		return -1;
	return audit_sync(a, err);
}

/* What was wrong with the log that we found goes into its next line, so that it stays known. */
static int tell_broken(struct audit *a, const char *text, struct md_error *err)
{
	return tell(a, "audit_broken", "failed", text, err);
}

int audit_open(struct audit *a, int dir_fd, struct md_error *err)
{
	struct md_error found = MD_ERROR_INIT;
	uint8_t hash[AUDIT_HASH];
	uint64_t line = 0;
	bool has_head, dropped = false;

	*a = (struct audit)AUDIT_INIT;
	a->next = 1;
	a->max_bytes = AUDIT_MAX_BYTES;
	a->dir_fd = dup(dir_fd);
	a->head_fd = openat(dir_fd, head_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (a->dir_fd < 0 || a->head_fd < 0) {
		md_fail_errno(err, "open %s", head_name);
		audit_close(a);
		return -1;
	}
	fd_set_cloexec(a->dir_fd, true);
	if (open_file(a, err) < 0 || drop_half_line(a, &dropped, err) < 0) {
		audit_close(a);
		return -1;
	}
	has_head = read_head(a->head_fd, &line, hash);
	if (a->size == 0 && has_head) {
		/* Just rotated, or removed: the chain goes on, and audit_verify() sees which of the two. */
		a->next = line + 1;
		memcpy(a->last, hash, AUDIT_HASH);
	}
	if (read_tail(a, &found) < 0) {
		if (has_head)
			a->next = line + 1;
		return tell_broken(a, found.msg, err);
	}
	/* Lines may stand behind the head, which follows when they are on the disk. */
	if (a->size > 0 && has_head && line > a->next - 1)
		return tell_broken(a, "the log does not end where it ended", err);
	if (a->size > 0 && has_head && line == a->next - 1 &&
		memcmp(hash, a->last, AUDIT_HASH) != 0)
		return tell_broken(a, "the last line was changed", err);
	return dropped ? tell(a, "audit_recovered", "ok", "a line that was cut short was dropped",
				 err)
		       : 0;
}

void audit_close(struct audit *a)
{
	audit_sync(a, NULL);
	fd_close(&a->fd);
	fd_close(&a->head_fd);
	fd_close(&a->dir_fd);
}

static int rotate(struct audit *a, struct md_error *err)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.%020" PRIu64, file_name, a->next - 1);
	/* The head alone says where the chain goes on in an empty file. */
	if (audit_sync(a, err) < 0)
		return -1;
	if (fdatasync(a->head_fd) < 0)
		return md_fail_errno(err, "write %s", head_name);
	if (renameat(a->dir_fd, file_name, a->dir_fd, name) < 0)
		return md_fail_errno(err, "rename %s", file_name);
	return open_file(a, err);
}

static void add_time(struct json_writer *w)
{
	char now[UTC_TEXT];

	json_add_string(w, "time", utc_now(now, 3));
}

static void add_if(struct json_writer *w, const char *key, const char *value)
{
	if (value && *value)
		json_add_string(w, key, value);
}

int audit_write(struct audit *a, const struct audit_entry *e, struct md_error *err)
{
	_auto_buf_ struct buf line = BUF_INIT(LINE_MAX_BYTES);
	struct json_writer w = { .out = &line };
	char hex[HEX + 1];

	sodium_bin2hex(hex, sizeof(hex), a->last, AUDIT_HASH);
	json_object_begin(&w, NULL);
	json_add_u64(&w, "seq", a->next);
	json_add_string(&w, "prev", hex);
	add_time(&w);
	json_add_string(&w, "event", e->event);
	json_add_string(&w, "outcome", e->outcome);
	add_if(&w, "user", e->user);
	add_if(&w, "address", e->address);
	add_if(&w, "text", e->text);
	json_object_end(&w);
	buf_add_char(&line, '\n');
	if (line.failed)
		return md_fail(err, EMSGSIZE, "a line of the audit log is too long");
	if (a->fd < 0 && open_file(a, err) < 0)
		return -1;
	if (fd_write_all(a->fd, line.data, line.len) < 0) {
		md_fail_errno(err, "write %s", file_name);
		/* Half a line would be the beginning of the next one. */
		if (ftruncate(a->fd, a->size) < 0)
			md_wrap(err, "half a line stays, %s", strerror(errno));
		return -1;
	}
	a->size += (off_t)line.len;
	a->next++;
	hash_line(line.data, line.len - 1, a->last);
	a->unsynced = true;
	/* Acts are on the disk before their answer; refusals, which strangers can have by the thousand, a little later. */
	if (str_eq(e->outcome, "ok") && !e->later && audit_sync(a, err) < 0)
		return -1;
	return a->size >= a->max_bytes ? rotate(a, err) : 0;
}

int audit_sync(struct audit *a, struct md_error *err)
{
	if (!a->unsynced)
		return 0;
	if (fdatasync(a->fd) < 0)
		return md_fail_errno(err, "write %s", file_name);
	/* Only now: a head ahead of its log would say that lines were cut. */
	if (write_head(a) < 0)
		return md_fail_errno(err, "write %s", head_name);
	a->unsynced = false;
	return 0;
}

/* The chain while it is followed, and the line that the head names. */
struct chain {
	uint64_t lines;
	uint8_t last[AUDIT_HASH];
	uint64_t head_line;
	uint8_t head_hash[AUDIT_HASH];
};

static int verify_line(struct chain *c, const char *line, size_t len, struct md_error *err)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	struct json_node root;
	char hex[HEX + 1];
	const char *prev = "";
	uint64_t seq = 0;

	if (json_parse(&doc, line, len, err) < 0 || json_root(&doc, &root, err) < 0 ||
		json_get_u64(&root, "seq", UINT64_MAX, &seq, err) < 0 ||
		json_get_string(&root, "prev", &prev, err) < 0)
		return -1;
	sodium_bin2hex(hex, sizeof(hex), c->last, AUDIT_HASH);
	if (seq != c->lines + 1)
		return md_fail(err, EILSEQ, "number %" PRIu64 " follows %" PRIu64, seq, c->lines);
	if (!str_eq(prev, hex))
		return md_fail(err, EILSEQ, "the line before it was changed");
	c->lines = seq;
	hash_line(line, len, c->last);
	if (seq == c->head_line && memcmp(c->head_hash, c->last, AUDIT_HASH) != 0)
		return md_fail(err, EILSEQ, "line %" PRIu64 " was changed", seq);
	return 0;
}

static int verify_file(int dir_fd, const char *name, struct chain *c, struct md_error *err)
{
	_auto_close_ int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	_auto_free_ char *data = NULL;
	const char *at, *end;
	size_t len;

	if (fd < 0)
		return md_fail_errno(err, "open %s", name);
	if (fd_read_to_end(fd, (size_t)AUDIT_MAX_BYTES + LINE_MAX_BYTES, &data, &len) < 0)
		return md_fail_errno(err, "read %s", name);
	end = data + len;
	for (at = data; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline)
			return md_fail(err, EILSEQ, "%s ends within a line", name);
		if (verify_line(c, at, (size_t)(newline - at), err) < 0)
			return md_wrap(err, "%s, after line %" PRIu64, name, c->lines);
		at = newline + 1;
	}
	return 0;
}

static int is_rotated(const struct dirent *entry)
{
	return str_starts(entry->d_name, "audit.log.");
}

static int open_head(int dir_fd, struct chain *c, struct md_error *err)
{
	_auto_close_ int fd = openat(dir_fd, head_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return md_fail_errno(err, "open %s", head_name);
	if (!read_head(fd, &c->head_line, c->head_hash))
		return md_fail(err, EILSEQ, "%s can't be read", head_name);
	return 0;
}

int audit_verify(const char *path, uint64_t *ret_lines, struct md_error *err)
{
	_auto_close_ int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct chain chain = { 0 };
	struct dirent **rotated = NULL;
	int n, r = 0;

	if (dir_fd < 0)
		return md_fail_errno(err, "open '%s'", path);
	if (open_head(dir_fd, &chain, err) < 0)
		return -1;
	/* Names end with a number of fixed width: their order is the chain's. */
	n = scandirat(dir_fd, ".", &rotated, is_rotated, alphasort);
	if (n < 0)
		return md_fail_errno(err, "read '%s'", path);
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = verify_file(dir_fd, rotated[i]->d_name, &chain, err);
		free(rotated[i]);
	}
	free(rotated);
	if (r < 0 || verify_file(dir_fd, file_name, &chain, err) < 0)
		return -1;
	if (chain.lines < chain.head_line)
		return md_fail(err, EILSEQ, "the log ends at line %" PRIu64 ", it had %" PRIu64,
			chain.lines, chain.head_line);
	*ret_lines = chain.lines;
	return 0;
}
