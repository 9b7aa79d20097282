/* SPDX-License-Identifier: MIT */
/* Results as JSON; see answer.h. */
#include "agent/answer.h"

#include "agent/admit.h"
#include "agent/confirm.h"
#include "agent/hostcommand.h"
#include "agent/late.h"
#include "agent/pending.h"
#include "agent/scoping.h"
#include "agent/shadow.h"
#include "base/file.h"
#include "base/hash.h"
#include "rpc/json.h"
#include "stop/safepoint.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void add_uint(struct json_object *object, const char *key, uint64_t value)
{
	rpc_json_add(object, key, json_object_new_uint64(value));
}

static struct json_object *functions_of(const struct patch *patch)
{
	struct json_object *names = json_object_new_array();

	for (size_t i = 0; i < patch->file.functions.count; i++)
		rpc_json_append(names,
				rpc_json_string(patch_file_string(
					&patch->file, patch->file.functions.records[i].name_ref)));
	return names;
}

static void add_pending(struct json_object *answer, bool pending, const char *waits)
{
	rpc_json_add(answer, "pending", json_object_new_boolean(pending));
	json_object_object_add(answer, "waits_for",
			       pending && waits[0] ? rpc_json_string(waits) : NULL);
}

static struct json_object *names_of(const struct transaction_result *result)
{
	struct json_object *names = json_object_new_array();

	for (size_t i = 0; i < result->replaced_count; i++)
		rpc_json_append(names, rpc_json_string(result->replaced[i]));
	return names;
}

struct json_object *answer_transaction(const char *verb, const struct transaction_result *result)
{
	struct json_object *answer = json_object_new_object();
	bool waits = result->pending && result->waits[0]; /* a revert of one that did does not */

	rpc_json_add(answer, "result", json_object_new_string(waits ? "pending" : verb));
	rpc_json_add(answer, "changed", json_object_new_boolean(result->changed));
	add_pending(answer, waits, result->waits);
	add_uint(answer, "pid", (uint64_t)getpid());
	rpc_json_add(answer, "name", rpc_json_string(result->name));
	rpc_json_add(answer, "hash", rpc_json_string(result->hash));
	json_object_object_add(
		answer, "rung",
		result->pending ? NULL : json_object_new_string(stop_rung_name(result->rung)));
	add_uint(answer, "threads", result->threads);
	add_uint(answer, "attempts", result->attempts);
	add_uint(answer, "functions", result->functions);
	add_uint(answer, "data", result->data);
	if (result->replaced_count)
		rpc_json_add(answer, "replaced", names_of(result));
	add_uint(answer, "prepare_us", result->prepare_us);
	add_uint(answer, "pause_us", result->pause_us);
	add_uint(answer, "total_us", result->total_us);
	return answer;
}

struct json_object *answer_check(const struct transaction_result *result)
{
	struct json_object *answer = json_object_new_object();
	struct json_object *functions = json_object_new_array();

	rpc_json_add(answer, "result", json_object_new_string("ok"));
	add_uint(answer, "pid", (uint64_t)getpid());
	rpc_json_add(answer, "name", rpc_json_string(result->name));
	rpc_json_add(answer, "already", json_object_new_boolean(result->already));
	add_pending(answer, result->pending, result->waits);
	for (size_t i = 0; i < result->tier_count; i++) {
		struct json_object *one = json_object_new_object();

		rpc_json_add(one, "name", rpc_json_string(result->tiers[i].name));
		rpc_json_add(one, "module", rpc_json_string(result->tiers[i].module));
		rpc_json_add(one, "tier",
			     json_object_new_string(trampoline_tier_name(result->tiers[i].tier)));
		rpc_json_add(one, "lazy", json_object_new_boolean(result->tiers[i].lazy));
		rpc_json_append(functions, one);
	}
	rpc_json_add(answer, "functions", functions);
	add_uint(answer, "data", result->data);
	if (result->tier_count)
		rpc_json_add(answer, "rung", json_object_new_string(stop_rung_name(result->rung)));
	rpc_json_add(answer, "refusals", json_object_new_array());
	rpc_json_add(answer, "blockers", json_object_new_array());
	add_uint(answer, "threads", result->threads);
	add_uint(answer, "prepare_us", result->prepare_us);
	add_uint(answer, "predicted_pause_us", result->predicted_pause_us);
	return answer;
}

