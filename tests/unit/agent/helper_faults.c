/* SPDX-License-Identifier: MIT */
/*
 * Undo under fire, on the helper's side: each of its system calls fails once, in apply, revert and
 * replace, on the lazy rung and in full stops. Whatever fails, the old code is in force afterwards
 * or the new, the answer says which, and no thread is left stopped or traced.
 *
 * The linker's --wrap brings the raw system calls here; those of the helper are told by the
 * process that makes them. What would be a lie of the kernel (a thread is gone that lives) is left
 * out: nothing could be concluded from anything then.
 */
#include "kit.h"

#include "base/restraint.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- what can fail ------------------------------------------------------------------------- */

enum { NONE = -1 };

static pid_t own_pid;
static unsigned countdown;	  /* the helper's call that fails; 0: none */
static long fired, fired_request; /* NONE: it was not reached */

long __real_arch_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_arch_syscall(long number, long a, long b, long c, long d, long e, long f);

/* What the kernel may answer although the thread is alive; 0: it does not fail. */
static long failure_of(long number)
{
	switch (number) {
	case SYS_ptrace:
	case SYS_sched_getattr:
	case SYS_sched_setattr:
	case SYS_prlimit64:
		return -EPERM;
	case SYS_process_vm_readv:
		return -EFAULT;
	case SYS_wait4:
	case SYS_rt_sigtimedwait:
	case SYS_clock_nanosleep:
		return -EINTR;
	case SYS_openat:
		return -EMFILE;
	case SYS_read:
	case SYS_pread64:
	case SYS_getdents64:
	case SYS_lseek:
		return -ENOMEM;
	case SYS_close_range:
	case SYS_rt_sigaction:
	case SYS_prctl:
		return -EINVAL;
	default:
		return 0;
	}
}

/* Runs on the helper, too: plain memory and raw calls alone. */
long __wrap_arch_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	long failure = failure_of(number);

	if (countdown && failure && __real_arch_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0) != own_pid &&
	    --countdown == 0) {
		fired = number;
		fired_request = number == SYS_ptrace ? a : 0;
		return failure;
	}
	return __real_arch_syscall(number, a, b, c, d, e, f);
}

/* ---- threads that are stopped -------------------------------------------------------------- */

static _Atomic bool quit;
static _Atomic unsigned long calls, naps, wrong;
static int hole[2];

static void ask(void)
{
	int one = tx_one(2), two = tx_two(2);

	if ((one != 7 && one != 2000 && one != 2001) || (two != 12 && two != 4000 && two != 4001))
		wrong++;
}

static void *call_for_ever(void *arg)
{
	for (; !quit; calls++) {
		ask();
		if (calls % 256 == 0)
			usleep(100);
	}
	return arg;
}

static void *nap_for_ever(void *arg)
{
	for (; !quit; naps++) {
		ask();
		usleep(200);
	}
	return arg;
}

/* Sleeps inside a function that a patch wants to replace. */
int fire_inside(int x);

__attribute__((noinline)) int fire_inside(int x)
{
	char byte;

	return read(hole[0], &byte, 1) == 1 ? x : -1;
}

static void *sleep_for_ever(void *arg)
{
	if (fire_inside(3) != 3)
		wrong++;
	return arg;
}

static bool moves(_Atomic unsigned long *count)
{
	unsigned long before = *count;

	for (int i = 0; i < 60000 && *count == before; i++)
		usleep(1000);
	return *count != before;
}

static unsigned traced(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	unsigned count = 0;

	while ((entry = readdir(dir)))
		count += tracer_of(atoi(entry->d_name)) != 0;
	closedir(dir);
	return count;
}

/* ---- what is done -------------------------------------------------------------------------- */

enum act { APPLY, REVERT, REPLACE };

