/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/probe.h"

#include <openssl/x509.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "json/json_read.h"
#include "server/probe_link.h"
#include "base/poison.h"

enum { CHECK_SECONDS = 5, EXPIRY_DAYS = 14 };

struct result {
	const char *level;
	char found[256], advice[384];
};

struct probe {
	struct public_url url;
	struct probe_reply reply;
	struct result result;
};

_printf_(4, 5) static void say(
	struct probe *p, const char *level, const char *found, const char *fmt, ...)
{
	va_list ap;

	p->result.level = level;
	snprintf(p->result.found, sizeof(p->result.found), "%s", found);
	va_start(ap, fmt);
	vsnprintf(p->result.advice, sizeof(p->result.advice), fmt, ap);
	va_end(ap);
}

static void say_ok(struct probe *p, const char *found)
{
	say(p, "ok", found, "%s", "");
}

static int open_link(struct probe *p, struct probe_link *l, struct md_error *err)
{
	if (probe_connect(l, &p->url, err) < 0)
		return -1;
	return p->url.tls ? probe_secure(l, &p->url, err) : 0;
}

static void check_reach(struct probe *p)
{
	_auto_probe_link_ struct probe_link l = PROBE_LINK_INIT;
	struct md_error err = MD_ERROR_INIT;
	char found[256];

	snprintf(found, sizeof(found), "%s port %s", p->url.host, p->url.port);
	if (probe_connect(&l, &p->url, &err) < 0)
		say(p, "broken", err.msg,
			"nobody gets there: the name (DNS), the firewall, and whether the proxy "
			"or mdockerd listens on that port");
	else
		say_ok(p, found);
}

/* A certificate that verifies; how long does it? */
static void judge_expiry(struct probe *p, const X509 *cert)
{
	struct tm end = { 0 };
	time_t now = time(NULL), soon = now + EXPIRY_DAYS * 86400;
	char day[32] = "", found[64];

	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &end) == 1)
		strftime(day, sizeof(day), "%Y-%m-%d", &end);
	snprintf(found, sizeof(found), "good until %s", day);
	if (X509_cmp_time(X509_get0_notAfter(cert), &soon) < 0)
		say(p, "weaker", found, "renew it: fewer than %d days are left", EXPIRY_DAYS);
	else
		say_ok(p, found);
}

static void judge_certificate(struct probe *p, long verdict)
{
	static const struct {
		long verdict;
		const char *advice;
	} known[] = {
		{ X509_V_ERR_HOSTNAME_MISMATCH, "it is made out to other names" },
		{ X509_V_ERR_IP_ADDRESS_MISMATCH, "it is not made out to this address" },
		{ X509_V_ERR_CERT_HAS_EXPIRED, "renew it" },
		{ X509_V_ERR_CERT_NOT_YET_VALID, "the clock here or of its issuer is wrong" },
		{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
			"serve the whole chain (fullchain.pem), or its issuer is unknown here" },
		{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
			"serve the whole chain (fullchain.pem), or its issuer is unknown here" },
	};
	const char *advice = "only browsers that know its issuer take it";

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i].verdict == verdict)
			advice = known[i].advice;
	}
	say(p, "broken", X509_verify_cert_error_string(verdict),
		"browsers refuse this certificate for '%s': %s", p->url.host, advice);
}

static void check_certificate(struct probe *p)
{
	_auto_probe_link_ struct probe_link l = PROBE_LINK_INIT;
	struct md_error err = MD_ERROR_INIT;
	X509 *cert;

	if (!p->url.tls) {
		say(p, "weaker", "plain http",
			"passwords cross the network in clear: TLS, by a proxy or by tls-cert and "
			"tls-key");
		return;
	}
	if (open_link(p, &l, &err) < 0) {
		say(p, "broken", err.msg, "that port must speak TLS");
		return;
	}
	cert = SSL_get1_peer_certificate(l.tls);
	if (SSL_get_verify_result(l.tls) != X509_V_OK || !cert)
		judge_certificate(p, SSL_get_verify_result(l.tls));
	else
		judge_expiry(p, cert);
	X509_free(cert);
}

