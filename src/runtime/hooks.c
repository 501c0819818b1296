/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/hooks.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "runtime/hook_run.h"
#include "base/poison.h"

/* Writes the state document, as of `status`, to `fd`. */
static int write_state(int fd, const struct container_state *state, enum container_status status,
	struct md_error *err)
{
	struct container_state shown = *state;
	_auto_free_ char *text = NULL;

	shown.status = status;
	if (status == CONTAINER_STOPPED)
		shown.pid = 0;
	text = container_state_json(&shown, false);
	if (!text || fd_write_all(fd, text, strlen(text)) < 0)
		return md_fail_errno(err, "state document for the hooks");
	return 0;
}

/* The first line that the hook complained with, into `to`; all of it goes on to our own stderr. */
static void take_complaint(int fd, char *to, size_t size)
{
	char rest[4096];
	ssize_t n = pread(fd, to, size - 1, 0);
	off_t at = 0;

	to[n > 0 ? n : 0] = '\0';
	to[strcspn(to, "\n")] = '\0';
	while ((n = pread(fd, rest, sizeof(rest), at)) > 0) {
		if (fd_write_all(STDERR_FILENO, rest, (size_t)n) < 0)
			return;
		at += n;
	}
}

static int run_one(const struct oci_hook *h, enum oci_hook_kind kind, const char *bundle,
	int state_fd, struct md_error *err)
{
	const char *name = oci_hook_kind_name(kind);
	_auto_close_ int complaints = memfd_create("stderr", MFD_CLOEXEC);
	enum hook_result result;
	char said[256] = "";
	int code;

	result = hook_run(h, bundle, state_fd, complaints, &code);
	if (complaints >= 0)
		take_complaint(complaints, said, sizeof(said));
	switch (result) {
	case HOOK_OK:
		return 0;
	case HOOK_EXITED:
		return md_fail(err, ECANCELED, "%s hook '%s' ended with exit code %d%s%s", name,
			h->path, code, *said ? ": " : "", said);
	case HOOK_TIMED_OUT:
		return md_fail(err, ETIMEDOUT, "%s hook '%s' was killed after %lld s", name,
			h->path, (long long)h->timeout.value);
	default:
		return md_fail_errno(err, "%s hook '%s'", name, h->path);
	}
}

int hooks_run(const struct oci_hook_list *list, enum oci_hook_kind kind,
	const struct container_state *state, enum container_status status, bool keep_going,
	struct md_error *err)
{
	_auto_close_ int fd = -1;

	if (!list->count)
		return 0;
	fd = memfd_create("state", MFD_CLOEXEC);
	if (fd < 0)
		return md_fail_errno(err, "state document for the hooks");
	if (write_state(fd, state, status, err) < 0)
		return -1;
	for (size_t i = 0; i < list->count; i++) {
		struct md_error why = MD_ERROR_INIT;

		if (run_one(&list->items[i], kind, state->bundle, fd, keep_going ? &why : err) == 0)
			continue;
		if (!keep_going)
			return -1;
		log_warning("%s", why.msg);
	}
	return 0;
}

int hooks_run_creating(
	struct plan *p, const struct container_state *state, bool *ret_ran, struct md_error *err)
{
	static const struct {
		enum oci_hook_kind kind;
		enum container_status status;
	} mine[] = { /* the old kind, from when hooks ran at `start`, expects a made container */
		{ OCI_HOOK_PRESTART, CONTAINER_CREATED },
		{ OCI_HOOK_CREATE_RUNTIME, CONTAINER_CREATING } },
	  childs[] = { { OCI_HOOK_CREATE_CONTAINER, CONTAINER_CREATING },
		  { OCI_HOOK_START_CONTAINER, CONTAINER_CREATED } };
	const struct oci_spec *s = p->init.spec;

	*ret_ran = true;
	for (size_t i = 0; i < ARRAY_SIZE(childs); i++) {
		int fd = p->init.hook_state[childs[i].kind];

		if (fd >= 0 && write_state(fd, state, childs[i].status, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(mine); i++) {
		if (hooks_run(&s->hooks[mine[i].kind], mine[i].kind, state, mine[i].status, false,
			    err) < 0)
			return -1;
	}
	return 0;
}