static void build(const char *name, int more)
{
	struct handmade patch;
	char code[256], path[256];

	snprintf(code, sizeof(code),
		 "int new_one(int x) { return x * 1000 + %d; }\n"
		 "int new_two(int x) { return x * 2000 + %d; }\n",
		 more, more);
	handmade_init(&patch, name);
	handmade_code(&patch, code);
	handmade_replace(&patch, tx_one, "new_one");
	handmade_replace(&patch, tx_two, "new_two");
	handmade_build(&patch, kit_folder, path, sizeof(path));
	handmade_fini(&patch);
}

static int put(const char *name, bool replace, enum stop_rung rung, struct suture_error *err)
{
	struct transaction_options options = kit_quick;
	struct transaction_result result;
	struct patch_file file;
	char path[256];
	int rc;

	snprintf(path, sizeof(path), "%s/%s.so", kit_folder, name);
	assert_int_equal(patch_file_read(path, &file, NULL), 0);
	options.replace = replace;
	options.rung = rung;
	rc = transaction_apply(&kit_agent, &file, &options, &result, err);
	transaction_result_fini(&result);
	return rc;
}

static int take(const char *name, enum stop_rung rung, struct suture_error *err)
{
	struct transaction_options options = kit_quick;
	struct transaction_result result;
	int rc;

	options.rung = rung;
	rc = transaction_revert(&kit_agent, name, &options, &result, err);
	transaction_result_fini(&result);
	return rc;
}

static int carry_out(enum act act, enum stop_rung rung, struct suture_error *err)
{
	return act == APPLY    ? put("fire-a", false, rung, err)
	       : act == REVERT ? take("fire-a", rung, err)
			       : put("fire-b", true, rung, err);
}

static void must(int rc, const struct suture_error *err)
{
	if (rc)
		fail_msg("%s: %s", suture_code_name(err->code), err->message);
}

/* What tx_one(2) has to be: of the old code, of fire-a, of fire-b. */
static int expected(enum act act, bool done)
{
	static const int before[] = {7, 2000, 2000}, after[] = {2000, 7, 2001};

	return done ? after[act] : before[act];
}

static void expect(enum act act, bool done, unsigned step)
{
	int one = expected(act, done), two = one == 7 ? 12 : 2 * one - (one == 2001);

	if (tx_one(2) != one || tx_two(2) != two || wrong)
		fail_msg("call %u (system call %ld, request %ld) failed, and left %d and %d "
			 "instead of %d and %d; %lu calls went wrong",
			 step, fired, fired_request, tx_one(2), tx_two(2), one, two,
			 (unsigned long)wrong);
	if (!moves(&calls) || !moves(&naps) || traced())
		fail_msg("call %u (system call %ld, request %ld) failed, and a thread is stuck",
			 step, fired, fired_request);
}

static void series(enum act act, enum stop_rung rung)
{
	unsigned step = 0, given_up = 0;
	bool all = false;

	while (!all) {
		struct suture_error err = {0};
		int rc;

		if (act != APPLY)
			must(put("fire-a", false, STOP_RUNG_AUTO, &err), &err);
		countdown = ++step;
		fired = NONE;
		rc = carry_out(act, rung, &err);
		all = fired == NONE;
		countdown = 0;
		if (all)
			must(rc, &err);
		assert_int_not_equal(rc, -SUTURE_E_UNCERTAIN);
		if (rc) {
			assert_int_equal(rc, -(int)err.code);
			assert_true(err.message[0]);
			given_up++;
		}
		expect(act, rc == 0, step);
		if (act == REPLACE)
			must(take(rc ? "fire-a" : "fire-b", STOP_RUNG_AUTO, &err), &err);
		else if ((act == REVERT) == (rc != 0))
			must(take("fire-a", STOP_RUNG_AUTO, &err), &err);
	}
	print_message("  %u calls failed, %u times a reason to give up\n", step - 1, given_up);
	assert_true(step > 10);
}

/* Where memory lies is chance: an entry may have no place for an island to wait at. */
static void skip_if_crowded(int rc)
{
	if (rc != -SUTURE_E_UNSUPPORTED)
		return;
	print_message("  skipped: no place to wait before an entry, this time\n");
	skip();
}