struct json_object *answer_blockers(const struct transaction_result *result)
{
	struct json_object *data, *list;

	if (!result->blocker_count)
		return NULL;
	data = json_object_new_object();
	list = json_object_new_array();
	for (unsigned i = 0; i < result->blocker_count; i++) {
		const struct transaction_blocker *blocker = &result->blockers[i];
		struct json_object *one = json_object_new_object();
		struct json_object *frames = json_object_new_array();

		add_uint(one, "tid", (uint64_t)blocker->tid);
		rpc_json_add(one, "thread", rpc_json_string(blocker->thread));
		rpc_json_add(one, "function", rpc_json_string(blocker->function));
		rpc_json_add(one, "reason", rpc_json_string(stop_reason_text(blocker->reason)));
		add_uint(one, "since_us", blocker->since_us);
		for (unsigned d = 0; d < blocker->depth; d++)
			rpc_json_append(frames, rpc_json_string(blocker->backtrace[d]));
		rpc_json_add(one, "backtrace", frames);
		rpc_json_append(list, one);
	}
	rpc_json_add(data, "blockers", list);
	add_uint(data, "attempts", result->attempts);
	return data;
}

/* Of all its functions together; NULL where they are not counted. */
struct json_object *answer_calls(const struct patch *patch)
{
	uint64_t calls = 0;

	if (!patch->counters)
		return NULL;
	for (size_t i = 0; i < patch->file.functions.count; i++)
		calls += __atomic_load_n(&patch->counters[i].calls, __ATOMIC_RELAXED);
	return json_object_new_uint64(calls);
}

/* {"calls","threads"} of what it replaced; NULL where that is not counted. */
static struct json_object *old_code_of(const struct patch *patch)
{
	struct json_object *answer;
	uint64_t calls = 0;

	if (!patch->counters)
		return NULL;
	for (size_t i = 0; i < patch->file.functions.count; i++)
		calls += __atomic_load_n(&patch->counters[i].old_calls, __ATOMIC_RELAXED);
	answer = json_object_new_object();
	add_uint(answer, "calls", calls);
	json_object_object_add(answer, "threads",
			       patch->old_threads < 0 ? NULL
						      : json_object_new_int64(patch->old_threads));
	return answer;
}

/* One that waits still does while it is tried. Under agent->lock. */
static enum patch_state state_told(const struct agent *agent, const struct patch *patch)
{
	return patch->state == PATCH_APPLYING && pending_find(agent, patch) ? PATCH_PENDING
									    : patch->state;
}

static struct json_object *list_one(const struct agent *agent, const struct patch *patch)
{
	struct json_object *one = json_object_new_object();
	const struct pending *pending = pending_find(agent, patch);
	char hash[HASH_TEXT_SIZE];

	hash_text(patch->file.hash, hash);
	rpc_json_add(one, "name", rpc_json_string(patch->name));
	rpc_json_add(one, "hash", json_object_new_string(hash));
	rpc_json_add(one, "state",
		     json_object_new_string(patch_state_name(state_told(agent, patch))));
	add_uint(one, "order", patch->order);
	rpc_json_add(one, "functions", functions_of(patch));
	json_object_object_add(one, "applied_at",
			       patch->applied_at.tv_sec ? rpc_json_time(patch->applied_at.tv_sec)
							: NULL);
	if (pending) {
		add_pending(one, true, pending->waits);
		json_object_object_add(one, "problem",
				       pending->problem[0] ? rpc_json_string(pending->problem)
							   : NULL);
		rpc_json_add(one, "again", json_object_new_boolean(pending->again));
	}
	if (patch->late && patch->order)
		rpc_json_add(one, "note", json_object_new_string(PENDING_LATE));
	/* Calls are counted only where asked for. No scope: all calls get the patch. */
	json_object_object_add(one, "calls", answer_calls(patch));
	json_object_object_add(one, "old_code", old_code_of(patch));
	json_object_object_add(one, "scope", scoping_json(patch));
	json_object_object_add(one, "confirm", confirm_json(agent, patch));
	if (patch->file.description)
		rpc_json_add(one, "description", rpc_json_string(patch->file.description));
	return one;
}

