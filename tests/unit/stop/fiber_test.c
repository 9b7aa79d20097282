/* SPDX-License-Identifier: MIT */
/* Suspended fibers: what they are in the middle of is not replaced. */
#include "fixture.h"

#include <suture/suture.h>

#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

enum { STACK = 64 << 10 };

static _Alignas(16) uint8_t stack[STACK];
static struct fixture fixture;
static int returned;

static void set_up(enum stop_rung rung)
{
	fixture_init(&fixture, rung);
	fixture.request.timeout_ns = 20000000;
	returned = 0;
}

static void assert_busy_then(void (*resume)(void))
{
	assert_int_equal(fixture_apply(&fixture), -SUTURE_E_BUSY_STACK);
	assert_int_equal(fixture.result.rung, STOP_RUNG_FULL);
	assert_true(fixture_is_original(&fixture));
	assert_int_equal(fixture.result.blocker_count, 1);
	assert_string_equal(fixture.result.blockers[0].comm, "fiber");
	assert_int_equal(fixture.result.blockers[0].tid, 0);
	assert_int_equal(fixture.result.blockers[0].reason, STOP_REASON_FUNCTION);
	fixture_wait_inside = NULL;
	resume(); /* it leaves the function, and waits outside */
	assert_int_equal(returned, FIXTURE_OLD);
	assert_int_equal(fixture_apply(&fixture), 0);
	assert_int_equal(fixture_revert(&fixture), 0);
	resume(); /* to its end */
}

/* ---- ucontext ------------------------------------------------------------------------------- */

static ucontext_t main_context, fiber_context;

static void to_main(void)
{
	swapcontext(&fiber_context, &main_context);
}

static void to_fiber(void)
{
	swapcontext(&main_context, &fiber_context);
}

static void fiber_main(void)
{
	returned = fixture_old();
	to_main();
	to_main();
}

static void make_fiber(void (*body)(void))
{
	getcontext(&fiber_context);
	fiber_context.uc_stack.ss_sp = stack;
	fiber_context.uc_stack.ss_size = sizeof(stack);
	fiber_context.uc_link = &main_context;
	makecontext(&fiber_context, body, 0);
}

static void add_fiber(void)
{
	const struct suture_fiber fiber = {
		.stack = stack, .stack_size = sizeof(stack), .context = &fiber_context};

	assert_int_equal(suture_fiber_add(&fiber), 0);
}

static void ucontext_fibers_count(void **state)
{
	(void)state;
	set_up(STOP_RUNG_AUTO);
	make_fiber(fiber_main);
	add_fiber();
	/* New, nothing on it but its start. */
	assert_int_equal(fixture_apply(&fixture), 0);
	assert_int_equal(fixture_revert(&fixture), 0);
	fixture_wait_inside = to_main;
	to_fiber();
	assert_busy_then(to_fiber);
	suture_fiber_remove(stack);
	assert_int_equal(fixture_apply(&fixture), 0);
	assert_int_equal(fixture.result.rung, STOP_RUNG_LAZY);
	assert_int_equal(fixture_revert(&fixture), 0);
	fixture_fini(&fixture);
}

static struct suture_fiber late;

static void add_late(struct fixture *to)
{
	to->before_gate = NULL;
	assert_int_equal(suture_fiber_add(&late), 0);
}

/* One that is added behind the look of a lazy attempt: the next attempt is a full one. */
static void one_that_is_added_meanwhile_counts(void **state)
{
	(void)state;
	set_up(STOP_RUNG_AUTO);
	late = (struct suture_fiber){
		.stack = stack, .stack_size = sizeof(stack), .context = &fiber_context};
	make_fiber(fiber_main);
	fixture_wait_inside = to_main;
	to_fiber();
	fixture.before_gate = add_late;
	assert_busy_then(to_fiber);
	suture_fiber_remove(stack);
	fixture_fini(&fixture);
}

/* ---- switched by hand ----------------------------------------------------------------------- */

void hand_switch(void **save, void *to);

__asm__(".pushsection .text\n"
	".globl hand_switch\n"
	".type hand_switch, @function\n"
	"hand_switch:\n"
	"pushq %rbp\n"
	"pushq %rbx\n"
	"pushq %r12\n"
	"pushq %r13\n"
	"pushq %r14\n"
	"pushq %r15\n"
	"movq %rsp, (%rdi)\n"
	"movq %rsi, %rsp\n"
	"popq %r15\n"
	"popq %r14\n"
	"popq %r13\n"
	"popq %r12\n"
	"popq %rbx\n"
	"popq %rbp\n"
	"ret\n"
	".size hand_switch, . - hand_switch\n"
	".popsection\n");

static void *main_sp, *fiber_sp;

static void hand_to_main(void)
{
	hand_switch(&fiber_sp, main_sp);
}

static void hand_to_fiber(void)
{
	hand_switch(&main_sp, fiber_sp);
}

/* Its frame is found by way of rbp, which is among the saved registers. */
static void hand_main(void)
{
	volatile size_t room = 64;
	volatile char *space = __builtin_alloca(room);

	space[0] = 0;
	returned = fixture_old();
	for (;;)
		hand_to_main();
}

