/* SPDX-License-Identifier: MIT */
/* The rung "safepoint": who takes part, who is waited for, and that it needs no ptrace. */
#include "fixture.h"

#include <suture/suture.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TICKERS = 3 };

static atomic_int quit, ticking;
static sem_t ready, leave;

static void *tick(void *arg)
{
	(void)arg;
	ticking++;
	while (!quit) {
		fixture_old();
		suture_safepoint();
		usleep(300);
	}
	return NULL;
}

static void *spin(void *arg)
{
	(void)arg;
	ticking++;
	while (!quit)
		fixture_old();
	return NULL;
}

struct crowd {
	pthread_t threads[8];
	size_t count;
};

static void start(struct crowd *crowd, void *(*main)(void *), size_t count)
{
	for (size_t i = 0; i < count; i++)
		pthread_create(&crowd->threads[crowd->count++], NULL, main, NULL);
	while ((size_t)ticking < crowd->count)
		usleep(100);
}

static void end(struct crowd *crowd)
{
	quit = 1;
	for (size_t i = 0; i < crowd->count; i++)
		pthread_join(crowd->threads[i], NULL);
	quit = ticking = 0;
}

static void say(const struct fixture *fixture, int rc)
{
	if (rc)
		print_message("%s: %s\n", suture_code_name(fixture->err.code),
			      fixture->err.message);
}

static int there_and_back(struct fixture *fixture, unsigned rounds)
{
	int rc = 0;

	for (unsigned i = 0; !rc && i < rounds; i++) {
		rc = fixture_apply(fixture);
		if (!rc)
			rc = fixture_revert(fixture);
	}
	say(fixture, rc);
	return rc;
}

/* On a machine that is loaded not even the first may come in the time: with more of it, then. */
static int apply_with_patience(struct fixture *fixture, unsigned attempts)
{
	uint64_t ms = 100;
	int rc;

	do {
		fixture->request.timeout_ns = ms * 1000000;
		rc = fixture_apply(fixture);
		ms *= 4;
	} while ((rc == -SUTURE_E_TIMEOUT || fixture->result.attempts < attempts) && ms < 60000);
	return rc;
}

/* ---- who stands ----------------------------------------------------------------------------- */

static void all_stand(void **state)
{
	struct crowd crowd = {.count = 0};
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture, STOP_RUNG_SAFEPOINT);
	fixture.request.timeout_ns = UINT64_C(60000000000);
	start(&crowd, tick, TICKERS);
	/* Who has not come by yet takes no part yet. */
	while (safepoint_members() < TICKERS)
		usleep(100);
	fixture_mixes = 0;
	for (int gate = 0; gate < 2; gate++) {
		fixture.commit.gate_possible = gate;
		assert_int_equal(there_and_back(&fixture, 20), 0);
		assert_int_equal(fixture.result.rung, STOP_RUNG_SAFEPOINT);
		assert_int_equal(fixture.result.standing, TICKERS);
		assert_true(fixture.result.pause_ns > 0);
	}
	end(&crowd);
	assert_int_equal(fixture_mixes, 0);
	/* Threads that ended take no part. */
	assert_int_equal(fixture_apply(&fixture), -SUTURE_E_NEEDS_SAFEPOINT);
	fixture_fini(&fixture);
}

static void others_are_stopped(void **state)
{
	struct crowd crowd = {.count = 0};
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture, STOP_RUNG_SAFEPOINT);
	fixture.request.timeout_ns = UINT64_C(60000000000);
	start(&crowd, tick, 2);
	start(&crowd, spin, 2);
	while (safepoint_members() < 2)
		usleep(100);
	fixture_mixes = 0;
	for (int gate = 0; gate < 2; gate++) {
		fixture.commit.gate_possible = gate;
		assert_int_equal(there_and_back(&fixture, 5), 0);
		assert_int_equal(fixture.result.threads, 4);
		assert_int_equal(fixture.result.standing, 2);
	}
	end(&crowd);
	assert_int_equal(fixture_mixes, 0);
	fixture_fini(&fixture);
}

static void stand_inside(void)
{
	suture_safepoint();
}

