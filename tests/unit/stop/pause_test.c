/* SPDX-License-Identifier: MIT */
/*
 * From when to when players may be held up, and at which priorities that and the rest is done. What
 * the helper does at the listing and at the release is seen by standing in for it.
 */
#include "fixture.h"

#include "arch/arch.h"
#include "base/restraint.h"
#include "stop/session.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum listing __real_tasks_list_stopped(struct stop_session *session, size_t *added);
enum listing __wrap_tasks_list_stopped(struct stop_session *session, size_t *added);
void __real_trace_release_all_stopped(struct stop_session *session);
void __wrap_trace_release_all_stopped(struct stop_session *session);
void __real_trace_stop_wanted_stopped(struct stop_session *session);
void __wrap_trace_stop_wanted_stopped(struct stop_session *session);
uint64_t __real_wait_now_stopped(void);
uint64_t __wrap_wait_now_stopped(void);
void __real_priority_restore_stopped(pid_t tid, struct priority *priority);
void __wrap_priority_restore_stopped(pid_t tid, struct priority *priority);

struct standing {
	long policy;
	long nice; /* as the kernel gives it */
};
enum { BEST = 40 };
#define PATIENCE_NS UINT64_C(20000000000)

/* Written on the helper, which calls no libc. */
static struct {
	pid_t helper;
	struct standing caller_looks, helper_looks; /* before the pause */
	struct standing caller_commits, helper_commits;
	struct standing caller_releases;
	bool over_at_release; /* was the pause over before anybody was let go? */
	bool helper_restored;
} seen;

static long usual_nice;
/* What the helper waits for at its first listing, as if it got no processor. */
static bool waits_for_hurry;
/* Hardly any time goes by: nothing takes long. */
static bool clock_stands;

static struct standing standing_of(pid_t tid)
{
	return (struct standing){
		.policy = arch_syscall(SYS_sched_getscheduler, tid, 0, 0, 0, 0, 0),
		.nice = arch_syscall(SYS_getpriority, PRIO_PROCESS, tid, 0, 0, 0, 0),
	};
}

