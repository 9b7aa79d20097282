/* SPDX-License-Identifier: MIT */
/* The ladder: which rung, and attempts until one commits or the time is up. Threads run here. */
#include "stop/session.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#define FIRST_BACKOFF_NS   UINT64_C(1000000)
#define LONGEST_BACKOFF_NS UINT64_C(50000000)

enum {
	MAX_ROOM = 4,	  /* how often the table of threads is doubled */
	MIN_ATTEMPTS = 3, /* a machine that stood still says nothing about the threads */
};

bool stop_may_be_lazy(const struct stop_commit *commit)
{
	/* A suspended fiber can only be looked at while nobody can resume it. */
	return commit->gate_possible && !commit->writes_data && !commit->switch_stopped &&
	       !fiber_any();
}

/* Which rung serves; negative with an error when the one that is asked for can't. */
static int choose_rung(const struct stop_request *request, enum stop_rung *rung,
		       struct suture_error *err)
{
	bool lazy = stop_may_be_lazy(request->commit);

	switch (request->rung) {
	case STOP_RUNG_AUTO:
		*rung = lazy ? STOP_RUNG_LAZY : STOP_RUNG_FULL;
		return 0;
	case STOP_RUNG_FULL:
		*rung = STOP_RUNG_FULL;
		return 0;
	case STOP_RUNG_LAZY:
		*rung = STOP_RUNG_LAZY;
		if (lazy)
			return 0;
		error_set(err, SUTURE_E_UNSUPPORTED,
			  "a lazy stop needs entries that can be gated, no data, no hook at the "
			  "switch, and no fibers");
		return error_next(err, "leave the choice to suture, or ask for a full stop");
	case STOP_RUNG_SAFEPOINT:
		*rung = STOP_RUNG_SAFEPOINT;
		return 0;
	}
	return error_set(err, SUTURE_E_USAGE, "no such rung");
}

static void sleep_ns(uint64_t ns)
{
	struct timespec left = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static bool is_retried(enum outcome outcome)
{
	return outcome == OUTCOME_BUSY || outcome == OUTCOME_STUCK ||
	       outcome == OUTCOME_HELPER_DIED || outcome == OUTCOME_TABLE_FULL ||
	       outcome == OUTCOME_FIBERS || outcome == OUTCOME_FORKING;
}

/* From the time of the first sight to its age. */
static void age_blockers(struct stop_result *result)
{
	uint64_t now = wait_now_stopped();

	for (unsigned i = 0; i < result->blocker_count; i++)
		result->blockers[i].since_ns = now - result->blockers[i].since_ns;
}

static int commit_error(int rc, struct suture_error *err)
{
	enum suture_code code = rc < 0 ? (enum suture_code) - rc : SUTURE_E_INTERNAL;

	return error_set(err, code, "the commit was undone: %s", suture_code_text(code));
}

/* Prepares the next attempt; false when there shall be none. */
static bool next_attempt(const struct stop_request *request, const struct attempt *attempt,
			 const struct stop_result *result, uint64_t deadline, uint64_t *backoff,
			 struct session_options *options)
{
	uint64_t now = wait_now_stopped();
	bool over = now >= deadline && (!request->timeout_ns || result->attempts >= MIN_ATTEMPTS);

	/* Yama lets nobody but ancestors trace, unless we name the helper. */
	if (attempt->outcome == OUTCOME_REFUSED && !options->allow_tracer &&
	    explain_yama_scope() == 1) {
		options->allow_tracer = true;
		return true;
	}
	if (attempt->outcome == OUTCOME_TABLE_FULL && options->room < MAX_ROOM) {
		options->room++;
		return true;
	}
	if (!is_retried(attempt->outcome) || over)
		return false;
	sleep_ns(now >= deadline || *backoff < deadline - now ? *backoff : deadline - now);
	*backoff = *backoff * 2 < LONGEST_BACKOFF_NS ? *backoff * 2 : LONGEST_BACKOFF_NS;
	now = wait_now_stopped();
	options->await = attempt->outcome == OUTCOME_BUSY && now < deadline ? result : NULL;
	options->await_ns = options->await ? deadline - now : 0;
	return true;
}

static int run_attempts(const struct stop_request *request, struct hurry *hurry,
			struct stop_result *result, struct suture_error *err)
{
	struct session_options options = {.hurry = hurry};
	uint64_t deadline = wait_now_stopped() + request->timeout_ns;
	uint64_t backoff = FIRST_BACKOFF_NS;
	struct attempt attempt;
	int rc;

	memset(result, 0, sizeof(*result));
	do {
		/* Each time: fibers may have come up meanwhile. */
		rc = choose_rung(request, &result->rung, err);
		if (rc)
			return rc;
		if (result->rung == STOP_RUNG_SAFEPOINT) {
			rc = gather_run(request, deadline, result, &attempt, err);
			break;
		}
		options.lazy = result->rung == STOP_RUNG_LAZY;
		result->attempts++;
		attempt = (struct attempt){0};
		hurry_start(hurry);
		rc = attempt_run(request, &options, result, &attempt, err);
	} while (!rc && attempt.outcome != OUTCOME_CLEAN &&
		 next_attempt(request, &attempt, result, deadline, &backoff, &options));
	if (options.allow_tracer)
		prctl(PR_SET_PTRACER, 0, 0, 0, 0);
	age_blockers(result);
	if (rc)
		return rc;
	if (attempt.outcome != OUTCOME_CLEAN)
		return explain_outcome(attempt.outcome, attempt.error, result, err);
	return attempt.commit_rc ? commit_error(attempt.commit_rc, err) : 0;
}

int stop_run(const struct stop_request *request, struct stop_result *result,
	     struct suture_error *err)
{
	struct hurry hurry = {0};
	int rc = run_attempts(request, &hurry, result, err);

	hurry_end(&hurry);
	return rc;
}
