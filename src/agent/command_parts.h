/* SPDX-License-Identifier: MIT */
/* What the commands of transactions share: options, the record, the answer. Worker. */
#ifndef AGENT_COMMAND_PARTS_H
#define AGENT_COMMAND_PARTS_H

#include "agent/events.h"
#include "agent/server.h"
#include "agent/transaction.h"

/* timeout_us, max_pause_us, rung, at, strict, replace, count. */
int command_options(struct server_call *call, struct json_object *params,
		    struct transaction_options *options, struct suture_error *err);

/*
 * For the record of what was done, and for metrics. On the server's thread, which must not wait for
 * a disk, command_record_quick().
 */
void command_record(struct agent *agent, const char *what, const struct event_actor *who, int rc,
		    const struct transaction_result *result, const struct suture_error *err);

void command_record_quick(struct agent *agent, const char *what, const struct event_actor *who,
			  int rc, const struct transaction_result *result,
			  const struct suture_error *err);

/* The answer, or what was in the way for the error's data. Ends what began with agent->changing. */
int command_answer(struct agent *agent, int rc, const char *verb, struct transaction_result *result,
		   struct json_object **out);

/* scope, share, new, key: at most one of the first three. */
int scope_command_wish(struct json_object *params, struct scope_wish *wish,
		       struct suture_error *err);

/* The method "scope". */
int scope_command_run(struct server_call *call, struct json_object *params, int fd,
		      struct json_object **result, struct suture_error *err);

#endif
