/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding.h - net.ipv4.ip_forward of the present network namespace: switched on for workspaces, and off again by `mdocker network
 * rm` if it was we who did it and nobody else came to need it. ROOT/network/forwarding says that it was we, and in which life of which
 * namespace: "BOOT-ID INODE".
 */
#ifndef MD_NETWORK_FORWARDING_H
#define MD_NETWORK_FORWARDING_H

#include "base/error.h"

/* On, and written down in the folder `dir` if it wasn't. */
int forwarding_need(int dir, struct md_error *err);

/* On, in a namespace that is gone afterwards. */
int forwarding_try(struct md_error *err);

/* Any knob of the namespace that we need at "1"; written only if it differs. */
int forwarding_knob(const char *path, struct md_error *err);

/* Off again if `dir` says that we switched it on; not while somebody else has rules about forwarded packets. */
int forwarding_give_back(int dir, struct md_error *err);

#endif
