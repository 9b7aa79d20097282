/* SPDX-License-Identifier: MIT */
/* Counters of calls; see calls.h. They are kept when the patch is reverted, and count on. */
#include "agent/calls.h"

#include "base/error.h"
#include "trampoline/counter.h"

#include <stdlib.h>

static int make_counters(struct agent *agent, struct patch *patch, struct suture_error *err)
{
	struct patch_counter *counters = calloc(patch->file.functions.count, sizeof(*counters));

	if (!counters)
		return error_no_memory(err);
	pthread_mutex_lock(&agent->lock);
	patch->counters = counters;
	pthread_mutex_unlock(&agent->lock);
	return 0;
}

static int find_counter(struct agent *agent, struct patch *patch, size_t function,
			struct patch_counter **counter, struct suture_error *err)
{
	int rc = patch->counters ? 0 : make_counters(agent, patch, err);

	if (!rc)
		*counter = &patch->counters[function];
	return rc;
}

int calls_stub(struct agent *agent, struct patch *patch, size_t function, uintptr_t site,
	       uintptr_t *stub, struct suture_error *err)
{
	const struct format_function *record = &patch->file.functions.records[function];
	struct patch_counter *counter;
	int rc = find_counter(agent, patch, function, &counter, err);

	if (!rc && !counter->stub)
		rc = counter_make(&agent->near, site, &counter->calls,
				  patch_address(patch, record->replacement_address), &counter->stub,
				  err);
	if (!rc)
		*stub = counter->stub;
	return rc;
}

int calls_old_stub(struct agent *agent, struct patch *patch, size_t function, uintptr_t site,
		   uintptr_t *target, struct suture_error *err)
{
	struct patch_counter *counter;
	uintptr_t stub;
	int rc = find_counter(agent, patch, function, &counter, err);

	if (rc)
		return rc;
	/* Below it may lie another patch than the last time; whoever is in the old stub goes on. */
	if (!counter->old_stub || counter->old_target != *target) {
		rc = counter_make(&agent->near, site, &counter->old_calls, *target, &stub, err);
		if (rc)
			return rc;
		counter->old_stub = stub;
		counter->old_target = *target;
	}
	*target = counter->old_stub;
	return 0;
}

void calls_discard(struct agent *agent, const struct patch *patch)
{
	for (size_t i = 0; patch->counters && i < patch->file.functions.count; i++) {
		if (patch->counters[i].stub)
			counter_discard(&agent->near, patch->counters[i].stub);
		if (patch->counters[i].old_stub)
			counter_discard(&agent->near, patch->counters[i].old_stub);
	}
}
