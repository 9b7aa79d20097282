/* SPDX-License-Identifier: MIT */
/* A look without a commit, for `suture check` and `suture threads`. */
#include "stop/session.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

enum { MAX_ROOM = 4, MAX_LOOKS = 20 /* while fibers come and go */ };

/* The dead are left out; who could not be looked at stays, with the reason. */
static size_t keep_living(const struct stop_session *session, struct stop_thread *threads)
{
	size_t kept = 0;

	for (size_t i = 0; i < session->task_count; i++) {
		if (session->tasks[i].state == TASK_GONE || session->tasks[i].state == TASK_INERT ||
		    session->tasks[i].state == TASK_NEW || threads[i].view.tid == 0)
			continue;
		if (kept != i)
			threads[kept] = threads[i];
		kept++;
	}
	return kept;
}

/* Suspended fibers that are in the way: they are on nobody's stack, and nobody else tells. */
static size_t add_fibers(const struct stop_session *session, struct stop_thread *threads,
			 size_t count)
{
	for (unsigned i = 0; i < session->blocker_count; i++)
		if (session->blockers[i].tid == 0 && count < session->task_capacity)
			threads[count++] = (struct stop_thread){.view = session->blockers[i],
								.state = STOP_THREAD_ASLEEP,
								.complete = true};
	return count;
}

static int look(const struct stop_request *request, const struct session_options *options,
		struct stop_thread **threads, size_t *count, struct stop_result *result,
		struct attempt *attempt, struct suture_error *err)
{
	const struct unwind_table *unwind = request->unwind;
	struct stop_session *session = NULL;
	int rc = 0;

	if (request->refresh)
		rc = request->refresh(request->refresh_arg, &unwind, err);
	if (!rc)
		rc = session_start(request, unwind, options, &session, err);
	if (rc)
		return rc;
	attempt->outcome = session_command_stopped(session, COMMAND_LOOK);
	session_release_stopped(session);
	attempt->error = session->error;
	*threads = session->threads;
	*count = keep_living(session, session->threads);
	result->blocker_count = session->blocker_count;
	memcpy(result->blockers, session->blockers, sizeof(result->blockers));
	for (size_t i = 0; i < *count; i++)
		result->asleep += (*threads)[i].state == STOP_THREAD_ASLEEP;
	result->threads = (unsigned)*count;
	*count = add_fibers(session, session->threads, *count);
	if (session->pause_start_ns)
		result->pause_ns = session->pause_end_ns - session->pause_start_ns;
	session_end(session);
	return 0;
}

static int inspect(const struct stop_request *request, struct hurry *hurry,
		   struct stop_thread **threads, size_t *count, struct stop_result *result,
		   struct suture_error *err)
{
	struct session_options options = {.inspect = true, .hurry = hurry};
	struct stop_thread *seen;
	struct attempt attempt;
	size_t seen_count;
	bool again;
	int rc;

	memset(result, 0, sizeof(*result));
	do {
		/* As an attempt to apply: a suspended fiber is seen while nobody can resume it. */
		options.lazy = request->rung != STOP_RUNG_FULL && !fiber_any();
		result->rung = options.lazy ? STOP_RUNG_LAZY : STOP_RUNG_FULL;
		again = false;
		seen = NULL;
		result->attempts++;
		attempt = (struct attempt){0};
		rc = look(request, &options, &seen, &seen_count, result, &attempt, err);
		if (rc)
			break;
		if (attempt.outcome == OUTCOME_TABLE_FULL && options.room++ < MAX_ROOM)
			again = true;
		if (attempt.outcome == OUTCOME_FIBERS && result->attempts < MAX_LOOKS)
			again = true;
		if (attempt.outcome == OUTCOME_REFUSED && !options.allow_tracer &&
		    explain_yama_scope() == 1)
			again = options.allow_tracer = true;
		if (again)
			free(seen);
	} while (again);
	if (options.allow_tracer)
		prctl(PR_SET_PTRACER, 0, 0, 0, 0);
	if (rc)
		return rc;
	/* Busy and stuck threads are what was asked for. */
	if (attempt.outcome != OUTCOME_CLEAN && attempt.outcome != OUTCOME_BUSY &&
	    attempt.outcome != OUTCOME_STUCK) {
		free(seen);
		return explain_outcome(attempt.outcome, attempt.error, result, err);
	}
	*threads = seen;
	*count = seen_count;
	return 0;
}

int stop_inspect(const struct stop_request *request, struct stop_thread **threads, size_t *count,
		 struct stop_result *result, struct suture_error *err)
{
	struct hurry hurry = {0};
	int rc;

	hurry_start(&hurry);
	rc = inspect(request, &hurry, threads, count, result, err);
	hurry_end(&hurry);
	return rc;
}
