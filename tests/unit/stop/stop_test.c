/* SPDX-License-Identifier: MIT */
/* stop_run(): who is busy, who is not, and what is called when. */
#include "fixture.h"

#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const enum stop_rung rungs[] = {STOP_RUNG_LAZY, STOP_RUNG_FULL};
#define for_each_rung(rung)                                                   \
	for (size_t i_ = 0; i_ < 2; i_++)                                     \
		for (enum stop_rung rung = rungs[i_], once_ = STOP_RUNG_AUTO; \
		     once_ == STOP_RUNG_AUTO; once_ = STOP_RUNG_FULL)

static sem_t inside, leave;
static atomic_int quit;
static _Atomic pid_t worker_tid;

static void wait_in_semaphore(void)
{
	sem_post(&inside);
	while (sem_wait(&leave))
		;
}

static void *call_once(void *arg)
{
	int *returned = arg;

	pthread_setname_np(pthread_self(), "in the way");
	worker_tid = fixture_gettid();
	*returned = fixture_old();
	sem_post(&inside);
	while (sem_wait(&leave))
		;
	return NULL;
}

static void alone(void **state)
{
	struct fixture fixture;

	(void)state;
	for_each_rung(rung)
	{
		fixture_init(&fixture, rung);
		assert_int_equal(fixture_old(), FIXTURE_OLD);
		assert_int_equal(fixture_apply(&fixture), 0);
		assert_int_equal(fixture_old(), FIXTURE_NEW);
		assert_int_equal(fixture.result.rung, rung);
		assert_int_equal(fixture.result.threads, 0);
		assert_int_equal(fixture.result.attempts, 1);
		assert_int_equal(fixture_revert(&fixture), 0);
		assert_int_equal(fixture_old(), FIXTURE_OLD);
		/* Nobody to stop: no budget is exceeded, whatever the machine does. */
		fixture.commit.gate_possible = false;
		fixture.request.rung = STOP_RUNG_AUTO;
		fixture.request.max_pause_ns = 1;
		assert_int_equal(fixture_apply(&fixture), 0);
		assert_int_equal(fixture_revert(&fixture), 0);
		fixture_fini(&fixture);
	}
}

static void busy_is_named_and_nothing_changes(void **state)
{
	struct fixture fixture;
	pthread_t thread;
	int returned = 0;

	(void)state;
	for_each_rung(rung)
	{
		const struct stop_blocker *blocker = &fixture.result.blockers[0];

		fixture_init(&fixture, rung);
		fixture.request.timeout_ns = 30000000;
		fixture_wait_inside = wait_in_semaphore;
		pthread_create(&thread, NULL, call_once, &returned);
		sem_wait(&inside);
		fixture_wait_asleep(worker_tid);
		assert_int_equal(fixture_apply(&fixture), -SUTURE_E_BUSY_STACK);
		assert_true(fixture_is_original(&fixture));
		/* 1 + 2 + 4 + 8 + 16 ms of waiting in between are more than the time that there is.
		 */
		assert_in_range(fixture.result.attempts, 2, 7);
		assert_int_equal(fixture.result.blocker_count, 1);
		assert_int_equal(blocker->tid, worker_tid);
		assert_string_equal(blocker->comm, "in the way");
		assert_int_equal(blocker->reason, STOP_REASON_FUNCTION);
		assert_int_equal(blocker->tag, 7);
		assert_true(blocker->depth > blocker->busy_frame + 1);
		assert_true(blocker->backtrace[blocker->busy_frame] > fixture.old.start);
		assert_true(blocker->backtrace[blocker->busy_frame] <= fixture.old.end);
		assert_true(blocker->since_ns > 1000000);
		assert_int_equal(fixture.writes, 0);
		if (rung == STOP_RUNG_LAZY) /* a sleeper in the way costs no pause */
			assert_int_equal(fixture.result.longest_failed_pause_ns, 0);

		/* Late already: three all the same, a machine may have stood still. None: one. */
		fixture.request.timeout_ns = 1;
		assert_int_equal(fixture_apply(&fixture), -SUTURE_E_BUSY_STACK);
		assert_int_equal(fixture.result.attempts, 3);
		fixture.request.timeout_ns = 0;
		assert_int_equal(fixture_apply(&fixture), -SUTURE_E_BUSY_STACK);
		assert_int_equal(fixture.result.attempts, 1);

		/* It leaves, and sleeps outside: words of its call are still on the stack. */
		sem_post(&leave);
		sem_wait(&inside);
		fixture_wait_asleep(worker_tid);
		fixture_wait_inside = NULL;
		assert_int_equal(fixture_apply(&fixture), 0);
		assert_int_equal(fixture_revert(&fixture), 0);
		sem_post(&leave);
		pthread_join(thread, NULL);
		assert_int_equal(returned, FIXTURE_OLD);
		fixture_fini(&fixture);
	}
}

