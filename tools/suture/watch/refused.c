/* SPDX-License-Identifier: MIT */
/* See refused.h. */
#include "cli/watch/refused.h"

#include "cli/message.h"
#include "rpc/json.h"

#include <string.h>

enum { DOCUMENT_DEPTH = 16, DOCUMENT_VALUES = 1000000 };

void refused_put(const struct child *child)
{
	struct json_object *said = NULL, *document = json_object_new_object();
	struct json_object *error = json_object_new_object(), *refusals, *first;
	const char *text = (const char *)child->out.data;

	rpc_json_parse(text, strcspn(text, "\n"), DOCUMENT_DEPTH, DOCUMENT_VALUES, &said, NULL);
	refusals = rpc_json_get_array(said, "refusals");
	first = refusals && json_object_array_length(refusals)
			? json_object_array_get_idx(refusals, 0)
			: rpc_json_get_object(said, "error");
	rpc_json_add(error, "code", rpc_json_string(rpc_json_get_string(first, "code", "BUILD")));
	rpc_json_add(error, "message",
		     rpc_json_string(rpc_json_get_string(first, "message", "the build failed")));
	rpc_json_add(error, "next", rpc_json_string(rpc_json_get_string(first, "next", "")));
	rpc_json_add(error, "exit_code", json_object_new_int(child->exit_code));
	rpc_json_add(error, "refusals",
		     refusals ? json_object_get(refusals) : json_object_new_array());
	rpc_json_add(document, "error", error);
	message_json(document, 0);
	json_object_put(said);
}
