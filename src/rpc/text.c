/* SPDX-License-Identifier: MIT */
/* JSON as text; see text.h. */
#include "rpc/text.h"

#include <string.h>

static void add_plain(struct bytes *out, const char *text)
{
	for (; *text; text++) {
		char byte = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;

		bytes_add(out, &byte, 1);
	}
}

static bool is_scalar(struct json_object *value)
{
	return !json_object_is_type(value, json_type_object) &&
	       !json_object_is_type(value, json_type_array);
}

static void add_scalar(struct bytes *out, struct json_object *value)
{
	const char *text = value ? json_object_get_string(value) : "-";

	add_plain(out, text ? text : "-");
}

static void add_value(struct bytes *out, struct json_object *value, int indent);

static void add_member(struct bytes *out, const char *key, struct json_object *value, int indent)
{
	bytes_add_format(out, "%*s", indent, "");
	add_plain(out, key);
	if (is_scalar(value)) {
		bytes_add_format(out, ": ");
		add_scalar(out, value);
		bytes_add_format(out, "\n");
	} else {
		bytes_add_format(out, ":\n");
		add_value(out, value, indent + 2);
	}
}

static void add_item(struct bytes *out, struct json_object *value, int indent)
{
	if (is_scalar(value)) {
		bytes_add_format(out, "%*s", indent, "");
		add_scalar(out, value);
		bytes_add_format(out, "\n");
	} else {
		bytes_add_format(out, "%*s-\n", indent, "");
		add_value(out, value, indent + 2);
	}
}

/* Depth is that of values made by us or admitted by rpc_json_parse(): recursion is bounded. */
static void add_value(struct bytes *out, struct json_object *value, int indent)
{
	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach (value, key, inner)
			add_member(out, key, inner, indent);
	} else if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++)
			add_item(out, json_object_array_get_idx(value, i), indent);
	} else {
		add_item(out, value, indent);
	}
}

void rpc_add_text(struct bytes *out, struct json_object *value)
{
	add_value(out, value, 0);
}
