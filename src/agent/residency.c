/* SPDX-License-Identifier: MIT */
/* Who is still in old code; see residency.h. */
#include "agent/residency.h"

#include <stdlib.h>

enum { LOOK_NS = 200000000 };

static int by_start(const void *a, const void *b)
{
	const struct stop_range *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

/* The rest of each old function behind its jump; the versions below are only reached from there. */
static size_t old_ranges(const struct plan *plan, struct stop_range *ranges)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->site_count; i++) {
		const struct plan_site *planned = &plan->sites[i];
		const struct trampoline *jump = &planned->version.trampoline;
		uintptr_t start = jump->site + jump->window_size;
		uintptr_t end = planned->site->entry + planned->site->size;

		if (planned->version.patch && start < end)
			ranges[count++] = (struct stop_range){.start = start, .end = end};
		if (planned->version.patch && jump->original)
			ranges[count++] = (struct stop_range){
				.start = jump->original,
				.end = jump->original + jump->original_size,
			};
	}
	qsort(ranges, count, sizeof(*ranges), by_start);
	return count;
}

long residency_look(const struct plan *plan, struct stop_result *stopped)
{
	struct stop_range *ranges = calloc(2 * plan->site_count + 1, sizeof(*ranges));
	struct stop_request request = {.unwind = plan->agent->unwind,
				       .busy = ranges,
				       .rung = STOP_RUNG_AUTO,
				       .timeout_ns = LOOK_NS};
	struct stop_thread *threads = NULL;
	size_t count = 0;
	long inside = 0;

	if (!ranges || agent_refresh_unwind(plan->agent, NULL) < 0) {
		free(ranges);
		return -1;
	}
	request.unwind = plan->agent->unwind;
	request.busy_count = old_ranges(plan, ranges);
	if (stop_inspect(&request, &threads, &count, stopped, NULL) < 0)
		inside = -1;
	for (size_t i = 0; inside >= 0 && i < count; i++)
		inside += threads[i].view.reason == STOP_REASON_FUNCTION;
	free(threads);
	free(ranges);
	return inside;
}
