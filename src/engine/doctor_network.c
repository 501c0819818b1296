/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_network.c - can workspaces have a network, and does another firewall of the host let them through? */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "base/str.h"
#include "engine/doctor.h"
#include "network/network.h"
#include "network/others.h"
#include "base/poison.h"

struct network_try {
	struct md_error why;
};

static int probe_network(void *data)
{
	struct network_try *t = data;

	if (unshare(CLONE_NEWNET) < 0)
		return md_fail_errno(&t->why, "a network namespace");
	return network_probe(&t->why);
}

static void judge_network(const struct network_try *t, struct doctor_result *r)
{
	_auto_buf_ struct buf resolvers = BUF_INIT(4096);

	network_resolv_conf(&resolvers);
	if (t->why.code)
		doctor_weaker(r, t->why.msg,
			"workspaces have no network but their loopback: the kernel needs nf_tables "
			"(nft_ct, nft_nat, nft_masq, nft_fib), bridge and veth, and this user "
			"CAP_NET_ADMIN");
	else if (!resolvers.len)
		doctor_weaker(r, "bridge, NAT and filter, but no name server",
			"/etc/resolv.conf names none but on loopback, which workspaces don't "
			"reach: "
			"names are not found inside");
	else
		doctor_ok(r, "bridge, NAT and filter by nf_tables");
}

/* All of it, in a namespace that is gone afterwards. The child's words come by shared memory. */
void doctor_check_network(struct engine *e _unused_, struct doctor_result *r)
{
	struct network_try *t =
		mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (t == MAP_FAILED) {
		doctor_weaker(r, strerror(errno), "the network can't be tried");
		return;
	}
	if (doctor_in_child(probe_network, t) && !t->why.code)
		md_fail(&t->why, EIO, "the trial ended without a word");
	judge_network(t, r);
	munmap(t, sizeof(*t));
}

/* Whoever drops what is forwarded drops ours, too: what one table drops no other can take back. */
void doctor_check_firewall(struct engine *e _unused_, struct doctor_result *r)
{
	struct md_error err = MD_ERROR_INIT;
	struct network_others o;
	char found[128], advice[256];

	if (network_others(&o, &err) < 0) {
		doctor_weaker(r, err.msg,
			"whether the host's firewall lets workspaces through is not known");
		return;
	}
	snprintf(found, sizeof(found), "%s drops what is forwarded", o.dropper);
	if (o.legacy || str_eq(o.dropper, "table ip filter"))
		snprintf(advice, sizeof(advice),
			"workspaces on a bridge reach nothing: %s -I FORWARD -i mdocker+ -j "
			"ACCEPT; %s -I "
			"FORWARD -o mdocker+ -j ACCEPT (our own rules still hold)",
			o.legacy ? "iptables-legacy" : "iptables",
			o.legacy ? "iptables-legacy" : "iptables");
	else
		snprintf(advice, sizeof(advice),
			"workspaces on a bridge reach nothing: its forward chain must accept "
			"iifname and "
			"oifname \"mdocker*\" (our own rules still hold)");
	if (o.drops)
		doctor_weaker(r, found, advice);
	else if (o.forwards)
		doctor_ok(r, "%s has rules about what is forwarded; they don't stop workspaces",
			o.who);
	else
		doctor_ok(r, "nobody else has rules about what is forwarded");
}
