/* SPDX-License-Identifier: MIT */
/* A JSON value as plain indented text, for who types a word into a socket. */
#ifndef RPC_TEXT_H
#define RPC_TEXT_H

#include "base/bytes.h"
#include "rpc/json.h"

/* "key: value" lines; members of objects and arrays indented by two blanks. Control characters of
 * strings become '?'. */
void rpc_add_text(struct bytes *out, struct json_object *value);

#endif