static void hand_switched_fibers_count(void **state)
{
	struct suture_fiber fiber = {.stack = stack,
				     .stack_size = sizeof(stack),
				     .saved_sp = &fiber_sp,
				     .registers = {15, 14, 13, 12, 3, 6, SUTURE_FIBER_RETURN}};
	uintptr_t *top = (uintptr_t *)(stack + sizeof(stack) - 16);

	(void)state;
	set_up(STOP_RUNG_AUTO);
	fiber_sp = NULL;
	assert_int_equal(suture_fiber_add(&fiber), 0);
	assert_int_equal(suture_fiber_add(&fiber), -SUTURE_E_USAGE); /* overlaps itself */
	/* Nothing is on the stack yet. */
	assert_int_equal(fixture_apply(&fixture), 0);
	assert_int_equal(fixture_revert(&fixture), 0);
	memset(stack, 0, sizeof(stack));
	top[-1] = (uintptr_t)hand_main;
	fiber_sp = top - 7;
	assert_int_equal(fixture_apply(&fixture), 0);
	assert_int_equal(fixture_revert(&fixture), 0);
	fixture_wait_inside = hand_to_main;
	hand_to_fiber();
	assert_busy_then(hand_to_fiber);
	suture_fiber_remove(stack);
	fixture_fini(&fixture);
}

/* ---- running ones, and refusals ------------------------------------------------------------- */

static sem_t inside, leave;
static _Atomic pid_t runner;

static void wait_on_fiber(void)
{
	runner = fixture_gettid();
	sem_post(&inside);
	while (sem_wait(&leave))
		;
}

static void *run_fiber(void *arg)
{
	(void)arg;
	to_fiber();
	return NULL;
}

static void waits_outside(void)
{
	returned = fixture_old();
	wait_on_fiber();
	to_main();
}

/* Its saved registers are those of before it ran; the thread's are those that count. */
static void a_running_fiber_is_its_thread(void **state)
{
	pthread_t thread;

	(void)state;
	set_up(STOP_RUNG_AUTO);
	make_fiber(waits_outside);
	add_fiber();
	fixture_wait_inside = wait_on_fiber;
	pthread_create(&thread, NULL, run_fiber, NULL);
	sem_wait(&inside);
	fixture_wait_asleep(runner);
	assert_int_equal(fixture_apply(&fixture), -SUTURE_E_BUSY_STACK);
	assert_int_equal(fixture.result.blockers[0].tid, runner);
	fixture_wait_inside = NULL;
	sem_post(&leave);
	sem_wait(&inside);
	fixture_wait_asleep(runner);
	assert_int_equal(fixture_apply(&fixture), 0);
	assert_int_equal(fixture_revert(&fixture), 0);
	sem_post(&leave);
	pthread_join(thread, NULL);
	suture_fiber_remove(stack);
	fixture_fini(&fixture);
}

/* Was suspended inside, and runs on outside: what was saved says inside for ever. */
static void what_a_running_fiber_saved_before_is_nothing(void **state)
{
	pthread_t thread;

	(void)state;
	set_up(STOP_RUNG_AUTO);
	make_fiber(waits_outside);
	add_fiber();
	fixture_wait_inside = to_main;
	to_fiber();
	assert_int_equal(fixture_apply(&fixture), -SUTURE_E_BUSY_STACK);
	fixture_wait_inside = NULL;
	pthread_create(&thread, NULL, run_fiber, NULL);
	sem_wait(&inside);
	fixture_wait_asleep(runner);
	assert_int_equal(fixture_apply(&fixture), 0);
	assert_int_equal(fixture_revert(&fixture), 0);
	sem_post(&leave);
	pthread_join(thread, NULL);
	suture_fiber_remove(stack);
	fixture_fini(&fixture);
}

/* What `check` and `threads --patch` see. */
static void inspection_shows_who_is_suspended_inside(void **state)
{
	struct stop_thread *threads;
	size_t count, fibers = 0;

	(void)state;
	set_up(STOP_RUNG_AUTO);
	make_fiber(fiber_main);
	add_fiber();
	fixture_wait_inside = to_main;
	to_fiber();
	assert_int_equal(
		stop_inspect(&fixture.request, &threads, &count, &fixture.result, &fixture.err), 0);
	for (size_t i = 0; i < count; i++) {
		if (threads[i].view.tid)
			continue;
		fibers++;
		assert_string_equal(threads[i].view.comm, "fiber");
		assert_int_equal(threads[i].view.reason, STOP_REASON_FUNCTION);
		assert_true(threads[i].view.depth > 1);
	}
	free(threads);
	assert_int_equal(fibers, 1);
	assert_busy_then(to_fiber);
	suture_fiber_remove(stack);
	fixture_fini(&fixture);
}

static void nonsense_is_refused(void **state)
{
	struct suture_fiber fiber = {.stack = stack, .stack_size = sizeof(stack)};

	(void)state;
	assert_int_equal(suture_fiber_add(NULL), -SUTURE_E_USAGE);
	assert_int_equal(suture_fiber_add(&fiber), -SUTURE_E_USAGE);
	fiber.saved_sp = &fiber_sp; /* no return address among the registers */
	assert_int_equal(suture_fiber_add(&fiber), -SUTURE_E_USAGE);
	suture_fiber_remove(stack);
	set_up(STOP_RUNG_LAZY);
	fiber.context = &fiber_context;
	assert_int_equal(suture_fiber_add(&fiber), 0);
	assert_int_equal(fixture_apply(&fixture), -SUTURE_E_UNSUPPORTED);
	suture_fiber_remove(stack);
	fixture_fini(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ucontext_fibers_count),
		cmocka_unit_test(one_that_is_added_meanwhile_counts),
		cmocka_unit_test(hand_switched_fibers_count),
		cmocka_unit_test(a_running_fiber_is_its_thread),
		cmocka_unit_test(what_a_running_fiber_saved_before_is_nothing),
		cmocka_unit_test(inspection_shows_who_is_suspended_inside),
		cmocka_unit_test(nonsense_is_refused),
	};

	sem_init(&inside, 0, 0);
	sem_init(&leave, 0, 0);
	if (!fixture_can_stop())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
