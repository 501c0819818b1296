/* SPDX-License-Identifier: Apache-2.0 */
/* The messages between the roles: what passes the check has only strings that end and enums that exist. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wire/broker_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	union bw_message m;

	/* The size is the type's, or nothing would ever pass. */
	memset(&m, 0x41, sizeof(m));
	memcpy(&m, data, len < sizeof(m) ? len : sizeof(m));
	m.h.version = BW_VERSION;
	if (broker_wire_check(&m, broker_wire_size(m.h.type), len & 1, NULL) < 0)
		return 0;
	if (m.h.type == BW_LOGIN && strlen(m.login.password) >= sizeof(m.login.password))
		abort();
	if (m.h.type == BW_SESSION && m.session.role >= BW_ROLE_COUNT)
		abort();
	if (m.h.type == BW_USERS_PAGE && m.users_page.count > BW_PAGE_USERS)
		abort();
	return 0;
}

const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
	static union bw_message m;

	if (index + 1 >= BW_TYPE_COUNT)
		return NULL;
	memset(&m, 0, sizeof(m));
	m.h.version = BW_VERSION;
	m.h.type = (uint16_t)(index + 1);
	*ret_len = broker_wire_size(m.h.type);
	return (const uint8_t *)&m;
}
