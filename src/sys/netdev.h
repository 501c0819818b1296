/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netdev.h - network interfaces of the host, rtnetlink(7). -1 and errno.
 */
#ifndef MD_SYS_NETDEV_H
#define MD_SYS_NETDEV_H

#include "base/compiler.h"

/* Moves the interface `name` of the caller's network namespace into that of `netns` (a descriptor), where it is called `new_name` (NULL:
 * the same). It keeps its permanent addresses of global scope and is up there. ENODEV: there is none; EEXIST: the name is taken there. */
int netdev_move(const char *name, int netns, const char *new_name);

#endif
