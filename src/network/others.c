/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "network/others.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "network/rules.h"
#include "base/poison.h"

enum { LEGACY_MAX = 16 << 20 };

static void note(struct network_others *o, bool drops, const char *who)
{
	if (!o->forwards)
		snprintf(o->who, sizeof(o->who), "%s", who);
	o->forwards = true;
	if (drops && !o->drops)
		snprintf(o->dropper, sizeof(o->dropper), "%s", who);
	o->drops = o->drops || drops;
}

/* Are our bridges named anywhere in the table ("ip filter")? What becomes of them there is its owner's decision; in DOCKER-USER
 * they will be (rules_join_docker()). */
static bool names_us(struct rules *r, const char *table)
{
	_auto_free_ char *command = str_format("list table %s\n", table);

	if (!command || rules_run(r, command, NULL) < 0)
		return false;
	return strstr(rules_said(r), "\"mdocker*\"") ||
	       strstr(rules_said(r), "chain DOCKER-USER {");
}

/* "table ip filter {" and below it "type filter hook forward priority filter; policy drop;", as nft(8) lists chains. */
static void judge_line(struct network_others *o, struct rules *r, char table[96], const char *line)
{
	bool forward, nat;

	if (str_starts(line, "table ")) {
		snprintf(table, 96, "%.*s", (int)strcspn(line + 6, "{") - 1, line + 6);
		return;
	}
	/* A bridge's own ports are no forwarding of addresses. */
	if (str_ends(table, " mdocker") ||
		!(str_starts(table, "ip ") || str_starts(table, "inet ")))
		return;
	forward = strstr(line, "type filter hook forward ") != NULL;
	nat = strstr(line, "type nat hook postrouting ") != NULL;
	if (forward || nat) {
		_auto_free_ char *who = str_format("table %s", table);

		note(o, forward && strstr(line, "policy drop") && !names_us(r, table),
			who ? who : table);
	}
}

static int look_at_tables(struct network_others *o, struct md_error *err)
{
	_auto_rules_ struct rules r = { NULL };
	_auto_free_ char *text = NULL;
	char table[96] = "", *rest, *line;

	if (rules_open(&r, err) < 0 || rules_run(&r, "list chains\n", err) < 0)
		return md_wrap(err, "look at the host's firewall");
	text = strdup(rules_said(&r));
	if (!text)
		return md_fail(err, ENOMEM, "look at the host's firewall: out of memory");
	for (rest = text; (line = strsep(&rest, "\n"));)
		judge_line(o, &r, table, line + strspn(line, " \t"));
	return 0;
}

/* The verdict of the chain's policy: the last entry of its hook. */
static bool legacy_policy_drops(const struct ipt_getinfo *info, const struct ipt_get_entries *all)
{
	const char *from = (const char *)all->entrytable;
	unsigned int at = info->underflow[NF_INET_FORWARD];
	const struct ipt_entry *e = (const void *)(from + at);
	const struct xt_standard_target *t;

	if (at + sizeof(*e) > all->size || at + e->target_offset + sizeof(*t) > all->size)
		return false;
	t = (const void *)(from + at + e->target_offset);
	return t->verdict == -NF_DROP - 1;
}

static bool legacy_names_us(const struct ipt_get_entries *all)
{
	const char *from = (const char *)all->entrytable;

	for (unsigned int at = 0; at + sizeof(struct ipt_entry) <= all->size;) {
		const struct ipt_entry *e = (const void *)(from + at);

		if (str_starts(e->ip.iniface, "mdocker") || str_starts(e->ip.outiface, "mdocker"))
			return true;
		if (e->next_offset == 0)
			break;
		at += e->next_offset;
	}
	return false;
}

/* Asks the kernel as iptables-legacy(8) does (linux/netfilter_ipv4/ip_tables.h), if its table is loaded: asking for one that isn't
 * loads it. */
static int look_at_legacy(struct network_others *o, struct md_error *err)
{
	_auto_free_ char *names = NULL;
	_auto_free_ struct ipt_get_entries *all = NULL;
	_auto_close_ int fd = -1;
	struct ipt_getinfo info = { .name = "filter" };
	socklen_t len = sizeof(info);
	bool drops;

	if (file_read(AT_FDCWD, "/proc/net/ip_tables_names", 4096, &names, NULL) < 0 || !*names)
		return 0;
	if (strstr(names, "nat"))
		note(o, false, "iptables-legacy");
	if (!strstr(names, "filter"))
		return 0;
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd < 0 || getsockopt(fd, IPPROTO_IP, IPT_SO_GET_INFO, &info, &len) < 0 ||
		info.size > LEGACY_MAX)
		return md_fail_errno(err, "look at the host's firewall: iptables-legacy");
	len = (socklen_t)(sizeof(*all) + info.size);
	all = calloc(1, len);
	if (!all)
		return md_fail(err, ENOMEM, "look at the host's firewall: out of memory");
	memcpy(all->name, info.name, sizeof(all->name));
	all->size = info.size;
	if (getsockopt(fd, IPPROTO_IP, IPT_SO_GET_ENTRIES, all, &len) < 0)
		return md_fail_errno(err, "look at the host's firewall: iptables-legacy");
	drops = legacy_policy_drops(&info, all) && !legacy_names_us(all);
	o->legacy = drops && !o->drops;
	note(o, drops, "iptables-legacy");
	return 0;
}

int network_others(struct network_others *ret, struct md_error *err)
{
	*ret = (struct network_others){ .forwards = false };
	if (look_at_tables(ret, err) < 0)
		return -1;
	return look_at_legacy(ret, err);
}