static void *leave_soon(void *arg)
{
	(void)arg;
	usleep(20000);
	sem_post(&leave);
	return NULL;
}

static void busy_is_retried(void **state)
{
	struct fixture fixture;
	pthread_t thread, other;
	int returned = 0;

	(void)state;
	for_each_rung(rung)
	{
		fixture_init(&fixture, rung);
		fixture_wait_inside = wait_in_semaphore;
		pthread_create(&thread, NULL, call_once, &returned);
		sem_wait(&inside);
		pthread_create(&other, NULL, leave_soon, NULL);
		fixture.request.timeout_ns = UINT64_C(20000000000);
		assert_int_equal(fixture_apply(&fixture), 0);
		fixture_wait_inside = NULL;
		assert_int_equal(fixture_revert(&fixture), 0);
		sem_wait(&inside);
		sem_post(&leave);
		pthread_join(thread, NULL);
		pthread_join(other, NULL);
		assert_int_equal(returned, FIXTURE_OLD);
		fixture_fini(&fixture);
	}
}

/* ---- one that wakes between the first look and the gate ---------------------------------------
 */

static sem_t wake;

static void *sleep_then_call(void *arg)
{
	int *returned = arg;

	worker_tid = fixture_gettid();
	while (sem_wait(&wake))
		;
	*returned = fixture_old();
	return NULL;
}

static void let_it_in(struct fixture *fixture)
{
	fixture->before_gate = NULL;
	sem_post(&wake);
	while (sem_wait(&inside))
		;
}

static void let_it_out(struct fixture *fixture)
{
	fixture->at_undone_gate = NULL;
	sem_post(&leave);
}

/* Asleep outside when it was looked at, inside when the gate closes: the second look finds it. */
static void who_woke_in_between_is_found(void **state)
{
	struct fixture fixture;
	pthread_t thread;
	int returned = 0;

	(void)state;
	sem_init(&wake, 0, 0);
	worker_tid = 0;
	fixture_init(&fixture, STOP_RUNG_LAZY);
	fixture.request.timeout_ns = UINT64_C(20000000000);
	fixture.before_gate = let_it_in;
	fixture.at_undone_gate = let_it_out;
	fixture_wait_inside = wait_in_semaphore;
	pthread_create(&thread, NULL, sleep_then_call, &returned);
	while (!worker_tid)
		usleep(100);
	fixture_wait_asleep(worker_tid);
	assert_int_equal(fixture_apply(&fixture), 0);
	assert_true(fixture.undone_gates >= 1);
	pthread_join(thread, NULL);
	assert_int_equal(returned, FIXTURE_OLD);
	fixture_wait_inside = NULL;
	assert_int_equal(fixture_revert(&fixture), 0);
	fixture_fini(&fixture);
}

/* ---- many kinds of threads ------------------------------------------------------------------ */

static void *call_for_ever(void *arg)
{
	(void)arg;
	while (!quit)
		fixture_old();
	return NULL;
}

static void *call_and_sleep(void *arg)
{
	sigset_t all;

	(void)arg;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL); /* never takes a signal */
	while (!quit) {
		fixture_old();
		usleep(100);
	}
	return NULL;
}

static void *born_and_gone(void *arg)
{
	(void)arg;
	fixture_old();
	return NULL;
}

