/* SPDX-License-Identifier: MIT */
/*
 * Trampolines in this very process, of every tier: the replacement runs, the original stays
 * callable, what was written disassembles to the jump that the tier promises, and after undoing
 * every byte is as before.
 */
#include "process.h"

#include <pthread.h>

extern int plain(int x), marked(int x), tiny(int x), loops(int x), pun_only(int x),
	with_call(int x), with_table(int x), reads_data(int x), gated(int x);

/* long enough for a jump */
TEST_FUNCTION(plain, "push %rbp; mov %rsp, %rbp; lea 1(%rdi), %eax; pop %rbp; ret");
/* the mark stays first */
TEST_FUNCTION(marked, "endbr64; push %rbp; mov %rsp, %rbp; lea 2(%rdi), %eax; pop %rbp; ret");
/* 3 bytes and padding */
TEST_FUNCTION(tiny, "mov %edi, %eax; ret");
/* a loop back to the second instruction: only two bytes are free, padding is behind */
TEST_FUNCTION(loops, "xor %eax, %eax; 1: add %edi, %eax; dec %edi; jnz 1b; ret");
/* the same with no padding in reach, and bytes behind that make a usable displacement */
TEST_FUNCTION(pun_only,
	      "xor %eax, %eax; 1: inc %eax; lea 0(%rdi), %edi; nop; dec %edi; jnz 1b; ret");
/* the first instruction is longer than one byte; its bytes lead far from where the heap grows */
TEST_FUNCTION(gated, "mov %edi, %eax; inc %eax; nop; xchg %ax, %ax; ret");
/* a displaced call */
TEST_FUNCTION(with_call, "sub $8, %rsp; call plain; add $100, %eax; add $8, %rsp; ret");
/* a displaced operand relative to rip */
TEST_FUNCTION(reads_data, "mov counter(%rip), %eax; add %edi, %eax; ret");
TEST_FUNCTION(with_table,
	      "cmp $2, %edi; ja 9f; lea 8f(%rip), %rdx; mov %edi, %edi;"
	      "movslq (%rdx,%rdi,4), %rax; add %rdx, %rax; jmp *%rax;"
	      "1: mov $10, %eax; ret; 2: mov $20, %eax; ret; 3: mov $30, %eax; ret;"
	      "9: mov $-1, %eax; ret;"
	      ".pushsection .rodata; .p2align 2; 8: .long 1b - 8b, 2b - 8b, 3b - 8b; .popsection");

int counter = 5;

static int replacement(int x)
{
	return x + 1000;
}

static int other(int x)
{
	return x + 2000;
}

/* Calls through a pointer that the compiler can't see through. */
static int call(int (*function)(int), int x)
{
	int (*volatile pointer)(int) = function;

	return pointer(x);
}

static void write_all(struct code_edit_set *set)
{
	struct suture_error err;

	test_must(code_edit_set_prefault(set, &err), &err);
	assert_int_equal(code_edit_write_all_stopped(set), 0);
	assert_int_equal(set->state, CODE_EDIT_WRITTEN);
}

/* The first instruction at the site is a jump that leads, over any holes and hops, to wanted. */
static void assert_leads_to(const struct trampoline *t, uintptr_t wanted)
{
	struct arch_insn insn = test_decode(t->site);
	uintptr_t at;

	assert_int_equal(insn.kind, ARCH_INSN_JUMP);
	at = insn.target;
	if (t->tier == TRAMPOLINE_HOLE) {
		assert_int_equal(insn.size, 2);
		assert_int_equal(at, t->hole);
		insn = test_decode(at);
		assert_int_equal(insn.kind, ARCH_INSN_JUMP);
		at = insn.target;
	} else {
		assert_int_equal(insn.size, 5);
	}
	if (t->hop) {
		assert_int_equal(at, t->hop);
		insn = test_decode(at);
		assert_int_equal(insn.kind, ARCH_INSN_INDIRECT_JUMP);
		assert_true(insn.has_target);
		memcpy(&at, (const void *)insn.target, sizeof(at));
	}
	assert_int_equal(at, wanted);
}

