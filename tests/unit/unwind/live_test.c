/* SPDX-License-Identifier: MIT */
/*
 * The unwinder against libgcc's on real stacks: deep ones, callbacks out of libc, signal handlers,
 * alternate stacks, throw-away threads. If it took one frame for another these would differ.
 */
#include "tests.h"

#include "tables.h"

#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { MAX_FRAMES = 4096 };

struct trace {
	void *frames[MAX_FRAMES];
	int count;
	enum unwind_step end;
};

static struct unwind_table *table;
static struct unwind_memory memory;
static struct trace ours, theirs;

/* The registers of a signal's context in DWARF order; x86-64 only, as arch is. */
static void regs_from_context(const ucontext_t *context, struct arch_regs *regs)
{
	static const int order[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
				    REG_RBP, REG_RSP, REG_R8,  REG_R9,	REG_R10, REG_R11,
				    REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};

	for (unsigned i = 0; i < 17; i++)
		regs->value[i] = (uint64_t)context->uc_mcontext.gregs[order[i]];
	regs->known = (1u << 17) - 1;
	regs->pc = regs->value[16];
}

static void walk(const struct arch_regs *regs, struct trace *trace)
{
	struct unwind_cursor cursor;

	trace->count = 0;
	unwind_memory_forget_stopped(&memory);
	unwind_start_stopped(&cursor, regs);
	do {
		if (trace->count < MAX_FRAMES)
			trace->frames[trace->count++] = (void *)cursor.regs.pc;
		trace->end = unwind_step_stopped(table, &memory, &cursor);
	} while (trace->end == UNWIND_FRAME);
}

/* Both walkers from here; the first frame's PC differs by construction. */
__attribute__((noinline)) static void walk_here(void)
{
	struct arch_regs regs;
	ucontext_t context;

	getcontext(&context);
	regs_from_context(&context, &regs);
	walk(&regs, &ours);
	theirs.count = backtrace(theirs.frames, MAX_FRAMES);
}

static void assert_same(void)
{
	/* backtrace() starts where we do, or in a sanitizer's wrapper: compare from the outermost
	 * on. */
	int more = theirs.count - ours.count;

	assert_int_equal(ours.end, UNWIND_END);
	assert_true(ours.count > 2);
	assert_in_range(more, 0, 2);
	for (int i = 1; i < ours.count; i++)
		assert_ptr_equal(ours.frames[i], theirs.frames[i + more]);
}

static void plain_stack(void **state)
{
	(void)state;
	walk_here();
	assert_same();
}

__attribute__((noinline)) static int recurse(int depth)
{
	volatile char local[64];
	int result;

	local[0] = (char)depth;
	if (depth == 0) {
		walk_here();
		return local[0];
	}
	result = recurse(depth - 1);
	return result + local[0];
}

static void deep_recursion(void **state)
{
	(void)state;
	recurse(3000);
	assert_same();
	assert_true(ours.count > 3000);
}

/* Variable-length frames and realigned stacks need the frame pointer or an expression. */
__attribute__((noinline)) static int big_aligned_frame(size_t size)
{
	_Alignas(64) volatile char aligned[128];
	volatile char *variable = __builtin_alloca(size);

	aligned[0] = variable[0] = 1;
	walk_here();
	return aligned[0] + variable[size - 1];
}

static void aligned_frames(void **state)
{
	(void)state;
	big_aligned_frame(100);
	assert_same();
	big_aligned_frame(70000);
	assert_same();
}

static int compare(const void *a, const void *b)
{
	walk_here();
	return *(const int *)a - *(const int *)b;
}

static void callback_out_of_libc(void **state)
{
	int numbers[] = {3, 1, 2};

	(void)state;
	qsort(numbers, 3, sizeof(numbers[0]), compare);
	assert_same();
}

static void handler(int signal)
{
	(void)signal;
	walk_here();
}

static void through_a_signal_frame(void **state)
{
	struct sigaction action = {.sa_handler = handler};

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	assert_same();
}

static void on_an_alternate_stack(void **state)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
	stack_t stack = {.ss_size = 256 << 10}, none = {.ss_flags = SS_DISABLE};

	(void)state;
	stack.ss_sp = mmap(NULL, stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	assert_ptr_not_equal(stack.ss_sp, MAP_FAILED);
	assert_int_equal(sigaltstack(&stack, NULL), 0);
	sigaction(SIGUSR2, &action, NULL);
	raise(SIGUSR2);
	assert_same();
	sigaltstack(&none, NULL);
}

static void *thread_main(void *arg)
{
	(void)arg;
	walk_here();
	return NULL;
}

static void in_a_thread(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, thread_main, NULL), 0);
	pthread_join(thread, NULL);
	assert_same();
}

/* ---- sampled at any instruction ------------------------------------------------------------- */

static volatile int samples, complete;
static _Thread_local volatile int sampling;

