/* SPDX-License-Identifier: MIT */
/* See command_parts.h. */
#include "agent/command_parts.h"

#include "agent/answer.h"
#include "agent/scoping.h"
#include "base/error.h"
#include "base/text.h"
#include "rpc/params.h"

#include <stdio.h>
#include <string.h>

enum {
	DEFAULT_TIMEOUT_US = 10 * 1000 * 1000,
	LONGEST_US = 2000 * 1000 * 1000, /* about half an hour */
};

static int parse_rung(const char *rung, const char *at, bool strict, enum stop_rung *out,
		      struct suture_error *err)
{
	*out = STOP_RUNG_AUTO;
	if (strcmp(rung, "lazy") == 0)
		*out = STOP_RUNG_LAZY;
	else if (strcmp(rung, "full") == 0)
		*out = STOP_RUNG_FULL;
	else if (strcmp(rung, "auto") != 0)
		return error_set(err, SUTURE_E_USAGE, "rung: auto, lazy or full, not %s", rung);
	if (strict)
		*out = STOP_RUNG_FULL;
	if (strcmp(at, "safepoint") == 0)
		*out = STOP_RUNG_SAFEPOINT;
	else if (strcmp(at, "any") != 0)
		return error_set(err, SUTURE_E_USAGE, "at: any or safepoint, not %s", at);
	return 0;
}

int command_options(struct server_call *call, struct json_object *params,
		    struct transaction_options *options, struct suture_error *err)
{
	uint64_t timeout = DEFAULT_TIMEOUT_US, max_pause = 0, waited = server_call_waited_us(call);
	const char *rung = "auto", *at = "any";
	bool strict = false;
	int rc = rpc_params_u64(params, "timeout_us", LONGEST_US, &timeout, err);

	if (!rc)
		rc = rpc_params_u64(params, "max_pause_us", LONGEST_US, &max_pause, err);
	if (!rc)
		rc = rpc_params_string(params, "rung", 16, &rung, err);
	if (!rc)
		rc = rpc_params_string(params, "at", 16, &at, err);
	if (!rc)
		rc = rpc_params_bool(params, "strict", &strict, err);
	if (!rc)
		rc = rpc_params_bool(params, "replace", &options->replace, err);
	if (!rc)
		rc = rpc_params_bool(params, "count", &options->count, err);
	if (!rc)
		rc = parse_rung(rung, at, strict, &options->rung, err);
	options->timeout_ns = timeout > waited ? (timeout - waited) * 1000 : 0;
	options->max_pause_ns = max_pause * 1000;
	return rc;
}

/* The answer, or what was in the way for the error's data. */
int command_answer(struct agent *agent, int rc, const char *verb, struct transaction_result *result,
		   struct json_object **out)
{
	atomic_store(&agent->changing, false);
	if (rc)
		*out = answer_blockers(result);
	else if (verb)
		*out = answer_transaction(verb, result);
	else
		*out = answer_check(result);
	transaction_result_fini(result);
	return rc;
}

/* What there is to say besides done and not done; NULL: nothing. */
static const char *record_text(struct agent *agent, const struct transaction_result *result,
			       char text[EVENT_TEXT_SIZE])
{
	const struct patch *patch;

	if (result->pending && result->waits[0]) {
		snprintf(text, EVENT_TEXT_SIZE, "pending, waits for %.*s",
			 text_fit(result->waits, 200), result->waits);
	} else if (result->pending) {
		snprintf(text, EVENT_TEXT_SIZE, "was pending");
	} else if (result->scope_given) {
		pthread_mutex_lock(&agent->lock);
		patch = agent_find(agent, result->name);
		text[0] = '\0';
		if (patch)
			scoping_describe(patch, text, EVENT_TEXT_SIZE);
		pthread_mutex_unlock(&agent->lock);
	} else {
		return NULL;
	}
	return text;
}

static void record(struct agent *agent, const char *what, const struct event_actor *who, int rc,
		   const struct transaction_result *result, const struct suture_error *err,
		   void (*add)(struct events *, const struct event_note *))
{
	char text[EVENT_TEXT_SIZE];

	add(&agent->events,
	    &(struct event_note){.what = what,
				 .who = who,
				 .name = result->name,
				 .hash = result->hash,
				 .err = rc ? err : NULL,
				 .unchanged = !result->changed,
				 .text = rc ? NULL : record_text(agent, result, text),
				 .pause_us = result->pause_us});
}

void command_record(struct agent *agent, const char *what, const struct event_actor *who, int rc,
		    const struct transaction_result *result, const struct suture_error *err)
{
	record(agent, what, who, rc, result, err, events_add);
}

void command_record_quick(struct agent *agent, const char *what, const struct event_actor *who,
			  int rc, const struct transaction_result *result,
			  const struct suture_error *err)
{
	record(agent, what, who, rc, result, err, events_keep);
}
