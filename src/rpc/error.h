/* SPDX-License-Identifier: MIT */
/* struct suture_error as JSON-RPC's error object, and back. */
#ifndef RPC_ERROR_H
#define RPC_ERROR_H

#include "rpc/json.h"
#include "rpc/protocol.h"

/* {"code":"BUSY_STACK","message":…,"next":…}: the "error" of every JSON document; NULL without
 * memory. */
struct json_object *rpc_error_document(const struct suture_error *err);

/*
 * {"code":NUMBER,"message":…,"data":{the document above, and the members of details}}. details
 * (NULL, or an object that stays the caller's) is where "blockers" travel. number 0: by err->code.
 */
struct json_object *rpc_error_object(const struct suture_error *err, int number,
				     struct json_object *details);

/*
 * Reads such an object from the other side into err (INTERNAL when it is none of ours); *data is
 * borrowed from it: the data member or NULL. data may be NULL.
 */
void rpc_error_read(struct json_object *error, struct suture_error *err, struct json_object **data);

#endif
