/* SPDX-License-Identifier: MIT */
/* Results as JSON, in the shapes that scripts rely on (docs/PROTOCOL.md). NULL without memory. */
#ifndef AGENT_ANSWER_H
#define AGENT_ANSWER_H

#include "agent/transaction.h"

#include <json-c/json.h>

/* {"result":verb,"changed",…}: the answer to apply and revert. */
struct json_object *answer_transaction(const char *verb, const struct transaction_result *result);

/* {"result":"ok","functions":[{"name","tier"}],…}: the answer to check. */
struct json_object *answer_check(const struct transaction_result *result);

/* {"blockers":[…]}: goes into the error's data; NULL when there are none. */
struct json_object *answer_blockers(const struct transaction_result *result);

/* Under agent->lock. What is in force; with reverted, also what is mapped but not in force. */
struct json_object *answer_list(const struct agent *agent, bool reverted);

/* Takes agent->lock. */
struct json_object *answer_status(struct agent *agent);

/* Under agent->lock. Calls of all its functions together; NULL where they are not counted. */
struct json_object *answer_calls(const struct patch *patch);

/* [{"le_us","count"}…]: how many pauses were at most so long, each with those before it. */
struct json_object *answer_pause_buckets(const struct pauses *pauses);

/* Takes agent->lock. Counters and the histogram of pauses, for `suture metrics`. */
struct json_object *answer_metrics(struct agent *agent);

#endif
