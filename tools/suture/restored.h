/* SPDX-License-Identifier: MIT */
/* What list and status say of installed patches that are not in force. */
#ifndef CLI_RESTORED_H
#define CLI_RESTORED_H

#include "rpc/json.h"

/* A line for each that the last restore could not apply, to stdout. */
void restored_warn(struct json_object *answer);

/* How many those are, for the end of a line: ", 1 set aside, 2 installed but refused"; or "". */
void restored_brief(struct json_object *answer, char *text, size_t size);

#endif
