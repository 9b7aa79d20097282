/* SPDX-License-Identifier: MIT */
/* Stacks that are not one plain stack: signal frames, alternate stacks, code without CFI. */
#include "fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const enum stop_rung rungs[] = {STOP_RUNG_LAZY, STOP_RUNG_FULL};
#define for_each_rung(rung)                                                   \
	for (size_t i_ = 0; i_ < 2; i_++)                                     \
		for (enum stop_rung rung = rungs[i_], once_ = STOP_RUNG_AUTO; \
		     once_ == STOP_RUNG_AUTO; once_ = STOP_RUNG_FULL)

static atomic_int quit;

/* ---- odd stacks ----------------------------------------------------------------------------- */

static atomic_int handler_running;

static void slow_handler(int signal)
{
	(void)signal;
	handler_running = 1;
	while (!quit)
		usleep(1000);
}

static void *on_alternate_stack(void *arg)
{
	stack_t stack = {.ss_size = 1 << 16};
	struct sigaction action = {.sa_handler = slow_handler, .sa_flags = SA_ONSTACK};

	(void)arg;
	stack.ss_sp = malloc(stack.ss_size);
	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
	free(stack.ss_sp);
	return NULL;
}

static void raise_inside(void)
{
	raise(SIGUSR1);
}

static void *interrupted_inside(void *arg)
{
	(void)arg;
	fixture_old();
	return NULL;
}

static void handlers_on_other_stacks(void **state)
{
	struct fixture fixture;
	pthread_t thread;

	(void)state;
	for_each_rung(rung)
	{
		fixture_init(&fixture, rung);
		quit = handler_running = 0;
		pthread_create(&thread, NULL, on_alternate_stack, NULL);
		while (!handler_running)
			usleep(100);
		assert_int_equal(fixture_apply(&fixture), 0);
		assert_int_equal(fixture_revert(&fixture), 0);
		quit = 1;
		pthread_join(thread, NULL);

		/* The frame below the signal frame counts. */
		quit = handler_running = 0;
		fixture_wait_inside = raise_inside;
		pthread_create(&thread, NULL, interrupted_inside, NULL);
		while (!handler_running)
			usleep(100);
		fixture.request.timeout_ns = 0;
		assert_int_equal(fixture_apply(&fixture), -SUTURE_E_BUSY_STACK);
		assert_int_equal(fixture.result.blockers[0].reason, STOP_REASON_FUNCTION);
		quit = 1;
		pthread_join(thread, NULL);
		fixture_wait_inside = NULL;
		fixture_fini(&fixture);
	}
}

static atomic_int arrived;

/* Code of a JIT compiler: no unwind information. */
static void *in_unknown_code(void *arg)
{
	((void (*)(void))arg)();
	return NULL;
}

static void unknown_code_is_busy(void **state)
{
	static const uint8_t code[] = {
		0x48, 0xbf, 0,	  0, 0, 0, 0, 0, 0, 0, /* movabs $quit,%rdi */
		0x48, 0xbe, 0,	  0, 0, 0, 0, 0, 0, 0, /* movabs $arrived,%rsi */
		0xc6, 0x06, 0x01,		       /* movb $1,(%rsi) */
		0x83, 0x3f, 0x00,		       /* cmpl $0,(%rdi) */
		0xf3, 0x90,			       /* pause */
		0x74, 0xf9,			       /* je -7 */
		0xc3};				       /* ret */
	uint64_t addresses[] = {(uint64_t)&quit, (uint64_t)&arrived};
	struct fixture fixture;
	pthread_t thread;
	uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(page, MAP_FAILED);
	memcpy(page, code, sizeof(code));
	memcpy(page + 2, &addresses[0], 8);
	memcpy(page + 12, &addresses[1], 8);
	for_each_rung(rung)
	{
		fixture_init(&fixture, rung);
		quit = arrived = 0;
		pthread_create(&thread, NULL, in_unknown_code, page);
		while (!arrived)
			usleep(100);
		fixture.request.timeout_ns = 0;
		assert_int_equal(fixture_apply(&fixture), -SUTURE_E_BUSY_STACK);
		assert_int_equal(fixture.result.blockers[0].reason, STOP_REASON_UNKNOWN_FRAME);
		quit = 1;
		pthread_join(thread, NULL);
		fixture_fini(&fixture);
	}
	munmap(page, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handlers_on_other_stacks),
		cmocka_unit_test(unknown_code_is_busy),
	};

	if (!fixture_can_stop())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
