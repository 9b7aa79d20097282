/* SPDX-License-Identifier: MIT */
/* A fork() beside a lazy stop: no child has a closed gate, and no gate is closed while one is born.
 */
#include "fixture.h"

#include "stop/forks.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CHILD_SECONDS = 30, /* after which a child hangs, on any machine */
	LOOKS = 200,	    /* at a child that is not to come; of 100 us */
};

static sem_t go, in_handler, leave_handler;
static atomic_bool stay_in_handler;
static _Atomic pid_t born;

/* Before the first of ours is done: see main(). */
static void last_before_fork(void)
{
	if (!atomic_load(&stay_in_handler))
		return;
	sem_post(&in_handler);
	sem_wait(&leave_handler);
}

static void *fork_when_told(void *unused)
{
	pid_t pid;

	sem_wait(&go);
	pid = fork();
	if (pid == 0) {
		alarm(CHILD_SECONDS);
		fixture_old();
		_exit(0);
	}
	atomic_store(&born, pid);
	return unused;
}

static void child_ended_well(void)
{
	int status = -1;

	assert_true(born > 0);
	assert_int_equal(waitpid(born, &status, 0), born);
	assert_int_equal(status, 0);
}

static void begin(struct fixture *fixture, pthread_t *thread)
{
	atomic_store(&born, 0);
	atomic_store(&stay_in_handler, false);
	sem_init(&go, 0, 0);
	sem_init(&in_handler, 0, 0);
	sem_init(&leave_handler, 0, 0);
	fixture_init(fixture, STOP_RUNG_LAZY);
	assert_int_equal(pthread_create(thread, NULL, fork_when_told, NULL), 0);
}

/* Not a matter of time: one that is born here at all, however late, hangs. */
static void let_it_fork(struct fixture *fixture)
{
	(void)fixture;
	sem_post(&go);
	for (int i = 0; i < LOOKS && !atomic_load(&born); i++)
		usleep(100);
}

static void test_fork_waits_for_the_gate(void **state)
{
	struct fixture fixture;
	pthread_t thread;

	(void)state;
	begin(&fixture, &thread);
	fixture.at_gate = let_it_fork;
	assert_int_equal(fixture_apply(&fixture), 0);
	fixture.at_gate = NULL;
	pthread_join(thread, NULL);
	child_ended_well();
	assert_int_equal(fixture_revert(&fixture), 0);
	fixture_fini(&fixture);
}

static void test_fork_waits_for_a_gate_that_is_undone(void **state)
{
	struct fixture fixture;
	pthread_t thread;

	(void)state;
	begin(&fixture, &thread);
	fixture.at_gate = let_it_fork;
	fixture.fail_write = -EIO;
	assert_int_not_equal(fixture_apply(&fixture), 0);
	pthread_join(thread, NULL);
	child_ended_well();
	fixture_fini(&fixture);
}

static void *let_it_leave(void *unused)
{
	/* The first attempt has failed, or soon will: it comes long before the last. */
	usleep(20000);
	sem_post(&leave_handler);
	return unused;
}

static void test_no_gate_while_one_is_born(void **state)
{
	struct fixture fixture;
	pthread_t thread, other;

	(void)state;
	begin(&fixture, &thread);
	atomic_store(&stay_in_handler, true);
	sem_post(&go);
	sem_wait(&in_handler);
	assert_int_equal(pthread_create(&other, NULL, let_it_leave, NULL), 0);
	assert_int_equal(fixture_apply(&fixture), 0);
	assert_int_equal(fixture.gates, 1);
	assert_true(fixture.result.attempts > 1);
	pthread_join(other, NULL);
	pthread_join(thread, NULL);
	child_ended_well();
	assert_int_equal(fixture_revert(&fixture), 0);
	fixture_fini(&fixture);
}

static void test_always_one_being_born(void **state)
{
	struct fixture fixture;
	pthread_t thread;

	(void)state;
	begin(&fixture, &thread);
	atomic_store(&stay_in_handler, true);
	fixture.request.timeout_ns = 1;
	sem_post(&go);
	sem_wait(&in_handler);
	assert_int_equal(fixture_apply(&fixture), -(int)SUTURE_E_UNSTOPPABLE_THREAD);
	assert_string_equal(fixture.err.message, "at each attempt a thread was in fork()");
	assert_int_equal(fixture.gates, 0);
	assert_true(fixture_is_original(&fixture));
	sem_post(&leave_handler);
	pthread_join(thread, NULL);
	child_ended_well();
	fixture_fini(&fixture);
}

static int begin_all(void **state)
{
	(void)state;
	/* The first that is registered runs last before a fork(). */
	pthread_atfork(last_before_fork, NULL, NULL);
	forks_guard_begin();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fork_waits_for_the_gate),
		cmocka_unit_test(test_fork_waits_for_a_gate_that_is_undone),
		cmocka_unit_test(test_no_gate_while_one_is_born),
		cmocka_unit_test(test_always_one_being_born),
	};

	if (!fixture_can_stop()) {
		print_message("ptrace is not allowed here\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, begin_all, NULL);
}
