/* SPDX-License-Identifier: MIT */
/*
 * Islands of originals, and the stubs of scoped patches in front of them, under the stop's
 * unwinder: each instruction of a call through them is stepped singly, and at each the walk must
 * find its way to the caller.
 */
#include "../trampoline/process.h"

#include "agent/islands.h"
#include "trampoline/dispatch.h"

#include <link.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

extern int pushes(int x), calls(int x), frames(int x), marked(int x), answers(int x);

/* Each instruction that moves the stack pointer says so, as compilers do. */
__asm__(".macro pushes_8 register\n push \\register\n .cfi_adjust_cfa_offset 8\n.endm\n"
	".macro pops_8 register\n pop \\register\n .cfi_adjust_cfa_offset -8\n.endm\n");

/* the jump behind the displaced instructions stands deeper than they do */
TEST_FUNCTION(pushes, ".cfi_startproc\n pushes_8 %rbx\n pushes_8 %r12\n pushes_8 %r13\n"
		      "mov %edi, %eax\n add $1, %eax\n pops_8 %r13\n pops_8 %r12\n pops_8 %rbx\n"
		      "ret\n.cfi_endproc");
/* a displaced call pushes its return address in two steps */
TEST_FUNCTION(calls, ".cfi_startproc\n call answers\n add $1, %eax\n ret\n.cfi_endproc");
TEST_FUNCTION(answers, ".cfi_startproc\n lea 10(%rdi), %eax\n nop\n nop\n ret\n.cfi_endproc");
/* with a frame pointer */
TEST_FUNCTION(frames, ".cfi_startproc\n pushes_8 %rbp\n .cfi_offset 6, -16\n mov %rsp, %rbp\n"
		      ".cfi_def_cfa_register 6\n lea 3(%rdi), %eax\n pop %rbp\n"
		      ".cfi_def_cfa 7, 8\n ret\n.cfi_endproc");
TEST_FUNCTION(marked, ".cfi_startproc\n endbr64\n pushes_8 %rbx\n mov %edi, %ebx\n"
		      "lea 4(%rbx), %eax\n pops_8 %rbx\n ret\n.cfi_endproc");

/* What the stubs look at. */
static __thread uint64_t latch __attribute__((tls_model("initial-exec")));

static struct unwind_table *table;
static struct islands islands;
static uintptr_t caller_start, caller_end;
static size_t steps, steps_in_islands, lost;

/* Returns whether the walk from the context passes through step_through(). */
static bool finds_caller(const ucontext_t *context)
{
	/* ucontext's order of registers to DWARF's */
	static const int order[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
				    REG_RBP, REG_RSP, REG_R8,  REG_R9,	REG_R10, REG_R11,
				    REG_R12, REG_R13, REG_R14, REG_R15};
	static struct unwind_memory memory;
	struct unwind_cursor cursor;
	struct arch_regs regs = {.known = 0xffff};

	for (size_t i = 0; i < 16; i++)
		regs.value[i] = (uint64_t)context->uc_mcontext.gregs[order[i]];
	regs.pc = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
	unwind_memory_init_stopped(&memory, getpid(), -1);
	unwind_start_stopped(&cursor, &regs);
	for (int i = 0; i < 8; i++) {
		if (cursor.regs.pc >= caller_start && cursor.regs.pc < caller_end)
			return true;
		if (unwind_step_stopped(table, &memory, &cursor) != UNWIND_FRAME)
			return false;
	}
	return false;
}

static void on_step(int number, siginfo_t *info, void *context)
{
	uintptr_t pc = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];

	(void)number;
	(void)info;
	steps++;
	for (size_t i = 0; i < islands.count; i++)
		steps_in_islands += pc >= islands.moved[i].start && pc < islands.moved[i].end;
	if (!finds_caller(context))
		lost++;
}

