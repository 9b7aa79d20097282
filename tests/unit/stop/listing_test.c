/* SPDX-License-Identifier: MIT */
/*
 * Threads that are born and die while the helper lists them: whoever a listing missed is found by
 * the next. What happens right after a listing is decided here, by standing in for it.
 */
#include "fixture.h"

#include "stop/session.h"

#include <linux/futex.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { POOL = 16 };

enum listing __real_tasks_list_stopped(struct stop_session *session, size_t *added);
enum listing __wrap_tasks_list_stopped(struct stop_session *session, size_t *added);

/* Runs on the helper: no libc. */
static void (*_Atomic after_listing)(struct stop_session *session);
static _Atomic unsigned listings;

enum listing __wrap_tasks_list_stopped(struct stop_session *session, size_t *added)
{
	void (*after)(struct stop_session *) = after_listing;
	enum listing rc = __real_tasks_list_stopped(session, added);

	listings++;
	if (after)
		after(session);
	return rc;
}

static void wait_a_little_stopped(void)
{
	struct timespec time = {.tv_nsec = 1000000};

	arch_syscall(SYS_nanosleep, (long)&time, 0, 0, 0, 0, 0);
}

/* Wakes who sleeps in wait_for(). */
static void let_stopped(_Atomic uint32_t *word)
{
	*word = 1;
	wait_wake_stopped(word);
}

