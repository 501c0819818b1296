/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp.h - seccomp filters of a container: compiled in the parent (libseccomp, or the cache),
 * loaded in the child as its last act before execve, by seccomp(2).
 */
#ifndef MD_RUNTIME_SECCOMP_H
#define MD_RUNTIME_SECCOMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"
#include "oci/spec.h"

enum {
	SECCOMP_PROGRAM_CEILING = 4096 * 8 + 64
}; /* bytes: BPF_MAXINSNS of struct sock_filter, and slack */

/* Compiles the filter into `ret_program`: an array of struct sock_filter. With `cache_dir` (NULL:
 * no cache) the result is kept there under the hash of the profile, kernel and libseccomp version
 * (mode 0600; a file that is not ours, not regular or of a wrong hash is not used); failing to
 * write the cache is no failure. Names of system calls that this libseccomp doesn't know are left
 * out, and where the default is an errno, calls newer than all that the rules name get ENOSYS, as by
 * runc. */
int seccomp_compile(const struct oci_seccomp *s, const char *cache_dir, struct buf *ret_program,
	struct md_error *err);

/* SECCOMP_FILTER_FLAG_* to load it with; SECCOMP_FILTER_FLAG_NEW_LISTENER among them if a rule
 * notifies. */
unsigned int seccomp_load_flags(const struct oci_seccomp *s);

/* Loads a compiled program into the calling thread. No memory, no stdio: for the forked child.
 * Returns 0, or the listener's descriptor (CLOEXEC) if the flags ask for one; -1 and errno. Needs
 * no_new_privs or CAP_SYS_ADMIN. */
int seccomp_install(const void *program, size_t len, unsigned int flags);

/* Sends the listener with the container process state (`state_text`: the OCI state as JSON) to
 * linux.seccomp.listenerPath, as the specification's "containerProcessState" says. */
int seccomp_send_listener(const struct oci_seccomp *s, int listener_fd, pid_t pid,
	const char *state_text, struct md_error *err);

/* Documents for `features`: names of actions, operators, architectures and flags; NULL-terminated.
 */
const char *const *seccomp_action_names(void);
const char *const *seccomp_operator_names(void);
const char *const *seccomp_arch_names(void);
const char *const *seccomp_flag_names(bool supported_only);

#endif