/* A copy: it goes to a client when the lock is no longer held. Under agent->lock. */
static struct json_object *restored_json(const struct agent *agent)
{
	struct json_object *copy = NULL;

	if (!agent->restored || json_object_deep_copy(agent->restored, &copy, NULL) < 0)
		return NULL;
	return copy;
}

struct json_object *answer_list(const struct agent *agent, bool reverted)
{
	struct json_object *answer = json_object_new_object();
	struct json_object *list = json_object_new_array();

	add_uint(answer, "pid", (uint64_t)getpid());
	/* Those in force by order; then those that wait and, if asked for, those that are only
	 * mapped, newest first. */
	for (unsigned order = 1; order < agent->next_order; order++)
		for (const struct patch *patch = agent->patches; patch; patch = patch->next)
			if (patch->order == order)
				rpc_json_append(list, list_one(agent, patch));
	for (const struct patch *patch = agent->patches; patch; patch = patch->next)
		if (!patch->order && (reverted || state_told(agent, patch) == PATCH_PENDING ||
				      patch->state == PATCH_BROKEN))
			rpc_json_append(list, list_one(agent, patch));
	rpc_json_add(answer, "patches", list);
	rpc_json_add(answer, "restored", restored_json(agent));
	return answer;
}

static uint64_t count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	uint64_t count = 0;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

/* Bytes of the process that are the agent's: its own mapping's resident part, from smaps. */
static uint64_t measure_rss(void)
{
	cleanup_stream FILE *file = fopen("/proc/self/smaps", "re");
	uint64_t total = 0, kilobytes;
	bool ours = false;
	char line[4352];

	while (file && fgets(line, sizeof(line), file)) {
		unsigned long start, end;

		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			ours = strstr(line, "libsuture.so") != NULL;
		else if (ours && sscanf(line, "Rss: %lu kB", &kilobytes) == 1)
			total += kilobytes * 1024;
	}
	return total;
}

/*
 * The kernel walks all page tables for it, under a lock that page faults take too: once a second
 * at most, however often it is asked. The agent's thread only.
 */
static uint64_t agent_rss(void)
{
	static uint64_t measured_at, measured;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!measured_at || (uint64_t)now.tv_sec != measured_at) {
		measured = measure_rss();
		measured_at = (uint64_t)now.tv_sec;
	}
	return measured;
}

static struct json_object *pauses_json(const struct pauses *pauses)
{
	struct json_object *answer = json_object_new_object();

	add_uint(answer, "count", pauses->count);
	add_uint(answer, "p50_us", (pauses_percentile_ns(pauses, 0.50) + 999) / 1000);
	add_uint(answer, "p99_us", (pauses_percentile_ns(pauses, 0.99) + 999) / 1000);
	add_uint(answer, "max_us", (pauses->max_ns + 999) / 1000);
	rpc_json_add(answer, "buckets", answer_pause_buckets(pauses));
	return answer;
}

static void add_target(struct json_object *answer)
{
	char id[2 * IMAGE_BUILD_ID_SIZE + 1] = "";
	struct image image;

	if (image_take(&image, NULL) < 0)
		return;
	for (size_t i = 0; i < image.modules[0].build_id_size; i++)
		snprintf(id + 2 * i, 3, "%02x", image.modules[0].build_id[i]);
	rpc_json_add(answer, "exe", rpc_json_string(image.modules[0].path));
	rpc_json_add(answer, "build_id", json_object_new_string(id));
	image_fini(&image);
}

/* Those that are not confirmed yet: name and what list says of it. Under agent->lock. */
static struct json_object *unconfirmed_json(const struct agent *agent)
{
	struct json_object *answer = json_object_new_array();

