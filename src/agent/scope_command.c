/* SPDX-License-Identifier: MIT */
/* The parameters of scopes, and the method `scope`. Worker. */
#include "agent/command_parts.h"

#include "agent/rescope.h"
#include "base/error.h"
#include "rpc/params.h"
#include "scope/hash.h"

enum { NOT_ASKED = SCOPE_SHARES + 1 };

int scope_command_wish(struct json_object *params, struct scope_wish *wish,
		       struct suture_error *err)
{
	uint64_t share = NOT_ASKED;
	int rc = rpc_params_string(params, "scope", SCOPING_KEY + 1 + SCOPING_VALUE, &wish->value,
				   err);

	if (!rc)
		rc = rpc_params_u64(params, "share", SCOPE_SHARES, &share, err);
	if (!rc)
		rc = rpc_params_string(params, "new", SCOPING_KEY, &wish->fresh, err);
	if (!rc)
		rc = rpc_params_string(params, "key", SCOPING_KEY, &wish->key, err);
	wish->by_share = share != NOT_ASKED;
	wish->share = share;
	if (!rc && (wish->value != NULL) + wish->by_share + (wish->fresh != NULL) > 1)
		rc = error_set(err, SUTURE_E_USAGE, "one of scope, share, new at a time");
	if (!rc && wish->key && !wish->by_share)
		rc = error_set(err, SUTURE_E_USAGE, "key goes with share");
	return rc;
}

static int parse(struct json_object *params, const char **name, struct scope_wish *wish,
		 struct suture_error *err)
{
	static const char *const known[] = {"name", "scope",  "share", "new",	     "key",
					    "all",  "clear",  "at",    "timeout_us", "max_pause_us",
					    "rung", "strict", NULL};
	int rc = rpc_params_only(params, known, err);

	if (!rc)
		rc = rpc_params_need_string(params, "name", PATCH_NAME_LIMIT, name, err);
	if (!rc)
		rc = scope_command_wish(params, wish, err);
	if (!rc)
		rc = rpc_params_bool(params, "all", &wish->all, err);
	if (!rc)
		rc = rpc_params_bool(params, "clear", &wish->clear, err);
	if (!rc && (wish->value != NULL) + wish->by_share + (wish->fresh != NULL) + wish->all +
				   wish->clear !=
			   1)
		rc = error_set(err, SUTURE_E_USAGE, "one of scope, share, new, all, clear");
	return rc;
}

int scope_command_run(struct server_call *call, struct json_object *params, int fd,
		      struct json_object **out, struct suture_error *err)
{
	struct agent *agent = server_call_context(call);
	struct transaction_options options = {0};
	struct transaction_result result = {0};
	struct scope_wish wish = {0};
	struct event_actor who;
	const char *name = NULL;
	int rc = parse(params, &name, &wish, err);

	(void)fd;
	event_actor_take(server_call_peer(call), &who);
	if (!rc)
		rc = command_options(call, params, &options, err);
	if (rc)
		return rc;
	atomic_store(&agent->changing, true);
	rc = rescope_run(agent, name, &wish, &options, &result, err);
	result.scope_given = true;
	command_record(agent, "scope", &who, rc, &result, err);
	rc = command_answer(agent, rc, "scoped", &result, out);
	if (!rc) {
		pthread_mutex_lock(&agent->lock);
		json_object_object_add(*out, "scope", scoping_json(agent_find(agent, name)));
		pthread_mutex_unlock(&agent->lock);
	}
	return rc;
}
