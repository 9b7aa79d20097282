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

int calls_stub(struct agent *agent, struct patch *patch, size_t function, uintptr_t site,
	       uintptr_t *stub, struct suture_error *err)
{
	const struct format_function *record = &patch->file.functions.records[function];
	struct patch_counter *counter;
	int rc = patch->counters ? 0 : make_counters(agent, patch, err);

	if (rc)
		return rc;
	counter = &patch->counters[function];
	if (!counter->stub)
		rc = counter_make(&agent->near, site, &counter->calls,
				  patch_address(patch, record->replacement_address), &counter->stub,
				  err);
	if (!rc)
		*stub = counter->stub;
	return rc;
}

void calls_discard(struct agent *agent, const struct patch *patch)
{
	for (size_t i = 0; patch->counters && i < patch->file.functions.count; i++)
		if (patch->counters[i].stub)
			counter_discard(&agent->near, patch->counters[i].stub);
}
