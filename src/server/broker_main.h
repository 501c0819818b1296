/* SPDX-License-Identifier: Apache-2.0 */
/* broker_main.h - the entry of the root role, for main.c. */
#ifndef MD_SERVER_BROKER_MAIN_H
#define MD_SERVER_BROKER_MAIN_H

#include "server/config.h"

/* Serves until SIGTERM or SIGINT. Takes over what *config owns; `self` is argv[0]. Returns the exit code. */
int broker_main(const struct server_config *config, char *self);

#endif