/* What the reply's JSON says under `key`, "" if that isn't a text; the error texts of mdockerd have "code". */
static void reply_word(const struct probe *p, const char *key, char *to, size_t room)
{
	_auto_json_ struct json_doc d = JSON_DOC_INIT;
	struct md_error ignored = MD_ERROR_INIT;
	struct json_node root;
	const char *word = "";

	if (json_parse(&d, p->reply.body, strlen(p->reply.body), &ignored) == 0 &&
		json_root(&d, &root, &ignored) == 0)
		json_get_string(&root, key, &word, &ignored);
	snprintf(to, room, "%s", word);
}

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* What goes wrong in the same way for pages and WebSockets. False: nothing of that. */
static bool judge_common(struct probe *p, const char *code)
{
	int status = p->reply.status;
	char found[64];

	snprintf(found, sizeof(found), "HTTP %d%s%s", status, *code ? " " : "", code);
	if (str_eq(code, "unknown_host"))
		say(p, "broken", found,
			"mdockerd does not answer to '%s': allow-host = %s; and the proxy must "
			"pass it on (Host: $http_host)",
			p->url.authority, p->url.host);
	else if (is_redirect(status))
		say(p, "broken", found, "it is elsewhere: give '%.200s'", p->reply.location);
	else if (status == 404 && *code)
		say(p, "broken", found,
			"mdockerd has nothing below '%s/': base-path must be the path that the "
			"proxy passes on",
			p->url.path);
	else if (status == 404)
		say(p, "broken", found,
			"something else than mdockerd answers below '%s/': the proxy's location "
			"and base-path must be the same",
			p->url.path);
	else if (status >= 500 && !*code)
		say(p, "broken", found,
			"the proxy doesn't reach mdockerd: does it run, and is the proxy's target "
			"where it listens?");
	else
		return false;
	return true;
}

static int get(struct probe *p, const char *path, const char *headers)
{
	_auto_probe_link_ struct probe_link l = PROBE_LINK_INIT;
	struct md_error err = MD_ERROR_INIT;

	if (open_link(p, &l, &err) == 0 &&
		probe_get(&l, &p->url, path, headers, &p->reply, &err) == 0)
		return 0;
	say(p, "broken", err.msg, "what listens there must speak %s and pass it on to mdockerd",
		p->url.tls ? "https" : "http");
	return -1;
}

static void check_page(struct probe *p)
{
	char code[64], version[64], found[128];

	if (get(p, "/api/v1/config", "Connection: close\r\n") < 0)
		return;
	reply_word(p, "code", code, sizeof(code));
	reply_word(p, "version", version, sizeof(version));
	if (judge_common(p, code))
		return;
	snprintf(found, sizeof(found), "mdockerd %s below '%s/'", version, p->url.path);
	if (p->reply.status == 200 && *version) {
		say_ok(p, found);
		return;
	}
	snprintf(found, sizeof(found), "HTTP %d", p->reply.status);
	say(p, "broken", found,
		"something else than mdockerd answers there: the proxy's target, its location, a "
		"login page in front");
}

/* The reply to check_page() says how the request looked to the server. */
static void check_forwarded(struct probe *p)
{
	static const struct {
		const char *seen, *level, *found, *advice;
	} table[] = {
		{ "none", "ok", "no proxy: addresses are the people's own", "" },
		{ "trusted", "ok", "those of the proxy count", "" },
		{ "untrusted", "weaker", "they come from an address that is not trusted",
			"all people look like the proxy to login limits, and https like http: "
			"trusted-proxy = the proxy's address" },
		{ "unnamed", "weaker", "the proxy sends no X-Forwarded-For",
			"all people look like the proxy to login limits: proxy_set_header "
			"X-Forwarded-For $remote_addr" },
		{ "insecure", "weaker", "mdockerd takes https for http",
			"its cookie is sent over http, too, and its pages look foreign: "
			"proxy_set_header X-Forwarded-Proto $scheme, and trusted-proxy = the "
			"proxy's address" },
	};
	char proxy[32], scheme[8];

	reply_word(p, "proxy", proxy, sizeof(proxy));
	reply_word(p, "scheme", scheme, sizeof(scheme));
	if (p->url.tls && str_eq(scheme, "http") && !str_eq(proxy, "untrusted"))
		snprintf(proxy, sizeof(proxy), "insecure");
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (str_eq(table[i].seen, proxy))
			say(p, table[i].level, table[i].found, "%s", table[i].advice);
	}
	if (!p->result.level)
		say(p, "weaker", "unknown", "this mdockerd is older than this check");
}

