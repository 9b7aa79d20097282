/* SPDX-License-Identifier: MIT */
/*
 * Who sleeps in the way is waited for between two attempts, until it wakes and not shorter. What
 * the helper does is seen by standing in for it; nothing here depends on how long anything takes.
 */
#include "fixture.h"

#include "stop/session.h"

#include <semaphore.h>
#include <unistd.h>

void __real_wake_await_stopped(struct stop_session *session);
void __wrap_wake_await_stopped(struct stop_session *session);

static sem_t inside, leave, outside, end;
static _Atomic pid_t sleeper_tid;
static _Atomic bool awaits, woken, other_awaited, back_early;

/*
 * Runs on the helper: no libc. The first time with all the time in the world: only a wake-up brings
 * it back.
 */
void __wrap_wake_await_stopped(struct stop_session *session)
{
	bool first = !awaits;

	if (session->awaited_count != 1 || session->awaited[0].tid != sleeper_tid)
		other_awaited = true;
	if (first)
		session->await_ns = UINT64_MAX;
	awaits = true;
	__real_wake_await_stopped(session);
	if (first && !woken)
		back_early = true;
}

static void sleep_inside(void)
{
	sem_post(&inside);
	sem_wait(&leave);
}

static void *sleep_in_the_way(void *arg)
{
	(void)arg;
	sleeper_tid = fixture_gettid();
	fixture_old();
	sem_post(&outside);
	sem_wait(&end);
	return NULL;
}

static void *wake_when_awaited(void *arg)
{
	(void)arg;
	while (!awaits)
		usleep(1000);
	/* Who does not wait for the sleeper is back by now. */
	usleep(200000);
	woken = true;
	sem_post(&leave);
	return NULL;
}

static void it_is_awaited_until_it_wakes(void **state)
{
	static const enum stop_rung rungs[] = {STOP_RUNG_LAZY, STOP_RUNG_FULL};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fixture fixture;
		pthread_t sleeper, waker;

		fixture_init(&fixture, rungs[i]);
		fixture_wait_inside = sleep_inside;
		awaits = woken = other_awaited = back_early = false;
		pthread_create(&sleeper, NULL, sleep_in_the_way, NULL);
		sem_wait(&inside);
		fixture_wait_asleep(sleeper_tid);
		pthread_create(&waker, NULL, wake_when_awaited, NULL);
		assert_int_equal(fixture_apply(&fixture), 0);
		assert_true(awaits && woken);
		assert_false(other_awaited);
		assert_false(back_early);
		assert_true(fixture.result.attempts > 1);
		pthread_join(waker, NULL);
		sem_wait(&outside);
		fixture_wait_inside = NULL;
		assert_int_equal(fixture_revert(&fixture), 0);
		sem_post(&end);
		pthread_join(sleeper, NULL);
		fixture_fini(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_awaited_until_it_wakes),
	};

	sem_init(&inside, 0, 0);
	sem_init(&leave, 0, 0);
	sem_init(&outside, 0, 0);
	sem_init(&end, 0, 0);
	if (!fixture_can_stop())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
