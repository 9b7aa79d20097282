/* SPDX-License-Identifier: MIT */
/* JSON-RPC 2.0 messages; see message.h. */
#include "rpc/message.h"

#include "base/error.h"

#include <string.h>

enum { METHOD_LENGTH = 64 };

static int invalid(struct rpc_message *message, struct suture_error *err, const char *what)
{
	message->number = RPC_NUMBER_INVALID_REQUEST;
	return error_set(err, SUTURE_E_PROTOCOL, "not a JSON-RPC 2.0 message: %s", what);
}

/* Ids are echoed: only kinds that come out as they went in, and short. */
static bool id_usable(struct json_object *id)
{
	if (json_object_is_type(id, json_type_string))
		return json_object_get_string_len(id) <= RPC_ID_SIZE;
	return json_object_is_type(id, json_type_int);
}

static int parse_call(struct rpc_message *message, struct json_object *method, bool has_id,
		      struct suture_error *err)
{
	struct json_object *params = NULL;

	if (!json_object_is_type(method, json_type_string))
		return invalid(message, err, "\"method\" is not text");
	message->method = json_object_get_string(method);
	if (!message->method ||
	    strlen(message->method) != (size_t)json_object_get_string_len(method) ||
	    strlen(message->method) > METHOD_LENGTH)
		return invalid(message, err, "\"method\" is no name");
	if (json_object_object_get_ex(message->root, "params", &params) && params &&
	    !json_object_is_type(params, json_type_object))
		return invalid(message, err, "\"params\" is not an object");
	message->params = params;
	message->kind = has_id ? RPC_REQUEST : RPC_NOTIFICATION;
	return 0;
}

static int parse_object(struct rpc_message *message, struct suture_error *err)
{
	struct json_object *id = NULL, *method = NULL;
	const char *version;
	bool has_id;

	if (!json_object_is_type(message->root, json_type_object))
		return invalid(message, err, "not an object (batches are not spoken)");
	has_id = json_object_object_get_ex(message->root, "id", &id);
	if (id && !id_usable(id))
		return invalid(message, err, "\"id\" is neither a whole number nor short text");
	message->id = id;
	version = rpc_json_get_string(message->root, "jsonrpc", NULL);
	if (!version || strcmp(version, "2.0") != 0)
		return invalid(message, err, "no \"jsonrpc\":\"2.0\"");
	if (json_object_object_get_ex(message->root, "method", &method))
		return parse_call(message, method, has_id, err);
	if (!has_id)
		return invalid(message, err, "neither \"method\" nor \"id\"");
	message->error = rpc_json_get_object(message->root, "error");
	message->kind = message->error ? RPC_FAILURE : RPC_RESULT;
	if (!message->error &&
	    !json_object_object_get_ex(message->root, "result", &message->result))
		return invalid(message, err, "neither \"method\" nor \"result\" nor \"error\"");
	return 0;
}

int rpc_message_parse(const char *line, size_t length, enum rpc_side side,
		      struct rpc_message *message, struct suture_error *err)
{
	size_t values = side == RPC_FROM_CLIENT ? RPC_REQUEST_VALUES : RPC_ANSWER_VALUES;
	int rc;

	*message = (struct rpc_message){.number = RPC_NUMBER_PARSE};
	rc = rpc_json_parse(line, length, RPC_DEPTH, values, &message->root, err);
	if (rc == -(int)SUTURE_E_NO_MEMORY)
		message->number = RPC_NUMBER_INTERNAL;
	return rc ? rc : parse_object(message, err);
}

void rpc_message_fini(struct rpc_message *message)
{
	json_object_put(message->root);
	*message = (struct rpc_message){0};
}

/* {"jsonrpc":"2.0" with up to three members behind it; values are borrowed for the moment. */
static void add_line(struct bytes *out, struct json_object *id, bool with_id, const char *key,
		     struct json_object *value)
{
	const char *text;

	bytes_add_format(out, "{\"jsonrpc\":\"2.0\"");
	if (with_id) {
		text = rpc_json_line(id);
		bytes_add_format(out, ",\"id\":%s", id && text ? text : "null");
	}
	text = value ? rpc_json_line(value) : "null";
	if (!text)
		out->failed = true;
	else
		bytes_add_format(out, ",\"%s\":%s}\n", key, text);
}

static void add_call(struct bytes *out, const char *method, struct json_object *params)
{
	const char *text = params ? rpc_json_line(params) : NULL;

	if (params && !text) {
		out->failed = true;
		return;
	}
	bytes_add_format(out, "\"method\":\"%s\"", method);
	if (params)
		bytes_add_format(out, ",\"params\":%s", text);
	bytes_add_format(out, "}\n");
}

void rpc_add_request(struct bytes *out, int64_t id, const char *method, struct json_object *params)
{
	bytes_add_format(out, "{\"jsonrpc\":\"2.0\",\"id\":%lld,", (long long)id);
	add_call(out, method, params);
}

void rpc_add_notification(struct bytes *out, const char *method, struct json_object *params)
{
	bytes_add_format(out, "{\"jsonrpc\":\"2.0\",");
	add_call(out, method, params);
}

void rpc_add_result(struct bytes *out, struct json_object *id, struct json_object *result)
{
	add_line(out, id, true, "result", result);
}

void rpc_add_failure(struct bytes *out, struct json_object *id, struct json_object *error)
{
	add_line(out, id, true, "error", error);
}
