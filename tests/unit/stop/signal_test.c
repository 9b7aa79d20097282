/* SPDX-License-Identifier: MIT */
/* Signals that come while threads are stopped, and priorities afterwards. */
#include "fixture.h"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

/* ---- signals -------------------------------------------------------------------------------- */

static _Atomic unsigned long taken;
static atomic_int quit, sent_all;

static void take(int signal)
{
	(void)signal;
	taken++;
}

static void *take_signals(void *arg)
{
	(void)arg;
	while (!quit) {
		fixture_old();
		usleep(10);
	}
	return NULL;
}

static void *send_signals(void *arg)
{
	pthread_t *to = arg;
	unsigned long sent = 0;

	while (!sent_all) {
		if (pthread_kill(*to, SIGRTMIN + 3) == 0)
			sent++;
		if (sent % 64 == 0)
			usleep(500);
	}
	return (void *)sent;
}

/* Real-time signals are queued: every one that was sent is taken, once. */
static void no_signal_is_lost_or_doubled(void **state)
{
	struct sigaction action = {.sa_handler = take, .sa_flags = SA_RESTART};
	struct fixture fixture;
	pthread_t taker, sender;
	void *sent;

	(void)state;
	fixture_init(&fixture, STOP_RUNG_FULL);
	fixture.request.timeout_ns = UINT64_C(60000000000);
	sigaction(SIGRTMIN + 3, &action, NULL);
	pthread_create(&taker, NULL, take_signals, NULL);
	pthread_create(&sender, NULL, send_signals, &taker);
	for (unsigned round = 0; round < 150; round++) {
		fixture.request.rung = round % 2 ? STOP_RUNG_LAZY : STOP_RUNG_FULL;
		assert_int_equal(fixture_apply(&fixture), 0);
		assert_int_equal(fixture_revert(&fixture), 0);
	}
	/* The taker last: one that comes while it ends would be nobody's. */
	sent_all = 1;
	pthread_join(sender, &sent);
	quit = 1;
	pthread_join(taker, NULL);
	print_message("  %lu signals sent, %lu taken\n", (unsigned long)sent, taken);
	assert_true((unsigned long)sent > 0);
	assert_int_equal((unsigned long)sent, taken);
	fixture_fini(&fixture);
}

/* ---- priorities ----------------------------------------------------------------------------- */

static void priorities_are_as_before(void **state)
{
	struct sched_param param;
	struct fixture fixture;
	pthread_t thread;
	int policy;

	(void)state;
	quit = 0;
	pthread_create(&thread, NULL, take_signals, NULL);
	fixture_init(&fixture, STOP_RUNG_FULL);
	assert_int_equal(fixture_apply(&fixture), 0);
	assert_int_equal(fixture_revert(&fixture), 0);
	pthread_getschedparam(pthread_self(), &policy, &param);
	assert_int_equal(policy, SCHED_OTHER);
	pthread_getschedparam(thread, &policy, &param);
	assert_int_equal(policy, SCHED_OTHER);
	quit = 1;
	pthread_join(thread, NULL);
	fixture_fini(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_signal_is_lost_or_doubled),
		cmocka_unit_test(priorities_are_as_before),
	};

	if (!fixture_can_stop())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
