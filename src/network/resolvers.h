/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolvers.h - the host's name servers, as far as workspaces can reach them: those on loopback are left out.
 */
#ifndef MD_NETWORK_RESOLVERS_H
#define MD_NETWORK_RESOLVERS_H

#include "network/rules.h"

struct rules_resolvers network_find_resolvers(void);

#endif
