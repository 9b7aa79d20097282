/* SPDX-License-Identifier: MIT */
/* One JSON-RPC 2.0 message, one line. Batches are not spoken. */
#ifndef RPC_MESSAGE_H
#define RPC_MESSAGE_H

#include "base/bytes.h"
#include "rpc/json.h"
#include "rpc/protocol.h"

enum rpc_kind { RPC_REQUEST, RPC_NOTIFICATION, RPC_RESULT, RPC_FAILURE };

struct rpc_message {
	struct json_object *root; /* owned; all else is borrowed from it */
	enum rpc_kind kind;
	const char *method;	    /* REQUEST, NOTIFICATION; no NUL inside */
	struct json_object *id;	    /* string, integer or NULL */
	struct json_object *params; /* an object or NULL */
	struct json_object *result; /* RESULT; may be NULL for null */
	struct json_object *error;  /* FAILURE: an object */
	enum rpc_number number;	    /* of what was wrong, if parsing failed */
};

enum rpc_side { RPC_FROM_CLIENT, RPC_FROM_AGENT }; /* which limits apply */

/*
 * Parses a line. On failure (PROTOCOL, NO_MEMORY) message->number says which answer is due and
 * message->id holds the id if one could be told. The caller calls rpc_message_fini() either way.
 */
int rpc_message_parse(const char *line, size_t length, enum rpc_side side,
		      struct rpc_message *message, struct suture_error *err);
void rpc_message_fini(struct rpc_message *message);

/* Append one line with its newline. The objects stay the caller's; NULL params, result, id: null.
 */
void rpc_add_request(struct bytes *out, int64_t id, const char *method, struct json_object *params);
void rpc_add_notification(struct bytes *out, const char *method, struct json_object *params);
void rpc_add_result(struct bytes *out, struct json_object *id, struct json_object *result);
void rpc_add_failure(struct bytes *out, struct json_object *id, struct json_object *error);

#endif
