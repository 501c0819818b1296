/* SPDX-License-Identifier: Apache-2.0 */
/* host.h - the facts of this host that a profile depends on. */
#ifndef MD_ENGINE_HOST_H
#define MD_ENGINE_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "engine/profile.h"

/* Fills kernel, cpus, ground.counts_swap and huge_pages; the other fields stay. */
int host_describe(struct profile_host *h, struct md_error *err);

/* Frees what host_describe() made. */
void host_done(struct profile_host *h);

/* A size of huge pages as the kernel's folders name it, "hugepages-2048kB", in the words of
 * cgroups: "2MB". -1 if that is no such name. Pure. */
int host_huge_page_name(const char *folder, char *to, size_t room);

#endif