static void wait_for(_Atomic uint32_t *word)
{
	while (*word == 0)
		syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

/* ---- who dies ------------------------------------------------------------------------------- */

static struct mortal {
	pthread_t thread;
	_Atomic pid_t tid;
	_Atomic uint32_t may_die;
	char name[16]; /* tid as text: of its folder */
} pool[POOL];
static _Atomic unsigned dead, to_die;
static unsigned patience; /* ms, for one that may be stopped and then does not die */

static void *live(void *arg)
{
	struct mortal *mortal = arg;

	fixture_old();
	snprintf(mortal->name, sizeof(mortal->name), "%d", (int)fixture_gettid());
	mortal->tid = fixture_gettid();
	wait_for(&mortal->may_die);
	return NULL;
}

/* The next of the pool ends, unless it is stopped; the first listing is left alone. */
static void one_dies(struct stop_session *session)
{
	struct mortal *mortal = &pool[dead];

	if (listings == 1 || dead == to_die)
		return;
	let_stopped(&mortal->may_die);
	for (unsigned i = 0; i < patience; i++) {
		if (arch_syscall(SYS_faccessat, session->task_dir, (long)mortal->name, F_OK, 0, 0,
				 0) != 0) {
			dead++;
			return;
		}
		wait_a_little_stopped();
	}
}

/* Not where this is compiled with frame pointers: then they are stopped, and don't die. */
static bool left_asleep;

static void apply_while_they_die(unsigned count, struct fixture *fixture)
{
	fixture_init(fixture, STOP_RUNG_LAZY);
	for (size_t i = 0; i < POOL; i++) {
		pool[i].tid = 0;
		pool[i].may_die = 0;
		pthread_create(&pool[i].thread, NULL, live, &pool[i]);
		while (!pool[i].tid)
			usleep(100);
		fixture_wait_asleep(pool[i].tid);
	}
	listings = dead = 0;
	to_die = count;
	after_listing = one_dies;
	assert_int_equal(fixture_apply(fixture), 0);
	after_listing = NULL;
	for (size_t i = 0; i < POOL; i++) {
		let_stopped(&pool[i].may_die);
		pthread_join(pool[i].thread, NULL);
	}
	assert_int_equal(fixture->result.attempts, 1);
	if (!count)
		left_asleep = fixture->result.asleep == POOL;
	assert_int_equal(fixture_revert(fixture), 0);
	fixture_fini(fixture);
}

/* A death may have hidden a birth: only a listing whose threads are all alive counts. */
static void a_listing_counts_only_when_all_are_alive(void **state)
{
	struct fixture fixture;
	unsigned undisturbed;

	(void)state;
	patience = 30000;
	apply_while_they_die(0, &fixture);
	undisturbed = listings;
	if (!left_asleep)
		skip();
	apply_while_they_die(1, &fixture);
	assert_int_equal(dead, 1);
	/* Of both commits: the revert's listings are as many. */
	assert_int_equal(listings, undisturbed + 1);
}

/* Where they go on dying, the rest is stopped after a few listings: the stopped don't. */
static void not_for_ever(void **state)
{
	struct fixture fixture;

	(void)state;
	patience = 300;
	apply_while_they_die(POOL, &fixture);
	if (!left_asleep)
		skip();
	assert_true(dead > 1);
	assert_true(dead < POOL - 2);
}

/* ---- who is born ---------------------------------------------------------------------------- */

static _Atomic uint32_t may_bear, may_leave, is_inside;
static pthread_t child;

static void wait_inside(void)
{
	is_inside = 1;
	wait_for(&may_leave);
}

static void *go_inside(void *arg)
{
	fixture_old();
	return arg;
}

static void *bear(void *arg)
{
	wait_for(&may_bear);
	pthread_create(&child, NULL, go_inside, NULL);
	return arg;
}

static void one_is_born(struct stop_session *session)
{
	(void)session;
	if (listings != 1)
		return;
	let_stopped(&may_bear);
	while (!is_inside)
		wait_a_little_stopped();
}

/* Not on the first list, and inside: a full stop lists until nobody is new. */
static void who_is_born_behind_the_list_is_found(void **state)
{
	struct fixture fixture;
	pthread_t mother;

	(void)state;
	fixture_init(&fixture, STOP_RUNG_FULL);
	fixture.request.timeout_ns = 0;
	fixture_wait_inside = wait_inside;
	pthread_create(&mother, NULL, bear, NULL);
	listings = 0;
	after_listing = one_is_born;
	assert_int_equal(fixture_apply(&fixture), -SUTURE_E_BUSY_STACK);
	after_listing = NULL;
	assert_int_equal(fixture.result.blockers[0].reason, STOP_REASON_FUNCTION);
	assert_int_equal(fixture.writes, 0);
	let_stopped(&may_leave);
	pthread_join(mother, NULL);
	pthread_join(child, NULL);
	fixture_wait_inside = NULL;
	fixture_fini(&fixture);
}

/* ---- what takes long ------------------------------------------------------------------------ */

static void takes_long(struct stop_session *session)
{
	(void)session;
	/* The second, with the first's threads stopped. */
	if (listings % 2 == 0)
		for (unsigned i = 0; i < 60; i++)
			wait_a_little_stopped();
}

static void looking_counts_against_the_budget(void **state)
{
	struct fixture fixture;
	struct mortal *mortal = &pool[0];

	(void)state;
	mortal->may_die = 0;
	mortal->tid = 0;
	pthread_create(&mortal->thread, NULL, live, mortal);
	while (!mortal->tid)
		usleep(100);
	fixture_wait_asleep(mortal->tid);
	for (int gate = 0; gate < 2; gate++) {
		fixture_init(&fixture, STOP_RUNG_FULL);
		fixture.commit.gate_possible = gate;
		fixture.request.max_pause_ns = 50000000;
		listings = 0;
		after_listing = takes_long;
		assert_int_equal(fixture_apply(&fixture), -SUTURE_E_PAUSE_BUDGET);
		after_listing = NULL;
		assert_true(fixture.result.longest_failed_pause_ns > 50000000);
		assert_int_equal(fixture.writes, 0);
		fixture_fini(&fixture);
	}
	let_stopped(&mortal->may_die);
	pthread_join(mortal->thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listing_counts_only_when_all_are_alive),
		cmocka_unit_test(not_for_ever),
		cmocka_unit_test(who_is_born_behind_the_list_is_found),
		cmocka_unit_test(looking_counts_against_the_budget),
	};

	if (!fixture_can_stop())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
