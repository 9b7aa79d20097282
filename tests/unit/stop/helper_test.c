/* SPDX-License-Identifier: MIT */
/*
 * The helper is killed at every step: threads run on, the code is all old or all new, and the next
 * attempt works. A killer process strikes at random moments as well.
 */
#include "fixture.h"

#include "base/restraint.h"
#include "stop/session.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int quit;
static _Atomic pid_t spinner_tid;
static _Atomic unsigned long turns;
static unsigned kills;

static void *call_for_ever(void *arg)
{
	(void)arg;
	spinner_tid = fixture_gettid();
	while (!quit) {
		fixture_old();
		for (volatile int i = 0; i < 2000; i++)
			;
		turns++;
	}
	return NULL;
}

static void kill_helper(struct fixture *fixture)
{
	pid_t helper = tracer_of(spinner_tid);

	(void)fixture;
	if (kills || helper == 0)
		return;
	kills++;
	kill(helper, SIGKILL);
	/* The kernel has let everyone go when nobody traces the spinner any more. */
	while (tracer_of(spinner_tid) == helper)
		usleep(100);
}

static void expect_running(void)
{
	unsigned long before = turns;

	while (turns < before + 100)
		usleep(1000);
}

/* Dead when the gate is closed: undone, and the next attempt commits. */
static void killed_at_the_gate(void **state)
{
	static const enum stop_rung rungs[] = {STOP_RUNG_LAZY, STOP_RUNG_FULL};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fixture fixture;

		fixture_init(&fixture, rungs[i]);
		fixture.request.timeout_ns = UINT64_C(30000000000);
		fixture.at_gate = kill_helper;
		kills = 0;
		assert_int_equal(fixture_apply(&fixture), 0);
		assert_int_equal(kills, 1);
		assert_true(fixture.result.helper_died);
		assert_true(fixture.result.attempts > 1);
		assert_true(fixture.undone_gates >= 1);
		assert_int_equal(fixture.writes, 1);
		expect_running();
		assert_int_equal(fixture_old(), FIXTURE_NEW);
		assert_int_equal(fixture_revert(&fixture), 0);
		expect_running();
		fixture_fini(&fixture);
	}
}

/* Dead behind the gate: threads run and wait at the entries, the caller completes. */
static void killed_while_writing(void **state)
{
	static const enum stop_rung rungs[] = {STOP_RUNG_LAZY, STOP_RUNG_FULL};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fixture fixture;

		fixture_init(&fixture, rungs[i]);
		fixture.request.timeout_ns = UINT64_C(30000000000);
		fixture.at_write = kill_helper;
		fixture_mixes = 0;
		kills = 0;
		assert_int_equal(fixture_apply(&fixture), 0);
		assert_int_equal(kills, 1);
		assert_true(fixture.result.helper_died);
		assert_int_equal(fixture.writes, 1);
		assert_int_equal(fixture.opens, 1);
		expect_running();
		assert_int_equal(fixture_old(), FIXTURE_NEW);
		assert_int_equal(fixture_revert(&fixture), 0);
		assert_int_equal(fixture_mixes, 0);
		fixture_fini(&fixture);
	}
}

enum outcome __real_session_command_stopped(struct stop_session *session, enum helper_command what);
enum outcome __wrap_session_command_stopped(struct stop_session *session, enum helper_command what);
static bool dies_after_its_look;

enum outcome __wrap_session_command_stopped(struct stop_session *session, enum helper_command what)
{
	enum outcome outcome = __real_session_command_stopped(session, what);

	if (dies_after_its_look && what == COMMAND_LOOK) {
		dies_after_its_look = false;
		kill(session->helper, SIGKILL);
		while (session->phase != 0)
			usleep(100);
	}
	return outcome;
}

/* Where no gate can be closed nothing is written: whoever was looked at may be anywhere by now. */
static void killed_before_a_write_without_a_gate(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture, STOP_RUNG_FULL);
	fixture.commit.gate_possible = false;
	fixture.request.timeout_ns = UINT64_C(30000000000);
	dies_after_its_look = true;
	fixture_mixes = 0;
	assert_int_equal(fixture_apply(&fixture), 0);
	assert_false(dies_after_its_look);
	assert_true(fixture.result.helper_died);
	assert_true(fixture.result.attempts > 1);
	assert_int_equal(fixture.gates, 0);
	assert_int_equal(fixture.writes, 1);
	expect_running();
	assert_int_equal(fixture_revert(&fixture), 0);
	assert_int_equal(fixture_mixes, 0);
	fixture_fini(&fixture);
}

/*
 * While a tracer detaches, TracerPid names the real parent for a moment (the kernel sets parent
 * before it clears ptrace): make sure that it is the helper that is killed, and not the shell.
 */
static bool is_helper(pid_t pid)
{
	char path[64], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = '\0';
	fclose(file);
	return strcmp(name, "suture-stop\n") == 0;
}

/* A process that kills whoever traces our spinner, again and again. */
static pid_t start_killer(pid_t victim)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned round = 0;; round++) {
			pid_t tracer = tracer_of(victim);

			if (tracer && round % 3 == 0 && is_helper(tracer))
				kill(tracer, SIGKILL);
		}
	}
	return pid;
}

static void killed_at_any_moment(void **state)
{
	unsigned died = 0, committed = 0;
	struct fixture fixture;
	pid_t killer;

	(void)state;
	fixture_init(&fixture, STOP_RUNG_FULL);
	fixture_mixes = 0;
	killer = start_killer(spinner_tid);
	for (unsigned round = 0; round < 80; round++) {
		int rc;

		fixture.request.rung = round & 2 ? STOP_RUNG_LAZY : STOP_RUNG_FULL;
		fixture.request.timeout_ns = UINT64_C(30000000000);
		rc = committed % 2 ? fixture_revert(&fixture) : fixture_apply(&fixture);
		assert_int_equal(rc, 0);
		committed++;
		died += fixture.result.helper_died;
		assert_int_equal(fixture_old(), committed % 2 ? FIXTURE_NEW : FIXTURE_OLD);
		expect_running();
	}
	kill(killer, SIGKILL);
	waitpid(killer, NULL, 0);
	print_message("  helper killed in %u of 80 calls\n", died);
	assert_int_equal(fixture_mixes, 0);
	assert_int_equal(committed % 2, 0);
	fixture_fini(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_the_gate),
		cmocka_unit_test(killed_while_writing),
		cmocka_unit_test(killed_before_a_write_without_a_gate),
		cmocka_unit_test(killed_at_any_moment),
	};
	pthread_t spinner;
	int rc;

	if (!fixture_can_stop())
		return 77;
	pthread_create(&spinner, NULL, call_for_ever, NULL);
	while (!spinner_tid)
		usleep(100);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	quit = 1;
	pthread_join(spinner, NULL);
	return rc;
}
