/* SPDX-License-Identifier: MIT */
/*
 * The rung "safepoint": all who take part are asked to come. While they stand the others are looked
 * at: asleep outside, with entries that can be gated, they need not be touched, and no ptrace is
 * needed; else the helper stops them. One who stands may hold what another needs to come:
 * everybody is let go after a while, and the next attempt is more patient.
 */
#include "stop/session.h"

#include "base/error.h"

#include <errno.h>
#include <time.h>

#define FIRST_PATIENCE_NS   UINT64_C(20000000)
#define LONGEST_PATIENCE_NS UINT64_C(1000000000)
#define PAUSE_BETWEEN_NS    UINT64_C(5000000)

static void note_absent(pid_t tid, struct stop_result *result)
{
	struct stop_blocker *blocker = &result->blockers[0];

	*blocker = (struct stop_blocker){.tid = tid, .reason = STOP_REASON_ABSENT};
	result->blocker_count = 1;
	explain_comm(tid, blocker->comm);
	/* While attempts go on this is the time of the first sight; stop_run() subtracts. */
	blocker->since_ns = wait_now_stopped();
}

/* Everybody stands. Without a helper first; with one where somebody else has to be stopped. */
static int attempt_gathered(const struct stop_request *request,
			    struct safepoint_gathering *gathering, bool *allow_tracer,
			    struct stop_result *result, struct attempt *attempt,
			    struct suture_error *err)
{
	struct session_options options = {
		.solo = true,
		.gathering = gathering,
		.lazy = stop_may_be_lazy(request->commit),
	};
	int rc = attempt_run(request, &options, result, attempt, err);

	if (rc || attempt->outcome != OUTCOME_NEEDS_TRACE)
		return rc;
	options.solo = false;
	options.allow_tracer = *allow_tracer;
	*attempt = (struct attempt){0};
	rc = attempt_run(request, &options, result, attempt, err);
	/* Yama lets nobody but ancestors trace, unless we name the helper: next time. */
	if (!rc && attempt->outcome == OUTCOME_REFUSED && !*allow_tracer &&
	    explain_yama_scope() == 1) {
		*allow_tracer = true;
		attempt->outcome = OUTCOME_STUCK;
	}
	return rc;
}

static int attempt_once(const struct stop_request *request, const struct safepoint_limits *limits,
			bool *allow_tracer, struct stop_result *result, struct attempt *attempt,
			struct suture_error *err)
{
	struct stop_request fixed = *request;
	struct attempt before = *attempt;
	struct safepoint_gathering gathering;
	uint64_t held;
	int rc = 0;

	/* Before anybody stands: it takes the loader's lock. */
	if (request->refresh)
		rc = request->refresh(request->refresh_arg, &fixed.unwind, err);
	fixed.refresh = NULL;
	if (!rc)
		rc = safepoint_gather(limits, &gathering, err);
	if (rc)
		return rc;
	if (gathering.absent) {
		attempt->outcome = OUTCOME_ABSENT;
		if (gathering.since_ns || !before.outcome)
			note_absent(gathering.absent, result);
	} else {
		*attempt = (struct attempt){0};
		rc = attempt_gathered(&fixed, &gathering, allow_tracer, result, attempt, err);
	}
	/* The time was up before anybody could come: what is to be told is why earlier ones failed.
	 */
	if (attempt->outcome == OUTCOME_ABSENT && !gathering.since_ns && before.outcome)
		*attempt = before;
	safepoint_release_stopped(&gathering);
	held = gathering.since_ns ? wait_now_stopped() - gathering.since_ns : 0;
	if ((rc || attempt->outcome != OUTCOME_CLEAN || attempt->commit_rc) &&
	    held > result->longest_failed_pause_ns)
		result->longest_failed_pause_ns = held;
	if (attempt->outcome == OUTCOME_ABSENT && request->max_pause_ns &&
	    held >= request->max_pause_ns)
		attempt->outcome = OUTCOME_OVER_BUDGET;
	safepoint_gathering_fini(&gathering);
	return rc;
}

enum { REFUSALS = 5 /* how often a thread that may not be traced may be found awake */ };

/* Over the budget is worth another try here: threads may come closer together next time. */
static bool is_final(enum outcome outcome, unsigned *refusals)
{
	if (outcome == OUTCOME_REFUSED)
		return ++*refusals >= REFUSALS;
	return outcome == OUTCOME_CLEAN || outcome == OUTCOME_NO_PROC;
}

static int needs_members(struct suture_error *err)
{
	error_set(err, SUTURE_E_NEEDS_SAFEPOINT,
		  "no thread of the application takes part in safe points");
	return error_next(err, "let it call suture_safepoint() once a tick, with the agent linked "
			       "or preloaded");
}

int gather_run(const struct stop_request *request, uint64_t deadline, struct stop_result *result,
	       struct attempt *attempt, struct suture_error *err)
{
	struct timespec between = {.tv_nsec = PAUSE_BETWEEN_NS};
	uint64_t patience = FIRST_PATIENCE_NS;
	bool allow_tracer = false;
	unsigned refusals = 0;
	int rc;

	*attempt = (struct attempt){0};
	if (!safepoint_members())
		return needs_members(err);
	for (;;) {
		struct safepoint_limits limits = {.deadline_ns = deadline, .patience_ns = patience};

		if (request->max_pause_ns && request->max_pause_ns < patience)
			limits.patience_ns = request->max_pause_ns;
		result->attempts++;
		rc = attempt_once(request, &limits, &allow_tracer, result, attempt, err);
		if (rc || is_final(attempt->outcome, &refusals) || wait_now_stopped() >= deadline)
			return rc;
		nanosleep(&between, NULL);
		if (attempt->outcome == OUTCOME_ABSENT && patience < LONGEST_PATIENCE_NS)
			patience *= 2;
	}
}

static int did_not_come(pid_t tid, struct suture_error *err)
{
	char name[STOP_COMM_SIZE] = "";

	explain_comm(tid, name);
	error_set(err, SUTURE_E_TIMEOUT, "thread %d (%s) did not come to its safe point", (int)tid,
		  name);
	return error_next(err, "try again, with a longer --timeout");
}

int stop_at_safepoint(void (*run)(void *arg), void *arg, uint64_t timeout_ns,
		      struct stop_result *result, struct suture_error *err)
{
	uint64_t deadline = wait_now_stopped() + timeout_ns, patience = FIRST_PATIENCE_NS;
	struct timespec between = {.tv_nsec = PAUSE_BETWEEN_NS};

	*result = (struct stop_result){.rung = STOP_RUNG_SAFEPOINT};
	if (!safepoint_members())
		return needs_members(err);
	for (;;) {
		struct safepoint_limits limits = {.deadline_ns = deadline, .patience_ns = patience};
		struct safepoint_gathering gathering;
		pid_t absent;
		int rc = safepoint_gather(&limits, &gathering, err);

		if (rc)
			return rc;
		result->attempts++;
		absent = gathering.absent;
		if (!absent)
			run(arg);
		safepoint_release_stopped(&gathering);
		result->threads = (unsigned)(gathering.count - gathering.own);
		result->standing = result->threads;
		if (gathering.since_ns)
			result->pause_ns = wait_now_stopped() - gathering.since_ns;
		safepoint_gathering_fini(&gathering);
		if (!absent)
			return 0;
		if (wait_now_stopped() >= deadline)
			return did_not_come(absent, err);
		nanosleep(&between, NULL);
		if (patience < LONGEST_PATIENCE_NS)
			patience *= 2;
	}
}
