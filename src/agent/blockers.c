/* SPDX-License-Identifier: MIT */
/* Who was in the way; see blockers.h. */
#include "agent/blockers.h"

#include "base/error.h"
#include "image/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blockers in words. Names are for people: where memory is short they stay out. */
void blockers_describe(const struct plan *plan, const struct stop_blocker *blockers, unsigned count,
		       struct transaction_result *result)
{
	result->blockers = calloc(count + 1, sizeof(*result->blockers));
	if (!result->blockers)
		return;
	for (unsigned i = 0; i < count; i++) {
		const struct stop_blocker *from = &blockers[i];
		struct transaction_blocker *to = &result->blockers[result->blocker_count++];

		to->tid = from->tid;
		memcpy(to->thread, from->comm, sizeof(to->thread));
		to->thread[sizeof(to->thread) - 1] = '\0';
		to->reason = from->reason;
		to->busy_frame = from->busy_frame;
		to->since_us = from->since_ns / 1000;
		if (from->reason == STOP_REASON_FUNCTION)
			snprintf(to->function, sizeof(to->function), "%s",
				 plan->busy_names[from->tag]);
		for (unsigned d = 0; d < from->depth && d < TRANSACTION_BLOCKER_FRAMES; d++) {
			names_describe(&plan->image, from->backtrace[d], d == 0, to->backtrace[d],
				       TRANSACTION_FRAME_TEXT);
			to->depth++;
		}
	}
}

/* One sentence that names the thread and the function, in front of what the stop said. */
int blockers_explain(struct transaction_result *result, int rc, struct suture_error *err)
{
	const struct transaction_blocker *first = result->blockers;
	const char *at = "";

	/* What is not permitted, or was not come to, has been said better. */
	if (!result->blocker_count || !err || rc == -(int)SUTURE_E_PERMISSION ||
	    rc == -(int)SUTURE_E_TIMEOUT)
		return rc;
	if (first->reason == STOP_REASON_UNKNOWN_FRAME && first->busy_frame < first->depth)
		at = first->backtrace[first->busy_frame];
	if (first->function[0])
		error_set(err, err->code, "thread %d (%s) is inside %s after %u attempts",
			  first->tid, first->thread, first->function, result->attempts);
	else
		error_set(err, err->code, "thread %d (%s): %s%s%s, after %u attempts", first->tid,
			  first->thread, stop_reason_text(first->reason), *at ? ": " : "", at,
			  result->attempts);
	if (*at)
		error_next(err,
			   "try again when that thread is elsewhere; nobody sees through what was "
			   "built with -fno-asynchronous-unwind-tables, or made at run time");
	else
		error_next(err,
			   "try again, with a longer --timeout, or when that thread has gone on");
	return rc;
}
