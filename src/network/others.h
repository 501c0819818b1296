/* SPDX-License-Identifier: Apache-2.0 */
/*
 * others.h - who else on this host has a say about packets that are forwarded: tables of nftables (iptables-nft has some, Docker,
 * firewalld), and the older tables of iptables-legacy. Only reads, loads no module.
 */
#ifndef MD_NETWORK_OTHERS_H
#define MD_NETWORK_OTHERS_H

#include <stdbool.h>

#include "base/error.h"

struct network_others {
	bool forwards; /* somebody filters or translates what is forwarded */
	char who[96];  /* the first of them: "table ip filter" */
	bool drops;    /* somebody's policy is drop, and our bridges are no exception there */
	bool legacy;   /* that one is iptables-legacy */
	char dropper[96];
};

int network_others(struct network_others *ret, struct md_error *err);

#endif
