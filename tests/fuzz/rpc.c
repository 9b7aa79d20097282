/* SPDX-License-Identifier: MIT */
/*
 * The reader of the socket: bytes in pieces of odd sizes, lines, messages, parameters; and the way
 * back: what was parsed must be written as something that parses to the same.
 */
#include "base/bytes.h"
#include "rpc/error.h"
#include "rpc/lines.h"
#include "rpc/message.h"
#include "rpc/params.h"
#include "rpc/text.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A broken property is a finding: the fuzzer reports the trap. */
static void require(bool property)
{
	if (!property)
		__builtin_trap();
}

static void read_params(struct json_object *params)
{
	static const char *const names[] = {"timeout_us", "name", "replace", NULL};
	const char *name = "";
	struct suture_error err;
	uint64_t timeout = 0;
	bool replace = false;

	rpc_params_only(params, names, &err);
	if (!rpc_params_u64(params, "timeout_us", 1000, &timeout, &err))
		require(timeout <= 1000);
	if (!rpc_params_need_string(params, "name", 64, &name, &err))
		require(*name && strlen(name) <= 64);
	rpc_params_bool(params, "replace", &replace, &err);
}

static void write_back(const struct rpc_message *message)
{
	struct bytes out = {0}, text = {0};
	struct rpc_message again;
	struct suture_error err;

	rpc_add_text(&text, message->root);
	bytes_fini(&text);
	if (message->kind == RPC_FAILURE) {
		rpc_error_read(message->error, &err, NULL);
		json_object_put(rpc_error_object(&err, 0, message->error));
	}
	if (message->kind == RPC_RESULT)
		rpc_add_result(&out, message->id, message->result);
	else if (message->kind == RPC_FAILURE)
		rpc_add_failure(&out, message->id, message->error);
	else
		rpc_add_result(&out, message->id, message->params);
	require(bytes_ok(&out) && out.size && out.data[out.size - 1] == '\n');
	require(!memchr(out.data, '\n', out.size - 1));
	require(!rpc_message_parse((char *)out.data, out.size - 1, RPC_FROM_AGENT, &again, &err));
	require(json_object_equal(again.id, message->id));
	rpc_message_fini(&again);
	bytes_fini(&out);
}

static void read_line(const char *line, size_t length, enum rpc_side side)
{
	struct rpc_message message;
	struct suture_error err;

	if (!rpc_message_parse(line, length, side, &message, &err)) {
		if (message.kind == RPC_REQUEST || message.kind == RPC_NOTIFICATION)
			read_params(message.params);
		write_back(&message);
	} else {
		require(err.code != SUTURE_OK && message.number != 0);
	}
	rpc_message_fini(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t piece = size ? data[0] % 61 + 1 : 1;
	enum rpc_side side = size && data[0] & 0x80 ? RPC_FROM_AGENT : RPC_FROM_CLIENT;
	struct rpc_lines lines;
	struct suture_error err;
	size_t length, room;
	char *line, *to;
	int rc = 0;

	rpc_lines_init(&lines, 2048);
	for (size_t done = 0; done < size && rc >= 0; done += piece) {
		if (piece > size - done)
			piece = size - done;
		to = rpc_lines_room(&lines, &room);
		require(to && room >= piece);
		memcpy(to, data + done, piece);
		rpc_lines_added(&lines, piece);
		while ((rc = rpc_lines_next(&lines, &line, &length, &err)) > 0) {
			require(length <= 2048 && line[length] == '\0');
			read_line(line, length, side);
		}
	}
	rpc_lines_fini(&lines);
	return 0;
}