	for (const struct patch *patch = agent->patches; patch; patch = patch->next) {
		const struct confirm *confirm = patch->order ? confirm_of(agent, patch) : NULL;
		struct json_object *one;

		if (!confirm || confirm->state == CONFIRM_CONFIRMED)
			continue;
		one = confirm_json(agent, patch);
		rpc_json_add(one, "name", rpc_json_string(patch->name));
		rpc_json_append(answer, one);
	}
	return answer;
}

static struct json_object *shadow_json(void)
{
	struct json_object *shadow = json_object_new_object();
	size_t count, bytes;

	shadow_usage(&count, &bytes);
	add_uint(shadow, "variables", count);
	add_uint(shadow, "bytes", bytes);
	return shadow;
}

/* Patches that only some calls get. Under the lock. */
static struct json_object *scopes_json(const struct agent *agent)
{
	struct json_object *list = json_object_new_array();

	for (const struct patch *patch = agent->patches; patch; patch = patch->next) {
		struct json_object *scope = scoping_json(patch);

		if (!scope)
			continue;
		rpc_json_add(scope, "name", rpc_json_string(patch->name));
		rpc_json_append(list, scope);
	}
	return list;
}

/* Of what the program said before it had an agent. */
static struct json_object *unheard_json(void)
{
	struct json_object *list = json_object_new_array();
	unsigned unheard = late_unheard();

	if (unheard & LATE_COMMANDS)
		rpc_json_append(list, json_object_new_string("commands"));
	if (unheard & LATE_OBJECTS)
		rpc_json_append(list, json_object_new_string("objects"));
	if (unheard & LATE_FIBERS)
		rpc_json_append(list, json_object_new_string("fibers"));
	return list;
}

struct json_object *answer_status(struct agent *agent)
{
	struct json_object *answer = json_object_new_object();
	struct json_object *self = json_object_new_object();
	struct json_object *rungs = json_object_new_array();
	uint64_t retired = 0, waiting = 0;

	add_uint(answer, "pid", (uint64_t)getpid());
	add_target(answer);
	rpc_json_add(self, "version", json_object_new_string(SUTURE_VERSION));
	add_uint(self, "rss", agent_rss());
	rpc_json_append(rungs, json_object_new_string(stop_rung_name(STOP_RUNG_LAZY)));
	rpc_json_append(rungs, json_object_new_string(stop_rung_name(STOP_RUNG_FULL)));
	if (safepoint_members())
		rpc_json_append(rungs, json_object_new_string(stop_rung_name(STOP_RUNG_SAFEPOINT)));
	rpc_json_add(self, "rungs", rungs);
	json_object_object_add(self, "requires_signature",
			       admit_key_id() ? json_object_new_string(admit_key_id()) : NULL);
	/* How it learns of modules that come and go; null: nobody waits for any. */
	json_object_object_add(
		self, "loader",
		!atomic_load(&agent->watch.wanted)
			? NULL
			: json_object_new_string(modules_are_told(agent) ? "told" : "asked"));
	rpc_json_add(self, "unheard", unheard_json());
	rpc_json_add(answer, "agent", self);
	add_uint(answer, "threads", count_threads());
	pthread_mutex_lock(&agent->lock);
	add_uint(answer, "patches", agent->applied);
	for (const struct patch *patch = agent->patches; patch; patch = patch->next)
		if (!patch->order)
			retired += load_size(&patch->load);
	for (const struct retired *each = agent->retired; each; each = each->next)
		retired += load_size(&each->load);
	for (const struct pending *each = agent->pending; each; each = each->next)
		waiting++;
	add_uint(answer, "pending", waiting);
	rpc_json_add(answer, "scopes", scopes_json(agent));
	rpc_json_add(answer, "pauses", pauses_json(&agent->pauses));
	rpc_json_add(answer, "unconfirmed", unconfirmed_json(agent));
	rpc_json_add(answer, "restored", restored_json(agent));
	if (agent->last_rung[0])
		rpc_json_add(answer, "last_rung", json_object_new_string(agent->last_rung));
	pthread_mutex_unlock(&agent->lock);
	add_uint(answer, "retired_bytes", retired);
	rpc_json_add(answer, "shadow", shadow_json());
	rpc_json_add(answer, "commands", hostcommand_names());
	return answer;
}
