/* SPDX-License-Identifier: MIT */
/*
 * The helper is killed before each single step of the commit's writing, on every rung, with
 * everything that a patch can change: entries of both kinds of gate, a constant, a hook at the
 * switch. Threads run on, the code ends all old or all new, no old function is entered after a new
 * one ran, and the same call succeeds in the end.
 */
#include "../test.h"

#include "agent/transaction.h"
#include "base/restraint.h"
#include "handmade.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int dies_long(void);
int dies_short(void);
int dies_body(void);
void dies_at_switch(void);

volatile unsigned dies_round, dies_ran_in;
const char dies_constant[] __attribute__((aligned(8))) = "old constant";

static volatile int old_answer = 1;
static volatile bool before_switch;
static _Atomic unsigned long mixes, torn, calls;
static _Atomic bool quit;
static _Atomic pid_t spinner_tid;

static struct agent agent;
static char folder[128];
static unsigned countdown; /* of steps while a helper is at work; 0: nobody is killed */
static unsigned kills;

/* ---- what is patched ------------------------------------------------------------------------- */

__attribute__((noinline, used)) int dies_body(void)
{
	if (before_switch && dies_ran_in == dies_round)
		mixes++;
	return old_answer;
}

/* The bytes behind the first lead far below the program, where memory is free. */
#define ENTRY(name, offset, first, size)                                              \
	__asm__(".text\n.p2align 4\n.fill " #offset ", 1, 0xcc\n"                     \
		".globl " #name "\n.type " #name ", @function\n" #name ":\n"          \
		".cfi_startproc\n" first "\n.cfi_adjust_cfa_offset " #size "\n"       \
		"mov %eax, %eax\nsub $16, %rsp\n.cfi_adjust_cfa_offset 16\n"          \
		"call dies_body\n"                                                    \
		"add $16 + " #size ", %rsp\n.cfi_adjust_cfa_offset -16 - " #size "\n" \
		"ret\n.cfi_endproc\n.size " #name ", . - " #name "\n")
ENTRY(dies_long, 0, "sub $8, %rsp", 8);
ENTRY(dies_short, 4, "push %rbx\n mov %rsp, %rax", 8);

static void *call_for_ever(void *arg)
{
	spinner_tid = (pid_t)syscall(SYS_gettid);
	while (!quit) {
		int one = dies_long(), two = dies_short();

		if ((one != 1 && one != 2) || (two != 1 && two != 2))
			torn++;
		calls++;
		for (volatile int i = 0; i < 1000; i++)
			;
	}
	return arg;
}

static void *sleep_for_ever(void *arg)
{
	while (!quit) {
		dies_short();
		usleep(300);
	}
	return arg;
}

/* ---- the killer ------------------------------------------------------------------------------ */

static void kill_in_time(void)
{
	pid_t helper = countdown ? tracer_of(spinner_tid) : 0;

	if (!helper || --countdown)
		return;
	kills++;
	kill(helper, SIGKILL);
	/* Threads run when the kernel has let go of them. */
	while (tracer_of(spinner_tid) == helper)
		usleep(100);
	usleep(500);
}

static int at_step(enum code_writer_step step, void *context)
{
	(void)step;
	(void)context;
	kill_in_time();
	return 0;
}

void dies_at_switch(void)
{
	kill_in_time();
}

/* ---- patches --------------------------------------------------------------------------------- */

static void make_patch(const char *name, bool data, bool hook, char *path, size_t size)
{
	struct handmade patch;

	handmade_init(&patch, name);
	handmade_code(&patch, "volatile unsigned *now = (void *)1, *ran_in = (void *)1;\n"
			      "void (*at_switch)(void) = (void (*)(void))1;\n"
			      "int new_long(void) { *ran_in = *now; return 2; }\n"
			      "int new_short(void) { *ran_in = *now; return 2; }\n"
			      "int switched(void) { at_switch(); return 0; }\n");
	handmade_slot(&patch, "now", handmade_target(&patch, (const void *)&dies_round));
	handmade_slot(&patch, "ran_in", handmade_target(&patch, (const void *)&dies_ran_in));
	handmade_slot(&patch, "at_switch", handmade_target(&patch, (const void *)dies_at_switch));
	handmade_replace(&patch, (const void *)dies_long, "new_long");
	handmade_replace(&patch, (const void *)dies_short, "new_short");
	handmade_code(&patch, "const char new_constant[13] = \"new constant\";\n");
	if (data)
		handmade_data(&patch, FORMAT_DATA_CONST, dies_constant, sizeof(dies_constant),
			      "new_constant");
	if (hook)
		handmade_hook(&patch, FORMAT_HOOK_ON_SWITCH, "switched");
	handmade_build(&patch, folder, path, size);
	handmade_fini(&patch);
}

static bool is_new_constant(void)
{
	const char *volatile constant = dies_constant;

	return memcmp(constant, "new", 3) == 0;
}

static void assert_all(bool new, bool data)
{
	unsigned long before = calls;

	assert_int_equal(dies_long(), new ? 2 : 1);
	assert_int_equal(dies_short(), new ? 2 : 1);
	assert_int_equal(is_new_constant(), new &&data);
	assert_int_equal(mixes, 0);
	assert_int_equal(torn, 0);
	while (calls < before + 10)
		usleep(100);
}

static void transact(const char *path, const char *name, enum stop_rung rung, unsigned step)
{
	const struct transaction_options options = {.timeout_ns = UINT64_C(60000000000),
						    .rung = rung};
	struct transaction_result result;
	struct patch_file file;
	struct suture_error err;
	int rc = 0;

	countdown = step;
	if (path)
		rc = patch_file_read(path, &file, &err);
	if (!rc && path)
		rc = transaction_apply(&agent, &file, &options, &result, &err);
	else if (!rc)
		rc = transaction_revert(&agent, name, &options, &result, &err);
	if (rc)
		fail_msg("step %u: %s: %s", step, suture_code_name(err.code), err.message);
	countdown = 0;
	transaction_result_fini(&result);
}

static void kill_at_every_step(const char *name, enum stop_rung rung, bool data, bool hook)
{
	unsigned killed = 0, step, before;
	char path[256];

	make_patch(name, data, hook, path, sizeof(path));
	agent.writer.fault = at_step;
	for (step = 1;; step++) {
		before = kills;
		dies_round++;
		before_switch = true;
		transact(path, name, rung, step);
		before_switch = false;
		assert_all(true, data);
		transact(NULL, name, rung, step);
		assert_all(false, data);
		if (kills == before)
			break;
		killed += kills - before;
	}
	agent.writer.fault = NULL;
	print_message("  %s: %u steps, helper killed %u times\n", name, step - 1, killed);
	assert_true(killed > 10);
}

static void on_the_lazy_rung(void **state)
{
	(void)state;
	kill_at_every_step("lazily", STOP_RUNG_LAZY, false, false);
}

static void in_a_full_stop(void **state)
{
	(void)state;
	kill_at_every_step("fully", STOP_RUNG_FULL, false, false);
}

static void with_data(void **state)
{
	(void)state;
	kill_at_every_step("data", STOP_RUNG_AUTO, true, false);
}

static void with_data_and_a_hook(void **state)
{
	(void)state;
	kill_at_every_step("hook", STOP_RUNG_AUTO, true, true);
}

static int make(void **state)
{
	struct suture_error err;

	(void)state;
	test_folder_make(folder, sizeof(folder));
	setenv("SUTURE_DIR", folder, 1);
	return agent_init(&agent, &err);
}

static int clean(void **state)
{
	(void)state;
	test_folder_remove(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_the_lazy_rung),
		cmocka_unit_test(in_a_full_stop),
		cmocka_unit_test(with_data),
		cmocka_unit_test(with_data_and_a_hook),
	};
	pthread_t spinner, sleeper;
	int rc;

	pthread_create(&spinner, NULL, call_for_ever, NULL);
	pthread_create(&sleeper, NULL, sleep_for_ever, NULL);
	while (!spinner_tid)
		usleep(100);
	rc = cmocka_run_group_tests(tests, make, clean);
	quit = true;
	pthread_join(spinner, NULL);
	pthread_join(sleeper, NULL);
	return rc;
}