/* Interrupted anywhere in libc, also half way through a prologue. */
static void sample(int signal, siginfo_t *info, void *context)
{
	struct arch_regs regs;

	(void)signal;
	(void)info;
	if (!sampling)
		return;
	regs_from_context(context, &regs);
	walk(&regs, &ours);
	samples++;
	complete += ours.end == UNWIND_END;
}

static void at_any_instruction(void **state)
{
	struct sigaction action = {.sa_sigaction = sample, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct sigaction old;
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF};
	struct itimerspec period = {{0, 50000}, {0, 50000}};
	char text[64];

	(void)state;
	sigaction(SIGPROF, &action, &old);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	sampling = 1;
	timer_settime(timer, 0, &period, NULL);
	while (samples < 2000) {
		free(malloc((size_t)samples % 3000 + 1));
		snprintf(text, sizeof(text), "%d %f", samples, samples * 1.5);
		getenv(text);
	}
	sampling = 0;
	timer_delete(timer);
	sigaction(SIGPROF, &old, NULL);
	/* .init/.fini stubs and lazy binding aside, every instruction of libc is described. */
	assert_true(complete * 1000 >= samples * 998);
}

/* ---- registers ------------------------------------------------------------------------------ */

/* Asleep only SP and PC are known: libc's wrappers need no more, a frame pointer is asked for. */
static void unknown_registers(void **state)
{
	struct arch_regs regs;
	struct unwind_cursor cursor;
	enum unwind_step step;
	ucontext_t context;

	(void)state;
	getcontext(&context);
	arch_native()->regs_from_sleep_stopped((uint64_t)context.uc_mcontext.gregs[REG_RSP],
					       (uint64_t)context.uc_mcontext.gregs[REG_RIP], &regs);
	unwind_memory_forget_stopped(&memory);
	unwind_start_stopped(&cursor, &regs);
	while ((step = unwind_step_stopped(table, &memory, &cursor)) == UNWIND_FRAME)
		;
	/* This file is compiled with frame pointers. */
	assert_int_equal(step, UNWIND_NEEDS_REGISTER);
}

static void wild_stack_pointers(void **state)
{
	static const uint64_t wild[] = {
		0, 1, 8, 0x1000, 0x7fffffffffff, 0x8000000000000000, UINT64_MAX, UINT64_MAX - 7};
	struct unwind_cursor cursor;
	struct arch_regs regs;
	ucontext_t context;

	(void)state;
	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		getcontext(&context);
		regs_from_context(&context, &regs);
		regs.value[arch_native()->dwarf_sp] = wild[i];
		regs.value[arch_native()->dwarf_fp] = wild[i];
		unwind_memory_forget_stopped(&memory);
		unwind_start_stopped(&cursor, &regs);
		assert_int_equal(unwind_step_stopped(table, &memory, &cursor), UNWIND_UNKNOWN);
		regs.pc = wild[i];
		unwind_start_stopped(&cursor, &regs);
		assert_int_equal(unwind_step_stopped(table, &memory, &cursor), UNWIND_UNKNOWN);
	}
}

/* ---- tables --------------------------------------------------------------------------------- */

static void tables_share_rows(void **state)
{
	struct unwind_table *second = test_table(table);
	struct unwind_statistics a, b;

	(void)state;
	unwind_table_statistics(table, &a);
	unwind_table_statistics(second, &b);
	assert_int_equal(b.reused, a.objects);
	assert_int_equal(a.rows, b.rows);
	/* Rows outlive the table that made them. */
	unwind_table_destroy(table);
	table = second;
	walk_here();
	assert_same();
}

static void vdso_has_rows(void **state)
{
	struct unwind_object object;
	uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);

	(void)state;
	if (!vdso)
		skip();
	assert_true(unwind_object_from_elf(vdso, "vdso", &object));
	assert_true(object.start > vdso - 1 && object.end > object.start);
}

static int setup(void **state)
{
	struct unwind_statistics statistics;

	(void)state;
	table = test_table(NULL);
	unwind_memory_init_stopped(&memory, getpid(), -1);
	backtrace(theirs.frames, 2); /* loads libgcc now */
	unwind_table_destroy(table);
	table = test_table(NULL);
	unwind_table_statistics(table, &statistics);
	print_message("objects %zu, rows %zu, bytes %zu, not understood %zu\n", statistics.objects,
		      statistics.rows, statistics.bytes, statistics.unknown);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unwind_table_destroy(table);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_stack),
		cmocka_unit_test(deep_recursion),
		cmocka_unit_test(aligned_frames),
		cmocka_unit_test(callback_out_of_libc),
		cmocka_unit_test(through_a_signal_frame),
		cmocka_unit_test(on_an_alternate_stack),
		cmocka_unit_test(in_a_thread),
		cmocka_unit_test(at_any_instruction),
		cmocka_unit_test(unknown_registers),
		cmocka_unit_test(wild_stack_pointers),
		cmocka_unit_test(tables_share_rows),
		cmocka_unit_test(vdso_has_rows),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