/* Calls function with the trap flag set; a trap comes after each instruction. */
__attribute__((noinline, used)) static int step_through(int (*function)(int), int x)
{
	int result;

	__asm__ volatile("pushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\t"
			 "call *%1\n\t"
			 "pushfq\n\tandl $~0x100, (%%rsp)\n\tpopfq\n\t"
			 : "=a"(result)
			 : "r"(function), "D"(x)
			 : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
	return result;
}

static int collect(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct unwind_object *objects = arg;

	(void)size;
	while (objects->start)
		objects++;
	unwind_object_from_phdr(info, objects);
	return 0;
}

static void make_stub(const struct site *site, struct dispatch *record)
{
	struct suture_error err;
	struct arch_dispatch choice = {
		.word = (int64_t)((uintptr_t)&latch - arch_thread_pointer()),
		.bit = 11,
		.set = (uintptr_t)answers,
		.otherwise = site->known.original,
	};

	test_must(dispatch_place(&test_near, site->entry, &record->stub, &err), &err);
	test_must(dispatch_write(&test_near, record->stub, &choice, &err), &err);
	record->entry = site->entry;
}

static void originals_are_transparent(void **state)
{
	struct dispatch records[4] = {0};
	const struct dispatch_table stubs = {.records = records, .count = 4};
	struct trampoline_target targets[] = {TEST_TARGET(pushes), TEST_TARGET(calls),
					      TEST_TARGET(frames), TEST_TARGET(marked)};
	static const int expected[] = {3, 13, 5, 6};
	struct unwind_object objects[64] = {0};
	struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
	struct site_table sites = {0};
	struct suture_error err;
	size_t count = 0;

	(void)state;
	caller_start = (uintptr_t)step_through;
	caller_end = caller_start + 256;
	for (size_t i = 0; i < 4; i++) {
		struct site *site;

		test_must(site_obtain(&sites, targets[i].entry, targets[i].size, targets[i].code,
				      &site, &err),
			  &err);
		test_must(trampoline_plan(&targets[i], (uintptr_t)answers, &test_near, &site->known,
					  &err),
			  &err);
		assert_int_equal(site->known.why_not, ARCH_OK);
		site->has_known = true;
		make_stub(site, &records[i]);
	}
	islands.stale = true;
	test_must(islands_refresh(&islands, &sites, &stubs, &test_near, &err), &err);
	assert_false(islands.stale);
	dl_iterate_phdr(collect, objects);
	while (objects[count].start)
		count++;
	test_must(unwind_table_create(objects, count, NULL, &table, &err), &err);
	unwind_table_lend_moved(table, islands.moved, islands.count);
	sigaction(SIGTRAP, &action, NULL);
	for (size_t i = 0; i < 4; i++) {
		const struct site *site = site_find(&sites, targets[i].entry);

		steps = steps_in_islands = lost = 0;
		assert_int_equal(step_through((int (*)(int))site->known.original, 2), expected[i]);
		print_message("%s: %zu steps, %zu in the island, %zu lost\n", targets[i].name,
			      steps, steps_in_islands, lost);
		assert_true(steps_in_islands >= 3);
		assert_int_equal(lost, 0);
		/* The same through a stub, which chooses; two instructions of its own. */
		size_t without = steps_in_islands;

		steps_in_islands = 0;
		assert_int_equal(step_through((int (*)(int))records[i].stub, 2), expected[i]);
		assert_int_equal(steps_in_islands, without + 2);
		latch = UINT64_C(1) << 11;
		steps_in_islands = 0;
		assert_int_equal(step_through((int (*)(int))records[i].stub, 2), 12);
		assert_int_equal(steps_in_islands, 3);
		latch = ~(UINT64_C(1) << 11);
		assert_int_equal(step_through((int (*)(int))records[i].stub, 2), expected[i]);
		assert_int_equal(lost, 0);
		latch = 0;
	}
	/* The test is worth something: without the rows the walk breaks off there. */
	unwind_table_lend_moved(table, NULL, 0);
	step_through((int (*)(int))site_find(&sites, targets[0].entry)->known.original, 2);
	assert_true(lost >= 3);
	unwind_table_destroy(table);
	islands_fini(&islands);
	site_table_fini(&sites);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(originals_are_transparent)};

	return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
