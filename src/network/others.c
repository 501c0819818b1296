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

/* A ruleset as nft(8) prints it, read a line at a time. */
struct reading {
	int depth;        /* of braces: 1 in a table, 2 in a chain */
	char table[64];   /* "ip filter" */
	bool ours;        /* or of a family that forwards no addresses */
	bool forwards;    /* has chains about what is forwarded */
	bool drops;       /* one of them by its policy or its last rule */
	bool names_us;    /* what becomes of our bridges there is its owner's decision */
	bool in_forward;  /* the chain has the hook */
	const char *last; /* rule of the chain */
};

/* "drop", "reject with ...", also counted, for all that came so far. */
static bool is_final(const char *rule)
{
	unsigned long long packets, bytes;
	int skip = 0;

	if (!rule)
		return false;
	if (sscanf(rule, "counter packets %llu bytes %llu %n", &packets, &bytes, &skip) == 2)
		rule += skip;
	return str_starts(rule, "drop") || str_starts(rule, "reject");
}

static void begin_table(struct reading *r, const char *name)
{
	*r = (struct reading){ .depth = 1 };
	snprintf(r->table, sizeof(r->table), "%.*s", (int)strcspn(name, "{"), name);
	while (*r->table && str_ends(r->table, " "))
		r->table[strlen(r->table) - 1] = '\0';
	r->ours = str_ends(r->table, " mdocker") ||
		  !(str_starts(r->table, "ip ") || str_starts(r->table, "inet "));
}

static void end_table(const struct reading *r, struct network_others *o)
{
	char who[96];

	snprintf(who, sizeof(who), "table %s", r->table);
	if (!r->ours && r->forwards)
		note(o, r->drops && !r->names_us, who);
}

static void read_line(struct reading *r, const char *line, struct network_others *o)
{
	if (r->depth == 0 && str_starts(line, "table ")) {
		begin_table(r, line + strlen("table "));
		return;
	}
	/* Docker's place for others: we will be named there (rules_join_docker()). */
	r->names_us = r->names_us || strstr(line, "\"mdocker*\"") ||
		      str_starts(line, "chain DOCKER-USER {");
	if (r->depth == 1 && str_starts(line, "chain ")) {
		r->in_forward = false;
		r->last = NULL;
	} else if (r->depth == 2 && str_starts(line, "type ")) {
		r->in_forward = str_starts(line, "type filter hook forward ");
		r->forwards = r->forwards || r->in_forward ||
			      str_starts(line, "type nat hook postrouting ");
		r->drops = r->drops || (r->in_forward && strstr(line, "policy drop"));
	} else if (r->depth == 2 && *line != '}') {
		r->last = line;
	}
	for (const char *p = line; *p; p++)
		r->depth += (*p == '{') - (*p == '}');
	if (r->depth == 1 && *line == '}' && r->in_forward) {
		r->drops = r->drops || is_final(r->last);
		r->in_forward = false;
	}
	if (r->depth == 0)
		end_table(r, o);
}

void network_others_read(char *ruleset, struct network_others *o)
{
	struct reading r = { 0 };
	char *line;

	while ((line = strsep(&ruleset, "\n"))) {
		line += strspn(line, " \t");
		if (*line)
			read_line(&r, line, o);
	}
}

static int look_at_tables(struct network_others *o, struct md_error *err)
{
	_auto_rules_ struct rules r = { NULL };
	_auto_free_ char *text = NULL;

	if (rules_open(&r, err) < 0 || rules_list_all(&r, err) < 0)
		return md_wrap(err, "look at the host's firewall");
	text = strdup(rules_said(&r));
	if (!text)
		return md_fail(err, ENOMEM, "look at the host's firewall: out of memory");
	network_others_read(text, o);
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