/* Patch, call, call the original, undo, compare. */
static void round_trip(const struct trampoline_target *target, enum trampoline_tier tier)
{
	int (*function)(int) = (int (*)(int))target->entry;
	uint8_t before[128];
	size_t size = target->size + target->padding_after;
	struct code_edit_set set;
	struct trampoline t;
	struct suture_error err;
	int was = call(function, 2);

	assert_true(size <= sizeof(before));
	memcpy(before, target->code, size);
	test_must(trampoline_plan(target, (uintptr_t)replacement, &test_near, &t, &err), &err);
	assert_string_equal(trampoline_tier_name(t.tier), trampoline_tier_name(tier));
	/* Planning changes nothing. */
	assert_memory_equal(before, target->code, size);

	code_edit_set_init(&set, &test_writer, &test_near);
	test_must(code_edit_set_add_trampoline(&set, &t, &err), &err);
	write_all(&set);
	assert_leads_to(&t, (uintptr_t)replacement);
	assert_int_equal(call(function, 2), 1002);
	assert_int_equal(t.why_not, ARCH_OK);
	assert_int_equal(call((int (*)(int))t.original, 2), was);

	assert_int_equal(code_edit_undo_stopped(&set), 0);
	assert_memory_equal(before, target->code, size);
	assert_int_equal(call(function, 2), was);
	/* Old islands are still good after a revert. */
	assert_int_equal(call((int (*)(int))t.original, 2), was);
	code_edit_set_fini(&set);
	trampoline_retire(&t, &test_near);
}

static void plain_jump(void **state)
{
	struct trampoline_target target = TEST_TARGET(plain);

	(void)state;
	round_trip(&target, TRAMPOLINE_PLAIN);
}

static void entry_mark_stays(void **state)
{
	struct trampoline_target target = TEST_TARGET(marked);
	struct trampoline t;
	struct suture_error err;

	(void)state;
	round_trip(&target, TRAMPOLINE_PLAIN);
	test_must(trampoline_plan(&target, (uintptr_t)replacement, &test_near, &t, &err), &err);
	assert_int_equal(t.site, t.entry + 4);
	assert_int_equal(test_decode(t.original).kind, ARCH_INSN_ENTRY_MARK);
	trampoline_discard(&t, &test_near);
}

static void short_function_uses_its_padding(void **state)
{
	struct trampoline_target target = TEST_TARGET(tiny);

	(void)state;
	round_trip(&target, TRAMPOLINE_PADDING);
}

static void loop_to_the_start_uses_a_hole(void **state)
{
	struct trampoline_target target = TEST_TARGET(loops);

	(void)state;
	round_trip(&target, TRAMPOLINE_HOLE);
}

static void without_a_hole_the_jump_is_punned(void **state)
{
	struct trampoline_target target = TEST_TARGET(pun_only);

	(void)state;
	target.padding_after = 0;
	round_trip(&target, TRAMPOLINE_PUN);
}

static void displaced_call_operand_and_table_work(void **state)
{
	struct trampoline_target calls = TEST_TARGET(with_call), reads = TEST_TARGET(reads_data),
				 table = TEST_TARGET(with_table);

	(void)state;
	round_trip(&calls, TRAMPOLINE_PLAIN);
	round_trip(&reads, TRAMPOLINE_PLAIN);
	round_trip(&table, TRAMPOLINE_PLAIN);
}

