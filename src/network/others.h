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
	bool drops; /* somebody drops it, by policy or last rule, and our bridges are no exception there */
	bool legacy; /* that one is iptables-legacy */
	char dropper[96];
};

/* What a ruleset says, as nft(8) prints it, added to *o. Pure; the text is cut up. */
void network_others_read(char *ruleset, struct network_others *o);

int network_others(struct network_others *ret, struct md_error *err);

#endif
