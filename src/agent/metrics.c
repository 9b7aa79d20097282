/* SPDX-License-Identifier: MIT */
/* The answer to `metrics`: numbers only; the command line makes Prometheus' text of them. */
#include "agent/answer.h"

#include "agent/confirm.h"
#include "base/hash.h"
#include "rpc/json.h"

#include <string.h>

enum { FIRST_POWER = 3, LAST_POWER = 20 }; /* 8 us to about a second */

static void add_uint(struct json_object *object, const char *key, uint64_t value)
{
	rpc_json_add(object, key, json_object_new_uint64(value));
}

static struct json_object *pauses_json(const struct pauses *pauses)
{
	struct json_object *answer = json_object_new_object();

	add_uint(answer, "count", pauses->count);
	add_uint(answer, "sum_us", (pauses->sum_ns + 500) / 1000);
	rpc_json_add(answer, "buckets", answer_pause_buckets(pauses));
	return answer;
}

struct json_object *answer_pause_buckets(const struct pauses *pauses)
{
	struct json_object *buckets = json_object_new_array();

	for (unsigned power = FIRST_POWER; power <= LAST_POWER; power++) {
		struct json_object *bucket = json_object_new_object();

		add_uint(bucket, "le_us", 1ULL << power);
		add_uint(bucket, "count", pauses_within(pauses, power));
		rpc_json_append(buckets, bucket);
	}
	return buckets;
}

static struct json_object *patch_json(const struct agent *agent, const struct patch *patch)
{
	const struct confirm *confirm = confirm_of(agent, patch);
	struct json_object *answer = json_object_new_object();
	char hash[HASH_TEXT_SIZE];

	hash_text(patch->file.hash, hash);
	rpc_json_add(answer, "name", rpc_json_string(patch->name));
	rpc_json_add(answer, "hash", json_object_new_string(hash));
	rpc_json_add(answer, "state", json_object_new_string(patch_state_name(patch->state)));
	rpc_json_add(answer, "confirmed",
		     json_object_new_boolean(!confirm || confirm->state == CONFIRM_CONFIRMED));
	json_object_object_add(answer, "calls", answer_calls(patch));
	return answer;
}

struct json_object *answer_metrics(struct agent *agent)
{
	/* What status says comes first; its own lock is taken and given back. */
	struct json_object *answer = answer_status(agent);
	struct json_object *patches = json_object_new_array();

	pthread_mutex_lock(&agent->lock);
	for (const struct patch *patch = agent->patches; patch; patch = patch->next)
		rpc_json_append(patches, patch_json(agent, patch));
	add_uint(answer, "applied", agent->applied);
	rpc_json_add(answer, "pauses", pauses_json(&agent->pauses));
	pthread_mutex_unlock(&agent->lock);
	rpc_json_add(answer, "patches", patches);
	rpc_json_add(answer, "actions", events_tallies(&agent->events));
	add_uint(answer, "unwritten", events_unwritten(&agent->events));
	return answer;
}