static void far_replacement_goes_over_a_hop(void **state)
{
	struct trampoline_target target = TEST_TARGET(plain);
	/* As far as can be: the bottom of the address space, or the top. */
	uintptr_t hint = (uintptr_t)plain > (uintptr_t)1 << 40 ? 0x100000000 : 0x7e0000000000;
	uint8_t *far = mmap((void *)hint, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	static const uint8_t code[] = {0x8d, 0x87, 0xd2, 0x04,
				       0,    0,	   0xc3}; /* lea 1234(%rdi); ret */
	struct code_edit_set set;
	struct trampoline t;
	struct suture_error err;

	(void)state;
	assert_true(far != MAP_FAILED);
	memcpy(far, code, sizeof(code));
	assert_int_equal(mprotect(far, 4096, PROT_READ | PROT_EXEC), 0);
	test_must(trampoline_plan(&target, (uintptr_t)far, &test_near, &t, &err), &err);
	assert_true(t.hop != 0);
	code_edit_set_init(&set, &test_writer, &test_near);
	test_must(code_edit_set_add_trampoline(&set, &t, &err), &err);
	write_all(&set);
	assert_leads_to(&t, (uintptr_t)far);
	assert_int_equal(call(plain, 1), 1235);
	assert_int_equal(code_edit_undo_stopped(&set), 0);
	assert_int_equal(call(plain, 1), 2);
	code_edit_set_fini(&set);
	trampoline_retire(&t, &test_near);
	munmap(far, 4096);
}

static void retarget(const struct trampoline_target *target)
{
	int (*function)(int) = (int (*)(int))target->entry;
	struct trampoline first, second;
	struct code_edit_set in, change;
	struct suture_error err;
	int was = call(function, 2);

	test_must(trampoline_plan(target, (uintptr_t)replacement, &test_near, &first, &err), &err);
	code_edit_set_init(&in, &test_writer, &test_near);
	test_must(code_edit_set_add_trampoline(&in, &first, &err), &err);
	write_all(&in);

	test_must(trampoline_retarget(&first, (uintptr_t)other, &test_near, &second, &err), &err);
	code_edit_set_init(&change, &test_writer, &test_near);
	test_must(code_edit_set_add_change(&change, &first, &second, &err), &err);
	write_all(&change);
	assert_int_equal(call(function, 2), 2002);
	assert_int_equal(call((int (*)(int))second.original, 2), was);
	/* Back to the version before, by the same set the other way. */
	test_must(code_edit_set_reverse(&change, &err), &err);
	write_all(&change);
	assert_int_equal(call(function, 2), 1002);
	assert_int_equal(code_edit_undo_stopped(&in), 0);
	assert_int_equal(call(function, 2), was);
	code_edit_set_fini(&change);
	code_edit_set_fini(&in);
	trampoline_retire(&first, &test_near);
}

static void a_next_version_takes_the_site_over(void **state)
{
	struct trampoline_target by_plain = TEST_TARGET(plain), by_hole = TEST_TARGET(loops),
				 by_pun = TEST_TARGET(pun_only);

	(void)state;
	by_pun.padding_after = 0;
	retarget(&by_plain);
	retarget(&by_hole);
	retarget(&by_pun);
}

static void bytes_in_use_are_refused_to_others(void **state)
{
	struct trampoline_target target = TEST_TARGET(plain);
	struct trampoline first, second;
	struct suture_error err;

	(void)state;
	test_must(trampoline_plan(&target, (uintptr_t)replacement, &test_near, &first, &err), &err);
	assert_int_equal(trampoline_plan(&target, (uintptr_t)other, &test_near, &second, &err),
			 -SUTURE_E_UNPATCHABLE_ENTRY);
	assert_non_null(strstr(err.message, "another trampoline"));
	trampoline_discard(&first, &test_near);
	test_must(trampoline_plan(&target, (uintptr_t)other, &test_near, &second, &err), &err);
	trampoline_discard(&second, &test_near);
}

/* ---- the gate under callers ---------------------------------------------------------------- */

static _Atomic bool stop_callers;
static _Atomic long wrong_answers, right_answers;
static int old_answer;

static void *caller(void *argument)
{
	const struct trampoline_target *target = argument;
	int (*function)(int) = (int (*)(int))target->entry;

	while (!stop_callers) {
		int answer = call(function, 2);

		if (answer != old_answer && answer != 1002)
			wrong_answers++;
		else
			right_answers++;
	}
	return NULL;
}

static void flip_under_callers(struct trampoline_target *target)
{
	enum { FLIPS = 20000, CALLERS = 3 };
	int (*function)(int) = (int (*)(int))target->entry;
	pthread_t threads[CALLERS];
	struct code_edit_set set;
	struct trampoline t;
	struct suture_error err;
	const char *why;
	uintptr_t gate;

	old_answer = call(function, 2);
	stop_callers = false;
	right_answers = 0;
	test_must(trampoline_plan(target, (uintptr_t)replacement, &test_near, &t, &err), &err);
	gate = trampoline_gate(&t);
	code_edit_set_init(&set, &test_writer, &test_near);
	test_must(code_edit_set_add_trampoline(&set, &t, &err), &err);
	test_must(code_edit_set_prefault(&set, &err), &err);
	if (!test_writer.can_sync)
		skip();
	if (!code_edit_set_can_gate(&set, true, &why))
		fail_msg("%s", why);
	for (size_t i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, caller, target), 0);
	/*
	 * The gate is closed and opened again on the old bytes: threads may be behind it at any
	 * time. (Writing the rest needs the stop's proof that none is, which is not here.)
	 */
	for (size_t i = 0; i < FLIPS; i++) {
		assert_int_equal(code_edit_gate_close_stopped(&set), 0);
		assert_int_equal(code_edit_undo_stopped(&set), 0);
	}
	stop_callers = true;
	for (size_t i = 0; i < CALLERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(wrong_answers, 0);
	assert_true(right_answers > 0);
	/* And once all the way. */
	assert_int_equal(code_edit_gate_close_stopped(&set), 0);
	assert_true(test_is_closed(gate));
	assert_int_equal(code_edit_write_rest_stopped(&set), 0);
	assert_true(test_is_closed(gate));
	assert_int_equal(code_edit_gate_open_stopped(&set), 0);
	assert_leads_to(&t, (uintptr_t)replacement);
	assert_int_equal(call(function, 2), 1002);
	assert_int_equal(code_edit_undo_stopped(&set), 0);
	assert_int_equal(call(function, 2), old_answer);
	code_edit_set_fini(&set);
	trampoline_retire(&t, &test_near);
}

static void gated_commits_under_callers_never_tear(void **state)
{
	struct trampoline_target target = TEST_TARGET(gated);

	(void)state;
	flip_under_callers(&target);
}

/* Closed before the mark, which is in place again afterwards. */
static void the_gate_stands_on_the_entry_mark(void **state)
{
	struct trampoline_target target = TEST_TARGET(marked);

	(void)state;
	flip_under_callers(&target);
	assert_int_equal(test_decode((uintptr_t)marked).kind, ARCH_INSN_ENTRY_MARK);
}

/* Where other memory is in the place of an island, only stopped threads can be kept out. */
static void without_an_island_threads_must_be_stopped(void **state)
{
	struct trampoline_target target = TEST_TARGET(plain);
	struct code_edit_set set;
	struct trampoline t;
	struct suture_error err;
	const char *why;

	(void)state;
	if (!test_writer.can_sync)
		skip();
	test_must(trampoline_plan(&target, (uintptr_t)replacement, &test_near, &t, &err), &err);
	code_edit_set_init(&set, &test_writer, NULL);
	test_must(code_edit_set_add_trampoline(&set, &t, &err), &err);
	test_must(code_edit_set_prefault(&set, &err), &err);
	assert_false(code_edit_set_can_gate(&set, true, &why));
	assert_non_null(strstr(why, "no place where threads could wait"));
	assert_true(code_edit_set_can_gate(&set, false, &why));
	assert_int_equal(code_edit_gate_close_stopped(&set), 0);
	assert_int_equal(test_decode((uintptr_t)plain).target, (uintptr_t)plain);
	assert_int_equal(code_edit_write_rest_stopped(&set), 0);
	assert_int_equal(code_edit_gate_open_stopped(&set), 0);
	assert_int_equal(call(plain, 2), 1002);
	assert_int_equal(code_edit_undo_stopped(&set), 0);
	assert_int_equal(call(plain, 2), 3);
	code_edit_set_fini(&set);
	trampoline_retire(&t, &test_near);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_jump),
		cmocka_unit_test(entry_mark_stays),
		cmocka_unit_test(short_function_uses_its_padding),
		cmocka_unit_test(loop_to_the_start_uses_a_hole),
		cmocka_unit_test(without_a_hole_the_jump_is_punned),
		cmocka_unit_test(displaced_call_operand_and_table_work),
		cmocka_unit_test(far_replacement_goes_over_a_hop),
		cmocka_unit_test(a_next_version_takes_the_site_over),
		cmocka_unit_test(bytes_in_use_are_refused_to_others),
		cmocka_unit_test(gated_commits_under_callers_never_tear),
		cmocka_unit_test(the_gate_stands_on_the_entry_mark),
		cmocka_unit_test(without_an_island_threads_must_be_stopped),
	};

	return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
