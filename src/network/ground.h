/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ground.h - what all workspaces stand on: the rules, the bridges, forwarding. For the files of this folder.
 *
 * Their names and addresses are fixed, so one installation (ROOT) in a network namespace has them; the alias of the first bridge
 * says which (ip-link(8): `ip -d link show mdocker0`).
 */
#ifndef MD_NETWORK_GROUND_H
#define MD_NETWORK_GROUND_H

#include "network/state.h"

/* Are the bridges ours, or may they be? EBUSY names the other installation. One whose folder is gone and that has no port left here
 * is succeeded. */
int ground_claim(struct network *n, struct md_error *err);

/* The same, and they are ours afterwards: the first bridge is there. */
int ground_take(struct network *n, struct md_error *err);

/* The rules with the elements of all attached workspaces, in one transaction. */
int ground_load_rules(struct network *n, struct md_error *err);

/* The index of bridge `number`, made and set up if it isn't there. */
int ground_need_bridge(
	struct network *n, unsigned int number, unsigned int *ret_index, struct md_error *err);

#endif