static const char upgrade_advice[] =
	"the proxy takes the upgrade away: proxy_http_version 1.1, proxy_set_header Upgrade "
	"$http_upgrade and proxy_set_header Connection upgrade";

/* Without a login mdockerd refuses the upgrade with 401 as the last of its checks. */
static void check_socket(struct probe *p)
{
	char headers[512], code[64], found[96];

	snprintf(headers, sizeof(headers),
		"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: bWRvY2tlci1kb2N0b3ItMQ==\r\nOrigin: %s://%s\r\n",
		p->url.tls ? "https" : "http", p->url.authority);
	if (get(p, "/ws", headers) < 0)
		return;
	reply_word(p, "code", code, sizeof(code));
	if (judge_common(p, code))
		return;
	snprintf(found, sizeof(found), "HTTP %d%s%s", p->reply.status, *code ? " " : "", code);
	if (p->reply.status == 101 || str_eq(code, "no_session"))
		say_ok(p, "the upgrade arrives; a login is asked for");
	else if (str_eq(code, "foreign_origin"))
		say(p, "broken", found,
			"mdockerd takes its own page for a foreign one: allow-origin = %s://%s, "
			"once its forwarded headers are right",
			p->url.tls ? "https" : "http", p->url.authority);
	else if (p->reply.status == 426 || p->reply.status == 400 || p->reply.status == 200)
		say(p, "broken", found, "%s", upgrade_advice);
	else
		say(p, "broken", found, "something before mdockerd refuses WebSockets");
}

static const struct check {
	const char *name;
	void (*run)(struct probe *p);
} checks[] = {
	{ "public address", check_reach },
	{ "certificate", check_certificate },
	{ "base path", check_page },
	{ "forwarded headers", check_forwarded },
	{ "WebSocket path", check_socket },
};

/* The check that runs, for on_alarm(). */
static char late[256];

static void on_alarm(int sig _unused_)
{
	if (write(STDOUT_FILENO, late, strlen(late)) < 0)
		_exit(2);
	_exit(1);
}

static void print_result(const char *name, const struct result *r)
{
	printf("%s\t%s\t%s\t%s\n", r->level, name, r->found, r->advice);
	fflush(stdout);
}

int probe_main(const char *url)
{
	static struct probe p;
	struct md_error err = MD_ERROR_INIT;

	signal(SIGALRM, on_alarm);
	signal(SIGPIPE, SIG_IGN);
	if (!url) {
		say_ok(&p, "not tried: public-url is not set (`mdocker doctor --url URL`)");
		print_result(checks[0].name, &p.result);
		return 0;
	}
	if (public_url_parse(url, &p.url, &err) < 0) {
		say(&p, "broken", err.msg, "public-url is what people type into their browsers");
		print_result(checks[0].name, &p.result);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		snprintf(late, sizeof(late),
			"broken\t%s\tno answer within %d s\ta firewall that drops, or a name "
			"server or a proxy's target that hangs\n",
			checks[i].name, CHECK_SECONDS);
		p.result = (struct result){ .level = NULL };
		alarm(CHECK_SECONDS);
		checks[i].run(&p);
		alarm(0);
		print_result(checks[i].name, &p.result);
		if (str_eq(p.result.level, "broken"))
			return 1;
	}
	return 0;
}
