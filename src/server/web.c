/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/web.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "server/peers.h"
#include "server/role.h"
#include "server/sandbox.h"
#include "server/tls.h"
#include "sys/haste.h"
#include "base/poison.h"

enum {
	HEADER_BYTES = 32 << 10,
	HEADER_SECONDS = 10,
	/* Requests whose headers are being read or held; each has HEADER_BYTES. */
	HEADER_POOL = 2048,
	SERVICE_BYTES = 64 << 10,
};

struct web web;

static void on_lws_log(int level, const char *line)
{
	size_t len = strlen(line);

	while (len && line[len - 1] == '\n')
		len--;
	log_write(
		level == LLL_ERR ? LOG_WARNING : LOG_DEBUG, "libwebsockets: %.*s", (int)len, line);
}

static int make_context(struct md_error *err)
{
	void *loops[] = { &web.loop };
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_LIBUV |
			   LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN |
			   LWS_SERVER_OPTION_VALIDATE_UTF8,
		.foreign_loops = loops,
		.max_http_header_data2 = HEADER_BYTES,
		.max_http_header_pool = HEADER_POOL,
		.timeout_secs = HEADER_SECONDS,
		.pt_serv_buf_size = SERVICE_BYTES,
		.gid = -1,
		.uid = -1,
	};

	if (web.settings.tls)
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	lws_set_log_level(LLL_ERR, on_lws_log);
	if (uv_loop_init(&web.loop) != 0)
		return md_fail(err, EIO, "make the event loop");
	web.lws = lws_create_context(&info);
	if (!web.lws)
		return md_fail(err, EIO, "start libwebsockets with its libuv loop");
	return 0;
}

/* The certificate comes from the broker, who may read its file. */
static int receive_tls(struct md_error *err)
{
	union bw_message m;
	int fds[BW_MAX_FDS], r;
	bool end;

	r = broker_wire_recv(ROLE_BROKER_FD, &m, fds, &end, err);
	if (r == 1 && m.h.type == BW_TLS)
		r = tls_load(fds[0], fds[1], err);
	else if (r >= 0)
		r = md_fail(err, EPROTO, "no certificate came");
	for (size_t i = 0; i < BW_MAX_FDS; i++)
		fd_close(&fds[i]);
	return r;
}

static int start(struct md_error *err)
{
	struct sandbox sandbox = { .uid = web.settings.web_uid,
		.gid = web.settings.web_gid,
		.root = web.settings.empty_dir,
		.network = true };

	fd_set_cloexec(ROLE_LISTEN_FD, true);
	haste(0);
	if (sodium_init() < 0)
		return md_fail(err, EIO, "libsodium does not start");
	if (assets_load(&web.assets, web.settings.assets, err) < 0 || make_context(err) < 0)
		return -1;
	if ((web.settings.tls ? receive_tls(err) : tls_none(err)) < 0)
		return -1;
	if (sandbox_enter(&sandbox, err) < 0)
		return -1;
	if (peers_open(err) < 0)
		return -1;
	return web_listen(ROLE_LISTEN_FD, err);
}

int web_main(void)
{
	struct bw_ready ready = { 0 };
	struct md_error err = MD_ERROR_INIT;
	int r;

	log_init("mdockerd web");
	web.broker_fd = ROLE_BROKER_FD;
	web.auth_fd = ROLE_PEER_FD;
	if (role_receive_settings(&web.settings, &err) < 0) {
		log_error("%s", err.msg);
		return 1;
	}
	log_open(STDERR_FILENO, LOG_INFO, false);
	r = start(&err);
	if (role_send_ready(&ready, r < 0 ? &err : NULL) < 0 || r < 0)
		return 1;
	uv_run(&web.loop, UV_RUN_DEFAULT);
	/* The broker is gone. Sockets close with the process; nobody is kept waiting by an orderly end. */
	_exit(0);
}
