/* SPDX-License-Identifier: MIT */
/* Signals that come while threads are stopped, and priorities afterwards. */
#include "fixture.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
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

struct standing {
	int policy;
	int priority;
	int nice;
};

static struct standing before, meanwhile;

static struct standing my_standing(void)
{
	struct sched_param param;
	struct standing now;

	now.policy = sched_getscheduler(0);
	sched_getparam(0, &param);
	now.priority = param.sched_priority;
	now.nice = getpriority(PRIO_PROCESS, (id_t)fixture_gettid());
	return now;
}

static bool is_same(struct standing a, struct standing b)
{
	return a.policy == b.policy && a.priority == b.priority && a.nice == b.nice;
}

static void note_meanwhile(struct fixture *fixture)
{
	(void)fixture;
	meanwhile = my_standing();
}

/* 0, or the line where something was not so; callable where a test may not fail. */
static int stop_and_compare(bool may_be_raised)
{
	static const enum stop_rung rungs[] = {STOP_RUNG_LAZY, STOP_RUNG_FULL};

	before = my_standing();
	for (size_t i = 0; i < 2; i++) {
		struct fixture fixture;

		fixture_init(&fixture, rungs[i]);
		fixture.at_write = note_meanwhile;
		if (fixture_apply(&fixture))
			return __LINE__;
		if (is_same(before, meanwhile) == may_be_raised)
			return __LINE__;
		if (!is_same(before, my_standing()))
			return __LINE__;
		/* Nor after an attempt that failed. */
		fixture.request.max_pause_ns = 1;
		if (fixture_revert(&fixture) != -SUTURE_E_PAUSE_BUDGET ||
		    !is_same(before, my_standing()))
			return __LINE__;
		fixture.request.max_pause_ns = 0;
		if (fixture_revert(&fixture) || !is_same(before, my_standing()))
			return __LINE__;
		fixture_fini(&fixture);
	}
	return 0;
}

/* In a process of its own: what is given away does not come back. */
static int in_each_standing(void)
{
	struct sched_param none = {0}, one = {1};
	struct rlimit limit = {0, 0};
	bool may_be_raised;
	pthread_t thread;
	int line = 0;

	quit = 0;
	pthread_create(&thread, NULL, take_signals, NULL);
	setpriority(PRIO_PROCESS, (id_t)fixture_gettid(), 5);
	may_be_raised = sched_setscheduler(0, SCHED_FIFO, &one) == 0;
	if (may_be_raised) {
		/* Real-time already: the application knows what it wants. */
		line = stop_and_compare(false);
		sched_setscheduler(0, SCHED_BATCH, &none);
		line = line ? line : stop_and_compare(true);
		sched_setscheduler(0, SCHED_OTHER, &none);
		line = line ? line : stop_and_compare(true);
	}
	setrlimit(RLIMIT_NICE, &limit);
	setrlimit(RLIMIT_RTPRIO, &limit);
	if (geteuid() == 0 && (setresuid(65534, 65534, 65534) || prctl(PR_SET_DUMPABLE, 1)))
		return __LINE__;
	line = line ? line : stop_and_compare(false);
	quit = 1;
	pthread_join(thread, NULL);
	return line;
}

static void priorities_are_as_before(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		int line = in_each_standing();

		if (line)
			print_message("not so: line %d\n", line);
		_exit(line != 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
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