/* Each act once, in peace. */
static int rehearse(enum stop_rung rung)
{
	struct suture_error err = {0};
	int rc = put("fire-a", false, rung, &err);
	bool replaced;

	if (rc)
		return rc;
	rc = put("fire-b", true, rung, &err);
	replaced = !rc;
	must(take(replaced ? "fire-b" : "fire-a", STOP_RUNG_AUTO, &err), &err);
	if (rc)
		return rc;
	must(put("fire-a", false, STOP_RUNG_AUTO, &err), &err);
	rc = take("fire-a", rung, &err);
	if (rc)
		must(take("fire-a", STOP_RUNG_AUTO, &err), &err);
	return rc;
}

static void under_fire(enum stop_rung rung)
{
	skip_if_crowded(rehearse(rung));
	series(APPLY, rung);
	series(REVERT, rung);
	series(REPLACE, rung);
}

/* A thread sleeps inside of what is to be replaced: it must not be missed, whatever can't be read.
 */
enum { ENOUGH = 60 }; /* several attempts */

static int go_in(enum stop_rung rung, unsigned step)
{
	struct transaction_options options = {.timeout_ns = 5000000, .rung = rung};
	struct transaction_result result;
	struct patch_file file;
	struct suture_error err;
	char path[256];
	int rc;

	snprintf(path, sizeof(path), "%s/inside.so", kit_folder);
	assert_int_equal(patch_file_read(path, &file, NULL), 0);
	countdown = step; /* 0: none fails */
	fired = NONE;
	rc = transaction_apply(&kit_agent, &file, &options, &result, &err);
	countdown = 0;
	transaction_result_fini(&result);
	return rc;
}

static void who_is_inside(enum stop_rung rung)
{
	unsigned step = 0, seen = 0;

	skip_if_crowded(go_in(rung, 0));
	do {
		int rc = go_in(rung, ++step);

		if (!rc)
			fail_msg("call %u (system call %ld, request %ld) failed, and a thread was "
				 "not seen inside",
				 step, fired, fired_request);
		seen += rc == -SUTURE_E_BUSY_STACK;
	} while (fired != NONE && step < ENOUGH);
	print_message("  %u calls failed\n", step);
	/* And that it is inside is the reason as a rule. */
	assert_true(step > 10 && seen > step / 2);
}

static void inside_on_the_lazy_rung(void **state)
{
	(void)state;
	who_is_inside(STOP_RUNG_LAZY);
}

static void inside_in_full_stops(void **state)
{
	(void)state;
	who_is_inside(STOP_RUNG_FULL);
}

static void on_the_lazy_rung(void **state)
{
	(void)state;
	under_fire(STOP_RUNG_LAZY);
}

static void in_full_stops(void **state)
{
	(void)state;
	under_fire(STOP_RUNG_FULL);
}

static void build_inside(void)
{
	struct handmade patch;
	char path[256];

	handmade_init(&patch, "inside");
	handmade_code(&patch, "int new_inside(int x) { return x; }\n");
	handmade_replace(&patch, fire_inside, "new_inside");
	handmade_build(&patch, kit_folder, path, sizeof(path));
	handmade_fini(&patch);
}

static int make(void **state)
{
	int rc = kit_make(state);

	build_inside();
	build("fire-a", 0);
	build("fire-b", 1);
	return rc;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_the_lazy_rung),
		cmocka_unit_test(in_full_stops),
		cmocka_unit_test(inside_on_the_lazy_rung),
		cmocka_unit_test(inside_in_full_stops),
	};
	void *(*const bodies[])(void *) = {call_for_ever, nap_for_ever, sleep_for_ever};
	pthread_t threads[3];
	int rc;

	own_pid = getpid();
	if (pipe(hole))
		return 1;
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, bodies[i], NULL);
	rc = cmocka_run_group_tests(tests, make, kit_clean);
	quit = true;
	if (write(hole[1], "", 1) != 1)
		rc = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return rc;
}
