/* SPDX-License-Identifier: MIT */
/* Errors on the wire; see error.h. */
#include "rpc/error.h"

#include "base/error.h"

#include <stdio.h>

static int number_of(enum suture_code code)
{
	switch (code) {
	case SUTURE_E_PROTOCOL:
		return RPC_NUMBER_INVALID_REQUEST;
	case SUTURE_E_USAGE:
		return RPC_NUMBER_INVALID_PARAMS;
	case SUTURE_E_INTERNAL:
		return RPC_NUMBER_INTERNAL;
	default:
		return RPC_NUMBER_SUTURE;
	}
}

struct json_object *rpc_error_document(const struct suture_error *err)
{
	struct json_object *document = json_object_new_object();

	if (!rpc_json_add(document, "code", rpc_json_string(suture_code_name(err->code))) ||
	    !rpc_json_add(document, "message", rpc_json_string(err->message)) ||
	    !rpc_json_add(document, "next", rpc_json_string(err->next))) {
		json_object_put(document);
		return NULL;
	}
	return document;
}

struct json_object *rpc_error_object(const struct suture_error *err, int number,
				     struct json_object *details)
{
	struct json_object *object = json_object_new_object();
	struct json_object *data = rpc_error_document(err);

	if (!number)
		number = number_of(err->code);
	if (data && json_object_is_type(details, json_type_object)) {
		json_object_object_foreach (details, key, value) {
			if (!json_object_object_get_ex(data, key, NULL))
				rpc_json_add(data, key, json_object_get(value));
		}
	}
	if (!rpc_json_add(object, "code", json_object_new_int(number)) ||
	    !rpc_json_add(object, "message", rpc_json_string(err->message)) ||
	    !rpc_json_add(object, "data", data)) {
		json_object_put(object);
		return NULL;
	}
	return object;
}

void rpc_error_read(struct json_object *error, struct suture_error *err, struct json_object **data)
{
	struct json_object *inner = rpc_json_get_object(error, "data");
	const char *message = rpc_json_get_string(error, "message", "no message");
	const char *name = rpc_json_get_string(inner, "code", NULL);
	enum suture_code code = SUTURE_E_INTERNAL;

	if (data)
		*data = inner;
	if (name)
		code = suture_code_from_name(name);
	else if (rpc_json_get_int(error, "code", 0) == RPC_NUMBER_UNKNOWN_METHOD)
		code = SUTURE_E_UNSUPPORTED;
	else if (rpc_json_get_int(error, "code", 0) == RPC_NUMBER_INVALID_PARAMS)
		code = SUTURE_E_USAGE;
	error_set(err, code, "%s", rpc_json_get_string(inner, "message", message));
	error_next(err, "%s", rpc_json_get_string(inner, "next", ""));
}