static void *bear(void *arg)
{
	(void)arg;
	while (!quit) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, born_and_gone, NULL) == 0)
			pthread_join(thread, NULL);
	}
	return NULL;
}

static atomic_int allocating;

static void *allocate(void *arg)
{
	(void)arg;
	while (!quit) {
		allocating = 1;
		void *pieces[32];

		for (size_t i = 0; i < 32; i++)
			pieces[i] = malloc(i * 700 + 1);
		for (size_t i = 0; i < 32; i++)
			free(pieces[i]);
	}
	return NULL;
}

__attribute__((noinline)) static int deep(int depth)
{
	volatile int local = depth;

	if (depth == 0) {
		usleep(50);
		return 0;
	}
	return deep(depth - 1) + local;
}

static void *recurse(void *arg)
{
	(void)arg;
	while (!quit)
		deep(5000);
	return NULL;
}

/* Old functions check at entry and exit that no new one ran: a mix would be counted. */
static void never_a_mix(void **state)
{
	void *(*const kinds[])(void *) = {
		call_for_ever, call_for_ever, call_and_sleep, call_and_sleep, call_and_sleep,
		bear,	       bear,	      allocate,	      allocate,	      recurse};
	enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };
	pthread_t threads[KINDS];
	struct fixture fixture;

	(void)state;
	for_each_rung(rung)
	{
		unsigned undone = 0;

		fixture_init(&fixture, rung);
		fixture.request.timeout_ns = UINT64_C(60000000000);
		quit = 0;
		fixture_mixes = 0;
		for (size_t i = 0; i < KINDS; i++)
			pthread_create(&threads[i], NULL, kinds[i], NULL);
		for (unsigned round = 0; round < 60; round++) {
			int rc = fixture_apply(&fixture);

			if (rc)
				print_message("%s\n", fixture.err.message);
			assert_int_equal(rc, 0);
			rc = fixture_revert(&fixture);
			assert_int_equal(rc, 0);
			/* After a revert old ones may run again. */
		}
		undone = fixture.undone_gates;
		quit = 1;
		for (size_t i = 0; i < KINDS; i++)
			pthread_join(threads[i], NULL);
		print_message("%s: 120 commits, %u gates undone, mixes %lu\n", stop_rung_name(rung),
			      undone, fixture_mixes);
		assert_int_equal(fixture_mixes, 0);
		fixture_fini(&fixture);
	}
}

/* ---- steps ---------------------------------------------------------------------------------- */

static int count_switch(void *arg)
{
	struct fixture *fixture = arg;

	fixture->switches++;
	return 0;
}

static int failing_switch(void *arg)
{
	count_switch(arg);
	return -SUTURE_E_HOOK_FAILED;
}

static void a_step_that_fails_undoes_all(void **state)
{
	struct fixture fixture;

	(void)state;
	for_each_rung(rung)
	{
		fixture_init(&fixture, rung);
		fixture.fail_write = -SUTURE_E_FUNCTION_CHANGED;
		assert_int_equal(fixture_apply(&fixture), -SUTURE_E_FUNCTION_CHANGED);
		assert_int_equal(fixture.undos, 1);
		assert_int_equal(fixture.opens, 0);
		fixture_fini(&fixture);
	}
	fixture_init(&fixture, STOP_RUNG_AUTO);
	fixture.commit.switch_stopped = failing_switch;
	assert_int_equal(fixture_apply(&fixture), -SUTURE_E_HOOK_FAILED);
	assert_int_equal(fixture.result.rung, STOP_RUNG_FULL);
	assert_int_equal(fixture.switches, 1);
	fixture_fini(&fixture);
}

static void hooks_and_ungated_writes_force_full(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture, STOP_RUNG_AUTO);
	assert_int_equal(fixture_apply(&fixture), 0);
	assert_int_equal(fixture.result.rung, STOP_RUNG_LAZY);
	fixture.commit.switch_stopped = count_switch;
	assert_int_equal(fixture_revert(&fixture), 0);
	assert_int_equal(fixture.result.rung, STOP_RUNG_FULL);
	fixture.commit.switch_stopped = NULL;
	fixture.commit.gate_possible = false;
	assert_int_equal(fixture_apply(&fixture), 0);
	assert_int_equal(fixture.result.rung, STOP_RUNG_FULL);
	assert_int_equal(fixture_revert(&fixture), 0);
	fixture.request.rung = STOP_RUNG_LAZY;
	assert_int_equal(fixture_apply(&fixture), -SUTURE_E_UNSUPPORTED);
	fixture.request.rung = STOP_RUNG_SAFEPOINT;
	assert_int_equal(fixture_apply(&fixture), -SUTURE_E_NEEDS_SAFEPOINT);
	fixture_fini(&fixture);
}

