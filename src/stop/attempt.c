/* SPDX-License-Identifier: MIT */
/*
 * One attempt on the caller's thread: look, commit, let go. Between LOOK and the release other
 * threads are stopped: what is called in between is raw, or the request's own _stopped functions.
 */
#include "stop/session.h"

#include "base/error.h"
#include "base/probe.h"
#include "stop/forks.h"

/* What became of a commit: CLEAN, done; another outcome, nothing changed; *rc, a step failed. */
struct commit_state {
	struct stop_session *session;
	const struct stop_commit *commit;
	struct stop_result *result;
	int rc;
};

static bool over_budget(const struct stop_session *session)
{
	uint64_t limit = session->request->max_pause_ns;

	/* Where nobody was held up there is no pause yet. */
	return limit && session->pause_start_ns &&
	       wait_now_stopped() - session->pause_start_ns > limit;
}

/* write, then switch; undoes everything when one fails. */
static void write_and_switch_stopped(struct commit_state *state)
{
	const struct stop_commit *commit = state->commit;

	state->rc = commit->write_stopped(commit->arg);
	if (!state->rc && commit->switch_stopped)
		state->rc = commit->switch_stopped(commit->arg);
	if (state->rc)
		commit->undo_stopped(commit->arg);
}

static enum outcome behind_gate_stopped(struct commit_state *state)
{
	struct stop_session *session = state->session;
	const struct stop_commit *commit = state->commit;
	enum outcome outcome = OUTCOME_CLEAN;

	/* Closing what stopped threads alone permit to be closed: not when they run already. */
	if (!session->lazy && !session_helper_alive_stopped(session))
		return OUTCOME_HELPER_DIED;
	helper_pause_begin_stopped(session, session->caller);
	state->rc = commit->gate_close_stopped(commit->arg);
	if (state->rc) {
		commit->gate_undo_stopped(commit->arg);
		return OUTCOME_CLEAN;
	}
	/* Alive now, behind the closed gate: those it stopped have not run since they were seen. */
	if (!session_helper_alive_stopped(session))
		outcome = OUTCOME_HELPER_DIED;
	else if (session->lazy)
		outcome = session_command_stopped(session, COMMAND_CHECK);
	if (outcome == OUTCOME_CLEAN && over_budget(session))
		outcome = OUTCOME_OVER_BUDGET;
	if (outcome != OUTCOME_CLEAN) {
		commit->gate_undo_stopped(commit->arg);
		return outcome;
	}
	/* From here on nobody is inside and nobody gets in, with the helper or without. */
	write_and_switch_stopped(state);
	if (!state->rc)
		commit->gate_open_stopped(commit->arg);
	return OUTCOME_CLEAN;
}

/* Where threads run meanwhile, none of them may fork: see forks.h. */
static enum outcome gated_stopped(struct commit_state *state)
{
	bool lazy = state->session->lazy;
	enum outcome outcome;

	if (lazy && !forks_hold_stopped())
		return OUTCOME_FORKING;
	outcome = behind_gate_stopped(state);
	if (lazy)
		forks_release_stopped();
	return outcome;
}

static enum outcome ungated_stopped(struct commit_state *state)
{
	struct stop_session *session = state->session;

	if (over_budget(session))
		return OUTCOME_OVER_BUDGET;
	if (!session_helper_alive_stopped(session))
		return OUTCOME_HELPER_DIED;
	helper_pause_begin_stopped(session, session->caller);
	write_and_switch_stopped(state);
	return OUTCOME_CLEAN;
}

/* Does nobody wait to be let go? Then the pause was over when the gates opened. */
static bool is_nobody_held(const struct stop_session *session)
{
	for (size_t i = 0; i < session->task_count; i++)
		if (session->tasks[i].seized || session->tasks[i].state == TASK_STANDS)
			return false;
	return true;
}

static void count_threads(const struct stop_session *session, struct stop_result *result)
{
	result->threads = result->asleep = result->standing = 0;
	for (size_t i = 0; i < session->task_count; i++) {
		enum task_state task = session->tasks[i].state;

		result->threads += task != TASK_GONE && task != TASK_INERT;
		result->asleep += task == TASK_ASLEEP;
		result->standing += task == TASK_STANDS;
	}
}

/* Takes over who blocks; keeps for how long a thread has been seen blocking in the same way. */
static void take_blockers(const struct stop_session *session, struct stop_result *result)
{
	uint64_t now = wait_now_stopped();
	struct stop_blocker old[STOP_MAX_BLOCKERS];
	unsigned old_count = result->blocker_count;

	for (unsigned i = 0; i < old_count; i++)
		old[i] = result->blockers[i];
	result->blocker_count = session->blocker_count;
	for (unsigned i = 0; i < session->blocker_count; i++) {
		struct stop_blocker *blocker = &result->blockers[i];

		/* While attempts go on since_ns holds the time of the first; stop_run() subtracts.
		 */
		*blocker = session->blockers[i];
		blocker->since_ns = now;
		for (unsigned j = 0; j < old_count; j++)
			if (old[j].tid == blocker->tid && old[j].reason == blocker->reason &&
			    old[j].tag == blocker->tag)
				blocker->since_ns = old[j].since_ns;
	}
}

static void take_result(const struct stop_session *session, bool committed,
			struct stop_result *result)
{
	uint64_t pause = session->pause_start_ns && session->pause_end_ns > session->pause_start_ns
				 ? session->pause_end_ns - session->pause_start_ns
				 : 0;

	count_threads(session, result);
	take_blockers(session, result);
	if (committed)
		result->pause_ns = pause;
	else if (pause > result->longest_failed_pause_ns)
		result->longest_failed_pause_ns = pause;
}

int attempt_run(const struct stop_request *request, const struct session_options *options,
		struct stop_result *result, struct attempt *attempt, struct suture_error *err)
{
	const struct unwind_table *unwind = request->unwind;
	struct stop_session *session = NULL;
	struct commit_state state;
	int rc = 0;

	if (request->refresh)
		rc = request->refresh(request->refresh_arg, &unwind, err);
	if (!rc)
		rc = session_start(request, unwind, options, &session, err);
	if (rc)
		return rc;
	state = (struct commit_state){
		.session = session, .commit = request->commit, .result = result};
	probe2(stop_begin, result->attempts, session->task_count);
	attempt->outcome = session_command_stopped(session, session->awaited_count ? COMMAND_AWAIT
										   : COMMAND_LOOK);
	if (attempt->outcome == OUTCOME_CLEAN &&
	    (request->commit->gate_possible || request->commit->gate_when_stopped))
		attempt->outcome = gated_stopped(&state);
	else if (attempt->outcome == OUTCOME_CLEAN)
		attempt->outcome = ungated_stopped(&state);
	if (session->pause_start_ns && is_nobody_held(session))
		session->pause_end_ns = wait_now_stopped();
	if (!session_helper_alive_stopped(session))
		result->helper_died = true;
	session_release_stopped(session);
	if (options->gathering && attempt->outcome != OUTCOME_NEEDS_TRACE) {
		safepoint_release_stopped(options->gathering);
		session->pause_end_ns = wait_now_stopped();
	}
	attempt->commit_rc = state.rc;
	take_result(session, attempt->outcome == OUTCOME_CLEAN && !state.rc, result);
	attempt->error = session->error;
	probe3(stop_end, result->attempts, (int)attempt->outcome, result->pause_ns);
	if (attempt->outcome != OUTCOME_CLEAN)
		probe2(busy, result->attempts, result->blocker_count ? result->blockers[0].tid : 0);
	session_end(session);
	return 0;
}