/* The function that is to be replaced calls suture_safepoint(): its stack says so. */
static void standing_inside_is_busy(void **state)
{
	struct crowd crowd = {.count = 0};
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture, STOP_RUNG_SAFEPOINT);
	fixture_wait_inside = stand_inside;
	start(&crowd, spin, 1);
	while (safepoint_members() < 1)
		usleep(100);
	assert_int_equal(apply_with_patience(&fixture, 1), -SUTURE_E_BUSY_STACK);
	assert_true(fixture_is_original(&fixture));
	assert_int_equal(fixture.result.blockers[0].reason, STOP_REASON_FUNCTION);
	assert_int_equal(fixture.result.blockers[0].tag, 7);
	fixture_wait_inside = NULL;
	end(&crowd);
	fixture_fini(&fixture);
}

/* ---- who does not come ---------------------------------------------------------------------- */

static _Atomic pid_t late_tid;

static void *be_late(void *arg)
{
	late_tid = fixture_gettid();
	suture_safepoint();
	if (arg)
		suture_safepoint_leave();
	sem_post(&ready);
	while (sem_wait(&leave))
		;
	suture_safepoint();
	sem_post(&ready);
	while (sem_wait(&leave))
		;
	return NULL;
}

/* In little time the other may not come either, and be the one that is named. */
static void expect_late(struct fixture *fixture)
{
	uint64_t ms = 150;

	do {
		fixture->request.timeout_ns = ms * 1000000;
		assert_int_equal(fixture_apply(fixture), -SUTURE_E_TIMEOUT);
		ms *= 4;
	} while (fixture->result.blockers[0].tid != late_tid && ms < 60000);
}

static void the_late_are_named_and_leavers_not_waited_for(void **state)
{
	struct crowd crowd = {.count = 0};
	struct fixture fixture;
	pthread_t late;

	(void)state;
	start(&crowd, tick, 1);
	for (int leaves = 0; leaves < 2; leaves++) {
		fixture_init(&fixture, STOP_RUNG_SAFEPOINT);
		fixture.request.timeout_ns = UINT64_C(60000000000);
		pthread_create(&late, NULL, be_late, leaves ? &fixture : NULL);
		sem_wait(&ready);
		while (safepoint_members() < 2 - (size_t)leaves)
			usleep(100);
		if (leaves) {
			assert_int_equal(there_and_back(&fixture, 1), 0);
		} else {
			expect_late(&fixture);
			assert_int_equal(fixture.result.blocker_count, 1);
			assert_int_equal(fixture.result.blockers[0].tid, late_tid);
			assert_int_equal(fixture.result.blockers[0].reason, STOP_REASON_ABSENT);
			assert_true(fixture.result.longest_failed_pause_ns > 0);
			assert_int_equal(fixture.writes, 0);
		}
		/* Its next call makes it take part (again). */
		sem_post(&leave);
		sem_wait(&ready);
		assert_int_equal(safepoint_members(), 2);
		sem_post(&leave);
		pthread_join(late, NULL);
		fixture_fini(&fixture);
	}
	end(&crowd);
}

static pthread_mutex_t shared = PTHREAD_MUTEX_INITIALIZER;

/* Stands with the lock, against the rules; the other needs it to come. */
static void *hold_and_stand(void *arg)
{
	ticking++;
	while (!quit) {
		pthread_mutex_lock(&shared);
		if (arg)
			suture_safepoint();
		pthread_mutex_unlock(&shared);
		if (!arg)
			suture_safepoint();
		usleep(100);
	}
	return NULL;
}

static void one_that_waits_for_another_does_not_hang(void **state)
{
	pthread_t holder, other;
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture, STOP_RUNG_SAFEPOINT);
	fixture.request.timeout_ns = UINT64_C(60000000000);
	pthread_create(&holder, NULL, hold_and_stand, &fixture);
	pthread_create(&other, NULL, hold_and_stand, NULL);
	while (safepoint_members() < 2)
		usleep(100);
	assert_int_equal(there_and_back(&fixture, 2), 0);
	quit = 1;
	pthread_join(holder, NULL);
	pthread_join(other, NULL);
	quit = ticking = 0;
	fixture_fini(&fixture);
}

static void the_budget_counts_from_the_first_who_stands(void **state)
{
	struct crowd crowd = {.count = 0};
	struct fixture fixture;
	pthread_t late;

	(void)state;
	fixture_init(&fixture, STOP_RUNG_SAFEPOINT);
	fixture.request.max_pause_ns = 5000000;
	start(&crowd, tick, 1);
	pthread_create(&late, NULL, be_late, NULL);
	sem_wait(&ready);
	assert_int_equal(apply_with_patience(&fixture, 2), -SUTURE_E_PAUSE_BUDGET);
	assert_true(fixture.result.attempts > 1);
	assert_true(fixture.result.longest_failed_pause_ns >= 5000000);
	sem_post(&leave);
	sem_wait(&ready);
	sem_post(&leave);
	pthread_join(late, NULL);
	end(&crowd);
	fixture_fini(&fixture);
}