static void a_budget_is_kept(void **state)
{
	struct fixture fixture;
	pthread_t thread;

	(void)state;
	quit = 0;
	pthread_create(&thread, NULL, call_and_sleep, NULL);
	for_each_rung(rung)
	{
		fixture_init(&fixture, rung);
		/* The full one as it is where no gate can be closed. */
		fixture.commit.gate_possible = rung == STOP_RUNG_LAZY;
		fixture.request.max_pause_ns = 1;
		assert_int_equal(fixture_apply(&fixture), -SUTURE_E_PAUSE_BUDGET);
		assert_int_equal(fixture.writes, 0);
		assert_true(fixture.result.longest_failed_pause_ns > 0);
		fixture_fini(&fixture);
	}
	quit = 1;
	pthread_join(thread, NULL);
}

/* A wait for any child must not see the helper; nor may there be a SIGCHLD. */
static void the_application_sees_no_child(void **state)
{
	struct fixture fixture;
	sigset_t set, pending;

	(void)state;
	fixture_init(&fixture, STOP_RUNG_FULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	assert_int_equal(fixture_apply(&fixture), 0);
	sigpending(&pending);
	assert_false(sigismember(&pending, SIGCHLD));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(fixture_revert(&fixture), 0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	fixture_fini(&fixture);
}

/* ---- inspect -------------------------------------------------------------------------------- */

static void inspect_shows_everyone(void **state)
{
	struct stop_thread *threads;
	struct fixture fixture;
	pthread_t worker, spinner;
	int returned;
	size_t count;

	(void)state;
	fixture_init(&fixture, STOP_RUNG_AUTO);
	quit = 0;
	fixture_wait_inside = wait_in_semaphore;
	pthread_create(&worker, NULL, call_once, &returned);
	sem_wait(&inside);
	fixture_wait_inside = NULL;
	fixture_wait_asleep(worker_tid);
	allocating = 0;
	pthread_create(&spinner, NULL, allocate, NULL);
	/* A newborn stands in clone(), which has no unwind information there. */
	while (!allocating)
		usleep(100);
	fixture.request.commit = NULL;
	assert_int_equal(
		stop_inspect(&fixture.request, &threads, &count, &fixture.result, &fixture.err), 0);
	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++) {
		bool is_worker = threads[i].view.tid == worker_tid;

		assert_true(threads[i].view.depth > 1);
		assert_true(threads[i].complete);
		assert_int_equal(threads[i].view.reason,
				 is_worker ? STOP_REASON_FUNCTION : STOP_REASON_NONE);
		if (is_worker)
			assert_int_equal(threads[i].state, STOP_THREAD_ASLEEP);
	}
	free(threads);
	quit = 1;
	sem_post(&leave);
	sem_wait(&inside);
	sem_post(&leave);
	pthread_join(worker, NULL);
	pthread_join(spinner, NULL);
	fixture_fini(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alone),
		cmocka_unit_test(busy_is_named_and_nothing_changes),
		cmocka_unit_test(busy_is_retried),
		cmocka_unit_test(who_woke_in_between_is_found),
		cmocka_unit_test(never_a_mix),
		cmocka_unit_test(a_step_that_fails_undoes_all),
		cmocka_unit_test(hooks_and_ungated_writes_force_full),
		cmocka_unit_test(a_budget_is_kept),
		cmocka_unit_test(the_application_sees_no_child),
		cmocka_unit_test(inspect_shows_everyone),
	};

	sem_init(&inside, 0, 0);
	sem_init(&leave, 0, 0);
	if (!fixture_can_stop())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
