/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mdocker reads: a workspace's document, which gives itself again when it is written and read; an image's; and a
 * stranger's passwd and group: "SPEC NUL PASSWD NUL GROUP".
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "engine/names.h"
#include "engine/user.h"
#include "engine/workspace.h"
#include "fuzz.h"
#include "image/document.h"
#include "image/store.h"

enum { DOCUMENT_MAX = 16 << 20 };

static void read_workspace(const char *text, size_t len)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT, again = WORKSPACE_INIT;
	_auto_buf_ struct buf a = BUF_INIT(DOCUMENT_MAX), b = BUF_INIT(DOCUMENT_MAX);

	if (workspace_read(text, len, &w, NULL) < 0)
		return;
	workspace_write(&w, &a);
	if (a.failed || workspace_read(a.data, a.len, &again, NULL) < 0)
		abort();
	workspace_write(&again, &b);
	if (a.len != b.len || memcmp(a.data, b.data, a.len) != 0)
		abort();
}

static void read_image(const char *text, size_t len)
{
	_auto_image_ struct image i = IMAGE_INIT, again = IMAGE_INIT;
	_auto_buf_ struct buf b = BUF_INIT(DOCUMENT_MAX);

	if (image_document_read(text, len, &i, NULL) < 0)
		return;
	for (size_t n = 0; n < i.layers.count; n++) {
		if (!image_layer_id_valid(i.layers.items[n]))
			abort();
	}
	if (image_document_write(&i, &b) < 0 ||
		image_document_read(b.data, b.len, &again, NULL) < 0)
		abort();
}

static const char *next_text(const char *text, const char *end)
{
	text += strlen(text) + 1;
	return text < end ? text : "";
}

static void look_up(const char *spec, const char *end)
{
	const char *passwd = next_text(spec, end);
	const char *group = *passwd ? next_text(passwd, end) : "";
	struct user_ids ids;

	if (user_lookup(spec, passwd, group, &ids, NULL) == 0 &&
		(ids.uid >= 65535 || ids.gid >= 65535 || ids.group_count > USER_GROUPS_MAX ||
			ids.home[0] != '/'))
		abort();
	if (workspace_id_valid(spec) && strlen(spec) != WORKSPACE_ID_LEN)
		abort();
	if (workspace_name_check(spec, NULL) == 0 && strchr(spec, '/'))
		abort();
	if (hostname_check(spec, NULL) == 0 && strlen(spec) > HOSTNAME_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_auto_free_ char *text = malloc(len + 1);

	if (!text)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	read_workspace((const char *)data, len);
	read_image((const char *)data, len);
	look_up(text, text + len);
	return 0;
}

const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
#define SEED(text)                                                                                 \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
	static const struct {
		const char *text;
		size_t len;
	} seeds[] = {
		SEED("{\"version\":1,\"id\":\"0123456789ab\",\"kind\":\"user\",\"name\":\"alice\","
		     "\"owner\":\"alice\",\"image\":\"default\",\"rootfs\":\"\",\"hostname\":"
		     "\"box\","
		     "\"network\":\"bridge\",\"egress\":\"internet\",\"profile\":\"\",\"cwd\":\"/"
		     "\","
		     "\"user\":\"\",\"boot_id\":\"\",\"terminal\":true,\"layers\":["
		     "\"0123456789abcdef\"],"
		     "\"publish\":[\"8080:80\"],\"args\":[\"/bin/"
		     "sh\"],\"env\":[\"A=b\"],\"created\":1,"
		     "\"idBase\":1048576,\"started\":2,\"limits\":{\"memory\":104857600,\"pids\":"
		     "20},"
		     "\"recording\":{\"mode\":\"always\",\"size\":1,\"total\":2,\"days\":3},"
		     "\"volumes\":[{\"source\":\"/a\",\"target\":\"/b\",\"readOnly\":true}]}\n"),
		SEED("{\"name\":\"docker.io/library/"
		     "x:1\",\"layers\":[\"0123456789abcdef\"],\"config\":{"
		     "\"Env\":[\"A=b\"],\"Cmd\":[\"/bin/sh\"],\"WorkingDir\":\"/"
		     "\",\"User\":\"1:2\"},"
		     "\"created\":1,\"size\":2}"),
		SEED("user:extra\0root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/"
		     "sh\n\0"
		     "extra:x:2000:user,root\nuser:x:1000:\n"),
		SEED("1000:65534\0\0"),
	};
#undef SEED

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return NULL;
	*ret_len = seeds[index].len;
	return (const uint8_t *)seeds[index].text;
}
