/* SPDX-License-Identifier: MIT */
/*
 * Stops in processes in awkward states: a leader that is a zombie, a vfork in flight, job control,
 * setuid(). Each in a process of its own.
 */
#include "fixture.h"

#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const enum stop_rung rungs[] = {STOP_RUNG_LAZY, STOP_RUNG_FULL};
static atomic_int quit, ready;

#define check(condition)                                           \
	do {                                                       \
		if (!(condition)) {                                \
			print_message("not so: %s\n", #condition); \
			_exit(1);                                  \
		}                                                  \
	} while (0)

static void *call(void *arg)
{
	ready++;
	while (!quit) {
		fixture_old();
		usleep(200);
	}
	return arg;
}

static void there_and_back(enum stop_rung rung, unsigned rounds)
{
	struct fixture fixture;

	fixture_init(&fixture, rung);
	fixture.request.timeout_ns = UINT64_C(60000000000);
	for (unsigned i = 0; i < rounds; i++) {
		int rc = fixture_apply(&fixture);

		if (!rc)
			rc = fixture_revert(&fixture);
		if (rc)
			print_message("%s: %s\n", stop_rung_name(rung), fixture.err.message);
		check(rc == 0);
	}
	check(fixture_is_original(&fixture));
}

static void both_rungs(unsigned rounds)
{
	for (size_t i = 0; i < 2; i++)
		there_and_back(rungs[i], rounds);
}

static void in_child(void (*body)(void), void (*meanwhile)(pid_t child))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		quit = ready = 0;
		body();
		_exit(0);
	}
	if (meanwhile)
		meanwhile(child);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- a zombie leader ------------------------------------------------------------------------ */

static char leader_state(void)
{
	char text[256] = "", *end;
	FILE *file = fopen("/proc/self/stat", "r");

	if (!file)
		return 0;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	end = strrchr(text, ')');
	return end ? end[2] : 0;
}

static void *without_leader(void *arg)
{
	while (leader_state() != 'Z')
		usleep(1000);
	both_rungs(3);
	_exit(0);
	return arg;
}

static void leave_as_leader(void)
{
	pthread_t other, caller;

	pthread_create(&caller, NULL, call, NULL);
	pthread_create(&other, NULL, without_leader, NULL);
	pthread_exit(NULL);
}

static void the_leader_may_be_dead(void **state)
{
	(void)state;
	in_child(leave_as_leader, NULL);
}

/* ---- a vfork in flight ---------------------------------------------------------------------- */

static int gate[2];

/* Its parent waits, in a place where no tracer stops it. */
static int borrow(void *arg)
{
	char byte;

	(void)arg;
	ready++;
	_exit(syscall(SYS_read, gate[0], &byte, 1) != 1);
}

static void *vfork_and_wait(void *arg)
{
	static _Alignas(16) uint8_t stack[64 << 10];
	pid_t child;
	char byte;

	/* As posix_spawn() does, and by vfork() itself, behind which not even we may call us. */
	if (arg)
		child = clone(borrow, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD,
			      NULL);
	else
		child = vfork();
	if (child == 0) {
		ready++; /* the memory is its parent's */
		if (syscall(SYS_read, gate[0], &byte, 1) != 1)
			_exit(1);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	return NULL;
}

static void busy_until_it_ends(void *way)
{
	struct fixture fixture;
	pthread_t thread;

	ready = 0;
	check(pipe(gate) == 0);
	pthread_create(&thread, NULL, vfork_and_wait, way);
	while (!ready)
		usleep(100);
	for (size_t i = 0; i < 2; i++) {
		fixture_init(&fixture, rungs[i]);
		fixture.request.timeout_ns = 30000000;
		check(fixture_apply(&fixture) == -SUTURE_E_UNSTOPPABLE_THREAD);
		check(fixture.result.blockers[0].reason == STOP_REASON_VFORK);
		check(fixture_is_original(&fixture));
	}
	check(write(gate[1], "", 1) == 1);
	pthread_join(thread, NULL);
	both_rungs(1);
}

static void vfork_is_busy_until_it_ends(void)
{
	busy_until_it_ends(NULL);
	busy_until_it_ends(gate);
}

static void a_vfork_in_flight(void **state)
{
	(void)state;
	in_child(vfork_is_busy_until_it_ends, NULL);
}

/* ---- job control ---------------------------------------------------------------------------- */

static void work_on(void)
{
	pthread_t threads[3];

	for (size_t i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, call, NULL);
	both_rungs(40);
	quit = 1;
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

/*
 * As a shell does. A SIGSTOP in the middle of a pause also stops the caller, so that it is
 * complete, and reported, only after SIGCONT (docs/LIMITS.md): hence no wait for the report.
 */
static void stop_and_continue(pid_t child)
{
	siginfo_t info;

	for (unsigned i = 0; i < 10; i++) {
		usleep(5000);
		kill(child, SIGSTOP);
		usleep(5000);
		kill(child, SIGCONT);
		memset(&info, 0, sizeof(info));
		assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT | WNOHANG), 0);
		if (info.si_pid)
			return;
	}
}

static void job_control_goes_on(void **state)
{
	(void)state;
	in_child(work_on, stop_and_continue);
}

/* ---- setuid() ------------------------------------------------------------------------------- */

static atomic_int changes;

/* glibc sends signal 33 to every thread and waits for all of them. */
static void *change_user(void *arg)
{
	while (!quit) {
		if (setuid(getuid()))
			_exit(1);
		changes++;
	}
	return arg;
}

static void change_user_meanwhile(void)
{
	pthread_t threads[2];

	pthread_create(&threads[0], NULL, call, NULL);
	pthread_create(&threads[1], NULL, change_user, NULL);
	both_rungs(20);
	while (!changes)
		usleep(100);
	quit = 1;
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

static void setuid_meanwhile(void **state)
{
	(void)state;
	in_child(change_user_meanwhile, NULL);
}

/* ---- not dumpable --------------------------------------------------------------------------- */

enum { NOBODY = 65534 };

static int apply_once(struct fixture *fixture)
{
	fixture_init(fixture, STOP_RUNG_FULL);
	return fixture_apply(fixture);
}

static void hidden(void)
{
	bool root = geteuid() == 0;
	struct fixture fixture;
	pthread_t thread;

	pthread_create(&thread, NULL, call, NULL);
	check(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
	if (root) {
		both_rungs(2);
		/* Which takes the permission, and leaves it hidden. */
		check(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	}
	check(apply_once(&fixture) == -SUTURE_E_PERMISSION);
	check(strstr(fixture.err.next, "PR_SET_DUMPABLE"));
	check(fixture_is_original(&fixture));
	/* As the answer said. */
	check(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	both_rungs(2);
	quit = 1;
	pthread_join(thread, NULL);
}

static void who_is_not_dumpable_needs_a_capability(void **state)
{
	(void)state;
	in_child(hidden, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_leader_may_be_dead),
		cmocka_unit_test(a_vfork_in_flight),
		cmocka_unit_test(job_control_goes_on),
		cmocka_unit_test(setuid_meanwhile),
		cmocka_unit_test(who_is_not_dumpable_needs_a_capability),
	};

	if (!fixture_can_stop())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
