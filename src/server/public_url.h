/* SPDX-License-Identifier: Apache-2.0 */
/*
 * public_url.h - the address that people type, taken apart. Pure: text in, a struct out.
 */
#ifndef MD_SERVER_PUBLIC_URL_H
#define MD_SERVER_PUBLIC_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "wire/broker_wire.h"

struct public_url {
	bool tls;
	char authority[BW_TEXT_SIZE]; /* "shell.example.org:8443", as a browser puts it into Host */
	char host[BW_TEXT_SIZE];      /* without port and brackets */
	char port[8];
	char path[BW_TEXT_SIZE]; /* "" or "/shells": no slash at its end */
};

/* "https://shell.example.org/shells", also http, with a port, "[::1]", a slash at the end. */
int public_url_parse(const char *text, struct public_url *ret, struct md_error *err);

#endif