static void wait_for_hurry(const struct stop_session *session)
{
	uint64_t start = __real_wait_now_stopped();

	while (waits_for_hurry &&
	       (standing_of(session->caller).nice != BEST ||
		standing_of(session->helper).nice != BEST) &&
	       __real_wait_now_stopped() - start < PATIENCE_NS)
		arch_syscall(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

enum listing __wrap_tasks_list_stopped(struct stop_session *session, size_t *added)
{
	if (!session->raised) {
		seen.helper = session->helper;
		wait_for_hurry(session);
		seen.caller_looks = standing_of(session->caller);
		seen.helper_looks = standing_of(session->helper);
	}
	return __real_tasks_list_stopped(session, added);
}

void __wrap_trace_release_all_stopped(struct stop_session *session)
{
	seen.over_at_release = session->pause_end_ns != 0;
	seen.caller_releases = standing_of(session->caller);
	__real_trace_release_all_stopped(session);
}

void __wrap_priority_restore_stopped(pid_t tid, struct priority *priority)
{
	seen.helper_restored |= tid == seen.helper && priority->raised;
	__real_priority_restore_stopped(tid, priority);
}

uint64_t __wrap_wait_now_stopped(void)
{
	static uint64_t ticks;

	return clock_stands ? ++ticks : __real_wait_now_stopped();
}

static void look_at_the_gate(struct fixture *fixture)
{
	(void)fixture;
	seen.caller_commits = standing_of(fixture_gettid());
	seen.helper_commits = standing_of(seen.helper);
}

/* ---- threads -------------------------------------------------------------------------------- */

static atomic_int quit;
static _Atomic pid_t other;

static void *spin(void *arg)
{
	other = fixture_gettid();
	while (!quit)
		;
	return arg;
}

static void *sleep_for_ever(void *arg)
{
	other = fixture_gettid();
	pause();
	return arg;
}

static void apply_beside(void *(*body)(void *), struct fixture *fixture, enum stop_rung rung)
{
	pthread_t thread;

	quit = 0;
	other = 0;
	pthread_create(&thread, NULL, body, NULL);
	while (!other)
		usleep(100);
	if (body == sleep_for_ever)
		fixture_wait_asleep(other);
	fixture_init(fixture, rung);
	fixture->request.timeout_ns = UINT64_C(60000000000);
	assert_int_equal(fixture_apply(fixture), 0);
	assert_int_equal(fixture_revert(fixture), 0);
	fixture->at_gate = look_at_the_gate;
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(fixture_apply(fixture), 0);
	fixture->at_gate = NULL;
	assert_true(clock_stands || fixture->result.pause_ns > 0);
	quit = 1;
	pthread_cancel(thread);
	pthread_join(thread, NULL);
}

static void take_back(struct fixture *fixture)
{
	assert_int_equal(fixture_revert(fixture), 0);
	fixture_fini(fixture);
}

/* ---- from when to when ---------------------------------------------------------------------- */

/* The helper has yet to wake up and to end: nobody waits for that. */
static void over_when_the_gates_open_if_nobody_is_held(void **state)
{
	struct fixture fixture;

	(void)state;
	apply_beside(sleep_for_ever, &fixture, STOP_RUNG_LAZY);
#ifndef __OPTIMIZE__
	/* A frame that only its frame pointer tells: the sleeper is stopped. */
	take_back(&fixture);
	skip();
#endif
	assert_int_equal(fixture.result.asleep, fixture.result.threads);
	assert_true(seen.over_at_release);
	assert_int_equal(seen.caller_releases.policy, SCHED_OTHER);
	take_back(&fixture);
}

static void over_when_the_last_is_let_go_otherwise(void **state)
{
	struct fixture fixture;

	(void)state;
	apply_beside(spin, &fixture, STOP_RUNG_LAZY);
	assert_true(fixture.result.asleep < fixture.result.threads);
	assert_false(seen.over_at_release);
	take_back(&fixture);
	apply_beside(sleep_for_ever, &fixture, STOP_RUNG_FULL);
	assert_false(seen.over_at_release);
	take_back(&fixture);
}

/* ---- priorities ----------------------------------------------------------------------------- */

static bool may_be_raised(void)
{
	struct sched_param one = {.sched_priority = 1}, none = {0};
	int nice = getpriority(PRIO_PROCESS, 0);

	return sched_setscheduler(0, SCHED_FIFO, &one) == 0 &&
	       sched_setscheduler(0, SCHED_OTHER, &none) == 0 &&
	       setpriority(PRIO_PROCESS, 0, -20) == 0 && setpriority(PRIO_PROCESS, 0, nice) == 0;
}

/* Who looks is no real-time thread and has that nice value, who commits is; afterwards it is as
 * before. */
static void expect_priorities(int nice_of_looks)
{
	struct standing after = standing_of(fixture_gettid());

	assert_int_equal(seen.caller_looks.policy, SCHED_OTHER);
	assert_int_equal(seen.helper_looks.policy, SCHED_OTHER);
	assert_int_equal(seen.caller_looks.nice, nice_of_looks);
	assert_int_equal(seen.helper_looks.nice, nice_of_looks);
	assert_int_equal(seen.caller_commits.policy, SCHED_FIFO);
	assert_int_equal(after.policy, SCHED_OTHER);
	assert_int_equal(after.nice, usual_nice);
}

static void commits_in_real_time_and_nothing_else(void **state)
{
	static const enum stop_rung rungs[] = {STOP_RUNG_LAZY, STOP_RUNG_FULL};

	(void)state;
	if (!may_be_raised())
		skip();
	for (size_t i = 0; i < 2; i++) {
		struct fixture fixture;

		clock_stands = true;
		apply_beside(spin, &fixture, rungs[i]);
		clock_stands = false;
		expect_priorities(usual_nice);
		assert_int_equal(seen.helper_commits.policy, SCHED_FIFO);
		/* It closes as many files as there are threads before it is gone. */
		assert_true(seen.helper_restored);
		take_back(&fixture);
	}
}

/*
 * Where a thousand threads spin, who looks at them with the priority of one of them gets a
 * thousandth of a processor.
 */
static void who_is_kept_waiting_looks_in_a_hurry(void **state)
{
	static const enum stop_rung rungs[] = {STOP_RUNG_LAZY, STOP_RUNG_FULL};

	(void)state;
	if (!may_be_raised())
		skip();
	for (size_t i = 0; i < 2; i++) {
		struct fixture fixture;

		waits_for_hurry = true;
		apply_beside(spin, &fixture, rungs[i]);
		waits_for_hurry = false;
		expect_priorities(BEST);
		take_back(&fixture);
	}
}

/* What comes before the helper takes long, once. */
static int take_long(void *arg, const struct unwind_table **unwind, struct suture_error *err)
{
	struct fixture *fixture = arg;

	(void)unwind;
	(void)err;
	if (fixture->gates == 0)
		usleep(STOP_SOON_NS / 1000 + 1000);
	return 0;
}

static void lose_the_helper(struct fixture *fixture)
{
	if (fixture->gates == 1)
		kill(seen.helper, SIGKILL);
}

/* Not only in the attempt that noticed. */
static void stays_in_a_hurry_for_all_attempts(void **state)
{
	struct fixture fixture;

	(void)state;
	if (!may_be_raised())
		skip();
	memset(&seen, 0, sizeof(seen));
	fixture_init(&fixture, STOP_RUNG_LAZY);
	fixture.request.timeout_ns = UINT64_C(60000000000);
	fixture.at_gate = lose_the_helper;
	fixture.request.refresh = take_long;
	fixture.request.refresh_arg = &fixture;
	assert_int_equal(fixture_apply(&fixture), 0);
	fixture.request.refresh = NULL;
	fixture.at_gate = NULL;
	assert_true(fixture.result.attempts > 1);
	assert_int_equal(seen.caller_looks.nice, BEST);
	assert_int_equal(seen.helper_looks.nice, BEST);
	assert_int_equal(standing_of(fixture_gettid()).nice, usual_nice);
	take_back(&fixture);
}

/* Looking without a commit is no less work. */
static void inspects_in_a_hurry(void **state)
{
	struct stop_thread *threads;
	struct fixture fixture;
	size_t count;

	(void)state;
	if (!may_be_raised())
		skip();
	fixture_init(&fixture, STOP_RUNG_AUTO);
	memset(&seen, 0, sizeof(seen));
	waits_for_hurry = true;
	assert_int_equal(
		stop_inspect(&fixture.request, &threads, &count, &fixture.result, &fixture.err), 0);
	waits_for_hurry = false;
	free(threads);
	assert_int_equal(seen.caller_looks.nice, BEST);
	assert_int_equal(seen.helper_looks.nice, BEST);
	assert_int_equal(standing_of(fixture_gettid()).nice, usual_nice);
	fixture_fini(&fixture);
}

/* ---- who runs instead of one that is to stop ------------------------------------------------- */

static _Atomic uint32_t may_hog;
static _Atomic pid_t hog;
static _Atomic bool hogs;
static pid_t tracer_of_hog;

static void pin(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

static void *spin_there(void *cpu)
{
	pin((int)(intptr_t)cpu);
	return spin(NULL);
}

/* Sleeps first. Then nobody of ordinary priority gets the processor, until it is stopped. */
static void *take_the_processor(void *cpu)
{
	struct sched_param some = {.sched_priority = 50};

	pin((int)(intptr_t)cpu);
	assert_int_equal(sched_setscheduler(0, SCHED_FIFO, &some), 0);
	hog = fixture_gettid();
	wait_change_stopped(&may_hog, 0, 0);
	hogs = true;
	while (!quit)
		;
	return NULL;
}

/* On the helper, when it knows who sleeps and whom it has to stop. */
void __wrap_trace_stop_wanted_stopped(struct stop_session *session)
{
	uint64_t start = __real_wait_now_stopped();

	if (hog && !may_hog) {
		may_hog = 1;
		wait_wake_stopped(&may_hog);
		while (!hogs && __real_wait_now_stopped() - start < PATIENCE_NS)
			arch_syscall(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	}
	__real_trace_stop_wanted_stopped(session);
}

static void look_for_the_hog(struct fixture *fixture)
{
	(void)fixture;
	tracer_of_hog = tracer_of(hog);
}

/* Two processors that we may use. */
static bool two_processors(const cpu_set_t *allowed, int cpu[2])
{
	int count = 0;

	for (int i = 0; i < CPU_SETSIZE && count < 2; i++)
		if (CPU_ISSET(i, allowed))
			cpu[count++] = i;
	return count == 2;
}

/*
 * Of hundreds that were left asleep and woke up, each has a turn before one that had more than its
 * share. It is let stop by stopping those that run.
 */
static void who_runs_instead_is_stopped_as_well(void **state)
{
	struct fixture fixture;
	pthread_t threads[2];
	cpu_set_t allowed;
	int cpu[2];

	(void)state;
	if (!may_be_raised() || sched_getaffinity(0, sizeof(allowed), &allowed) != 0 ||
	    !two_processors(&allowed, cpu))
		skip();
	quit = 0;
	other = 0;
	fixture_init(&fixture, STOP_RUNG_LAZY);
	fixture.request.timeout_ns = UINT64_C(60000000000);
	pthread_create(&threads[0], NULL, spin_there, (void *)(intptr_t)cpu[1]);
	while (!other)
		usleep(100);
	pthread_create(&threads[1], NULL, take_the_processor, (void *)(intptr_t)cpu[1]);
	while (!hog)
		usleep(100);
	fixture_wait_asleep(hog);
	pin(cpu[0]);
	fixture.at_gate = look_for_the_hog;
	assert_int_equal(fixture_apply(&fixture), 0);
	quit = 1;
	fixture.at_gate = NULL;
	assert_int_not_equal(tracer_of_hog, 0);
	hog = 0;
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	assert_int_equal(sched_setaffinity(0, sizeof(allowed), &allowed), 0);
	take_back(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_when_the_gates_open_if_nobody_is_held),
		cmocka_unit_test(over_when_the_last_is_let_go_otherwise),
		cmocka_unit_test(commits_in_real_time_and_nothing_else),
		cmocka_unit_test(who_is_kept_waiting_looks_in_a_hurry),
		cmocka_unit_test(stays_in_a_hurry_for_all_attempts),
		cmocka_unit_test(inspects_in_a_hurry),
		cmocka_unit_test(who_runs_instead_is_stopped_as_well),
	};

	/* Whatever we were started with: all this is about ordinary threads. */
	sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0});
	usual_nice = standing_of(fixture_gettid()).nice;
	if (!fixture_can_stop())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
