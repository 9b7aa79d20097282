/* SPDX-License-Identifier: MIT */
/* What the agent knows; see agent.h. */
#include "agent/agent.h"

#include "agent/scoping.h"

#include "agent/confirm.h"
#include "agent/pending.h"
#include "base/error.h"
#include "base/forkguard.h"

#include <stdlib.h>
#include <string.h>

int agent_init(struct agent *agent, struct suture_error *err)
{
	int rc = code_writer_open(&agent->writer, err);

	if (rc)
		return rc;
	near_memory_init(&agent->near, &agent->writer);
	pthread_mutex_init(&agent->lock, NULL);
	agent->next_order = 1;
	events_init(&agent->events, secure_getenv("SUTURE_EVENTS"));
	return 0;
}

int agent_adopt(struct agent *agent, struct suture_error *err)
{
	if (atomic_load(&agent->changing)) {
		error_set(err, SUTURE_E_UNCERTAIN, "forked while a patch was being put in or out");
		return error_next(err, "let the parent start this child again");
	}
	code_writer_close(&agent->writer);
	return code_writer_open(&agent->writer, err);
}

void agent_fini(struct agent *agent)
{
	confirm_fini(agent);
	json_object_put(agent->restored);
	events_fini(&agent->events);
	pending_fini(agent);
	while (agent->patches) {
		struct patch *patch = agent->patches;

		agent->patches = patch->next;
		scoping_forget(patch);
		patch_destroy(patch);
	}
	while (agent->retired) {
		struct retired *retired = agent->retired;

		agent->retired = retired->next;
		load_undo(&retired->load);
		free(retired->counters);
		free(retired);
	}
	builds_fini(&agent->builds);
	site_table_fini(&agent->sites);
	near_memory_fini(&agent->near);
	unwind_table_destroy(agent->unwind);
	islands_fini(&agent->islands);
	dispatch_table_fini(&agent->dispatches);
	code_writer_close(&agent->writer);
	pthread_mutex_destroy(&agent->lock);
	memset(agent, 0, sizeof(*agent));
}

struct patch *agent_find(const struct agent *agent, const char *name)
{
	struct patch *found = NULL;

	for (struct patch *patch = agent->patches; patch; patch = patch->next) {
		if (strcmp(patch->name, name) != 0)
			continue;
		if (patch->state == PATCH_APPLIED)
			return patch;
		if (!found || patch->state == PATCH_PENDING)
			found = patch;
	}
	return found;
}

struct patch *agent_find_hash(const struct agent *agent, const uint8_t hash[FORMAT_HASH_SIZE])
{
	for (struct patch *patch = agent->patches; patch; patch = patch->next)
		if (memcmp(patch->file.hash, hash, FORMAT_HASH_SIZE) == 0)
			return patch;
	return NULL;
}

struct collect {
	const struct unwind_table *previous;
	struct unwind_table *table;
	struct suture_error *err;
	struct unwind_object *objects;
	size_t count;
	size_t capacity;
	int rc;
};

static int collect_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct collect *collect = arg;

	(void)size;
	if (collect->count == collect->capacity) {
		size_t wanted = collect->capacity ? collect->capacity * 2 : 32;
		void *grown = realloc(collect->objects, wanted * sizeof(*collect->objects));

		if (!grown)
			return collect->rc = error_no_memory(collect->err);
		collect->objects = grown;
		collect->capacity = wanted;
	}
	if (unwind_object_from_phdr(info, &collect->objects[collect->count]))
		collect->count++;
	return 0;
}

/*
 * Runs once, inside dl_iterate_phdr(), whose lock is recursive: while it is held no module is
 * unmapped, and the frames of all may be read.
 */
static int create_table(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct collect *collect = arg;

	(void)info;
	(void)size;
	dl_iterate_phdr(collect_object, collect);
	if (!collect->rc)
		collect->rc = unwind_table_create(collect->objects, collect->count,
						  collect->previous, &collect->table, collect->err);
	return 1;
}

int agent_refresh_unwind(struct agent *agent, struct suture_error *err)
{
	struct collect collect = {.previous = agent->unwind, .err = err};
	int rc;

	fork_guard_enter();
	dl_iterate_phdr(create_table, &collect);
	fork_guard_leave();
	free(collect.objects);
	rc = collect.rc;
	if (!rc)
		rc = islands_refresh(&agent->islands, &agent->sites, &agent->dispatches,
				     &agent->near, err);
	if (rc) {
		unwind_table_destroy(collect.table);
		return rc;
	}
	unwind_table_lend_moved(collect.table, agent->islands.moved, agent->islands.count);
	unwind_table_destroy(agent->unwind);
	agent->unwind = collect.table;
	return 0;
}