/* ---- signals -------------------------------------------------------------------------------- */

static atomic_int handled;
static int handled_at_write;
static pthread_t signalled;

static void handle(int signal)
{
	(void)signal;
	handled++;
}

static void send_signal(struct fixture *fixture)
{
	(void)fixture;
	pthread_kill(signalled, SIGUSR1);
	usleep(2000);
	handled_at_write = handled;
}

/* A handler would run code while somebody stands. */
static void signals_wait(void **state)
{
	struct crowd crowd = {.count = 0};
	struct fixture fixture;

	(void)state;
	signal(SIGUSR1, handle);
	fixture_init(&fixture, STOP_RUNG_SAFEPOINT);
	fixture.request.timeout_ns = UINT64_C(60000000000);
	start(&crowd, tick, 1);
	while (safepoint_members() < 1)
		usleep(100);
	signalled = crowd.threads[0];
	fixture.at_write = send_signal;
	assert_int_equal(fixture_apply(&fixture), 0);
	assert_int_equal(handled_at_write, 0);
	while (!handled)
		usleep(100);
	assert_int_equal(handled, 1);
	fixture.at_write = NULL;
	assert_int_equal(fixture_revert(&fixture), 0);
	end(&crowd);
	fixture_fini(&fixture);
}

/* ---- without ptrace ------------------------------------------------------------------------- */

static void deny_ptrace(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1 /* EPERM */),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(77);
}

static _Atomic pid_t sleeper_tid;

static void *sleep_long(void *arg)
{
	fixture_old();
	sleeper_tid = fixture_gettid();
	ticking++;
	while (sem_wait(&leave))
		;
	return arg;
}

#define check(condition)                                           \
	do {                                                       \
		if (!(condition)) {                                \
			print_message("not so: %s\n", #condition); \
			return 1;                                  \
		}                                                  \
	} while (0)

/* In a process of its own, which may not trace: refused with the reason, but for the safe point. */
static int without_ptrace(void)
{
	struct crowd crowd = {.count = 0};
	struct fixture fixture;

	quit = ticking = 0;
	deny_ptrace();
	fixture_init(&fixture, STOP_RUNG_FULL);
	start(&crowd, tick, TICKERS);
	check(fixture_apply(&fixture) == -SUTURE_E_PERMISSION);
	check(strstr(fixture.err.next, "seccomp"));
	fixture.request.rung = STOP_RUNG_SAFEPOINT;
	fixture.request.timeout_ns = UINT64_C(60000000000);
	while (safepoint_members() < TICKERS)
		usleep(100);
	for (int gate = 0; gate < 2; gate++) {
		fixture.commit.gate_possible = gate;
		check(there_and_back(&fixture, 3) == 0);
	}
	/* One that takes no part but sleeps outside is in nobody's way either. */
	start(&crowd, sleep_long, 1);
	fixture_wait_asleep(sleeper_tid);
	check(there_and_back(&fixture, 3) == 0);
	check(fixture.result.asleep == 1);
	/* Without a gate it might wake and get in: it would have to be stopped. */
	fixture.commit.gate_possible = false;
	check(fixture_apply(&fixture) == -SUTURE_E_PERMISSION);
	check(fixture_is_original(&fixture));
	sem_post(&leave);
	end(&crowd);
	return 0;
}

static void no_ptrace_is_needed(void **state)
{
	pid_t child;
	int status;

	(void)state;
	child = fork();
	if (child == 0)
		_exit(without_ptrace());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_stand),
		cmocka_unit_test(others_are_stopped),
		cmocka_unit_test(standing_inside_is_busy),
		cmocka_unit_test(the_late_are_named_and_leavers_not_waited_for),
		cmocka_unit_test(one_that_waits_for_another_does_not_hang),
		cmocka_unit_test(the_budget_counts_from_the_first_who_stands),
		cmocka_unit_test(signals_wait),
		cmocka_unit_test(no_ptrace_is_needed),
	};

	sem_init(&ready, 0, 0);
	sem_init(&leave, 0, 0);
	if (!fixture_can_stop())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
