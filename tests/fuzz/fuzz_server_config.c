/* SPDX-License-Identifier: Apache-2.0 */
/* mdockerd's configuration file and --listen. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "server/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct server_config c = { .listen = "127.0.0.1:1", .base_path = "", .idle_seconds = 60 };
	struct md_error err = MD_ERROR_INIT;
	struct listen_address at;
	struct bw_settings s;
	char *text = malloc(len + 1);

	if (!text)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	config_parse_listen(text, &at, &err);
	if (config_parse_ini(&c, text, "x.ini", &err) == 0 &&
		config_parse_listen(c.listen, &at, &err) == 0)
		config_settle(&c, &at, &s, &err);
	config_done(&c);
	free(text);
	return 0;
}

const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
	static const char *const seeds[] = {
		"[server]\nlisten = [::1]:80\ndemo = yes\nallow-host = a\nallow-host = b\nidle = "
		"5\n",
		"[server]\nbase-path=/a/b\ntrusted-proxy = 10.0.0.0/8 ; why\n# "
		"x\nallow-origin=https://a\n",
		"127.0.0.1:8080",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return NULL;
	*ret_len = strlen(seeds[index]);
	return (const uint8_t *)seeds[index];
}
