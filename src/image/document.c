/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "image/document.h"

#include <errno.h>
#include <string.h>

#include "json/json_read.h"
#include "json/json_write.h"
#include "base/poison.h"

bool image_layer_id_valid(const char *id)
{
	return strlen(id) == IMAGE_LAYER_ID_LEN &&
	       strspn(id, "0123456789abcdef") == IMAGE_LAYER_ID_LEN;
}

bool image_name_valid(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t len = strlen(name), slashes = 0;

	if (len == 0 || len > IMAGE_NAME_MAX || !strchr(letters, name[0]))
		return false;
	for (const char *c = name; *c; c++) {
		if (!strchr(letters, *c) && !strchr("._-:/@", *c))
			return false;
		slashes += *c == '/';
	}
	if (slashes > IMAGE_NAME_SLASHES_MAX)
		return false;
	return !strstr(name, "..") && !strstr(name, "//") && name[len - 1] != '/';
}

int image_document_write(const struct image *i, struct buf *to)
{
	struct json_writer w = { .out = to };

	json_object_begin(&w, NULL);
	json_add_string(&w, "name", i->name);
	json_add_strv(&w, "layers", i->layers.items);
	json_object_begin(&w, "config");
	json_add_strv(&w, "Env", i->config.env.items);
	json_add_strv(&w, "Entrypoint", i->config.entrypoint.items);
	json_add_strv(&w, "Cmd", i->config.cmd.items);
	json_add_string(&w, "WorkingDir", i->config.working_dir ? i->config.working_dir : "/");
	json_add_string(&w, "User", i->config.user ? i->config.user : "");
	json_object_end(&w);
	json_add_i64(&w, "created", i->created);
	json_add_u64(&w, "size", i->size);
	json_object_end(&w);
	buf_add_char(to, '\n');
	return to->failed ? -1 : 0;
}

/* A string member as an owned copy; `fallback` where it is absent. */
static int copy_string(const struct json_node *n, const char *key, const char *fallback, char **ret,
	struct md_error *err)
{
	const char *text = fallback;

	if (json_get_string(n, key, &text, err) < 0)
		return -1;
	*ret = strdup(text);
	return *ret ? 0 : md_fail(err, ENOMEM, "out of memory");
}

static int read_config(const struct json_node *root, struct image_config *c, struct md_error *err)
{
	struct json_node n;
	int r = json_get_object(root, "config", &n, err);

	if (r <= 0)
		return r < 0 ? -1 : json_fail(root, err, "config is missing");
	if (json_get_strv(&n, "Env", &c->env, err) < 0 ||
		json_get_strv(&n, "Entrypoint", &c->entrypoint, err) < 0 ||
		json_get_strv(&n, "Cmd", &c->cmd, err) < 0)
		return -1;
	if (copy_string(&n, "WorkingDir", "/", &c->working_dir, err) < 0)
		return -1;
	return copy_string(&n, "User", "", &c->user, err);
}

static int read_image(const struct json_node *root, struct image *i, struct md_error *err)
{
	if (copy_string(root, "name", "", &i->name, err) < 0 ||
		json_get_strv(root, "layers", &i->layers, err) < 0 ||
		json_get_i64(root, "created", 0, INT64_MAX, &i->created, err) < 0 ||
		json_get_u64(root, "size", UINT64_MAX, &i->size, err) < 0 ||
		read_config(root, &i->config, err) < 0)
		return -1;
	if (!image_name_valid(i->name))
		return json_fail(root, err, "name: not an image's name");
	if (i->layers.count == 0 || i->layers.count > IMAGE_LAYERS_MAX)
		return json_fail(root, err, "layers: expected 1 to %d", IMAGE_LAYERS_MAX);
	for (size_t k = 0; k < i->layers.count; k++) {
		if (!image_layer_id_valid(i->layers.items[k]))
			return json_fail(root, err, "layers[%zu]: not a layer's id", k);
	}
	return 0;
}

int image_document_read(const char *text, size_t len, struct image *ret, struct md_error *err)
{
	_auto_image_ struct image i = IMAGE_INIT;
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	struct json_node root;

	if (json_parse(&doc, text, len, err) < 0 || json_root(&doc, &root, err) < 0 ||
		read_image(&root, &i, err) < 0)
		return -1;
	*ret = i;
	i = (struct image)IMAGE_INIT;
	return 0;
}

int image_config_copy(struct image_config *to, const struct image_config *from)
{
	struct image_config c = { 0 };

	c.working_dir = strdup(from->working_dir ? from->working_dir : "/");
	c.user = strdup(from->user ? from->user : "");
	if (!c.working_dir || !c.user || strv_add_all(&c.env, from->env.items) < 0 ||
		strv_add_all(&c.entrypoint, from->entrypoint.items) < 0 ||
		strv_add_all(&c.cmd, from->cmd.items) < 0) {
		image_config_done(&c);
		return -1;
	}
	*to = c;
	return 0;
}

void image_config_done(struct image_config *c)
{
	strv_done(&c->env);
	strv_done(&c->entrypoint);
	strv_done(&c->cmd);
	free(c->working_dir);
	free(c->user);
	*c = (struct image_config){ 0 };
}

void image_done(struct image *i)
{
	free(i->name);
	strv_done(&i->layers);
	image_config_done(&i->config);
	*i = (struct image)IMAGE_INIT;
}
