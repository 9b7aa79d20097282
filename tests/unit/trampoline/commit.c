/* SPDX-License-Identifier: MIT */
/*
 * Sets of edits: all or nothing. A fault is injected at every step of every kind of commit; after
 * each, the bytes must be as before. Sites with each kind of gate, a hole's code, and data of
 * several sizes are in the set.
 */
#include "process.h"

#include <errno.h>
#include <unistd.h>

extern int first(int x), second(int x), third(int x), short_first(int x), short_odd(int x);

TEST_FUNCTION(first, "mov %edi, %eax; add $1, %eax; nop; ret");
TEST_FUNCTION(second, "mov %edi, %eax; add $2, %eax; nop; ret");
TEST_FUNCTION(third, "xor %eax, %eax; 1: add %edi, %eax; dec %edi; jnz 1b; ret");

/* A first instruction of one byte; a bit behind a multiple of 8; behind a mark. */
#define SHORT "push %rbp; mov %rsp, %rbp; lea 1(%rdi), %eax; pop %rbp; ret"
TEST_FUNCTION(short_first, SHORT);
TEST_FUNCTION_AT(short_odd, 5, SHORT);

enum { FUNCTIONS = 5 };

static const char constants[600] = "constant data that a patch replaces";
static char variable[16] = "variable";

#define REPLACE(n)                 \
	extern int new_##n(int x); \
	TEST_FUNCTION(new_##n, "lea 1000(%rdi), %eax; ret")
REPLACE(0);
REPLACE(1);
REPLACE(2);
REPLACE(3);
REPLACE(4);
static int (*const replacements[])(int) = {new_0, new_1, new_2, new_3, new_4};

struct image {
	uint8_t code[FUNCTIONS][32];
	char constants[sizeof(constants)];
	char variable[sizeof(variable)];
};

static void take_image(struct image *image)
{
	memcpy(image->code[0], (const void *)first, 32);
	memcpy(image->code[1], (const void *)second, 32);
	memcpy(image->code[2], (const void *)third, 32);
	memcpy(image->code[3], (const void *)short_first, 32);
	memcpy(image->code[4], (const void *)short_odd, 32);
	memcpy(image->constants, *(const char(*volatile)[sizeof(constants)]) & constants,
	       sizeof(constants));
	memcpy(image->variable, variable, sizeof(variable));
}

static void assert_image(const struct image *expected)
{
	struct image now;

	take_image(&now);
	assert_memory_equal(&now, expected, sizeof(now));
}

/* ---- faults -------------------------------------------------------------------------------- */

struct fault {
	long countdown;		    /* fails when it reaches 0; negative: never */
	enum code_writer_step only; /* counts these steps */
	bool every_undo;	    /* undoing fails too */
};

static int inject(enum code_writer_step step, void *context)
{
	struct fault *fault = context;

	if (step == CODE_WRITER_UNDO)
		return fault->every_undo;
	if (step != fault->only || fault->countdown < 0)
		return 0;
	return fault->countdown-- == 0;
}

static struct fault fault = {.countdown = -1};

static void arm(enum code_writer_step step, long countdown, bool every_undo)
{
	fault = (struct fault){.only = step, .countdown = countdown, .every_undo = every_undo};
	test_writer.fault = inject;
	test_writer.fault_context = &fault;
}

static void disarm(void)
{
	test_writer.fault = NULL;
}

/* ---- the set ------------------------------------------------------------------------------- */

struct fixture {
	struct trampoline trampolines[FUNCTIONS];
	struct code_edit_set set;
	struct image before;
};

static void build(struct fixture *f, bool with_data)
{
	struct trampoline_target targets[] = {TEST_TARGET(first), TEST_TARGET(second),
					      TEST_TARGET(third), TEST_TARGET(short_first),
					      TEST_TARGET(short_odd)};
	static char new_constants[sizeof(constants)] = "something else";
	struct suture_error err;

	take_image(&f->before);
	code_edit_set_init(&f->set, &test_writer, &test_near);
	for (size_t i = 0; i < FUNCTIONS; i++) {
		test_must(trampoline_plan(&targets[i], (uintptr_t)replacements[i], &test_near,
					  &f->trampolines[i], &err),
			  &err);
		test_must(code_edit_set_add_trampoline(&f->set, &f->trampolines[i], &err), &err);
	}
	assert_int_equal(f->trampolines[2].tier, TRAMPOLINE_HOLE);
	if (with_data) {
		test_must(code_edit_set_add(&f->set, CODE_EDIT_DATA, (uintptr_t)constants,
					    f->before.constants, new_constants, sizeof(constants),
					    &err),
			  &err);
		test_must(code_edit_set_add(&f->set, CODE_EDIT_DATA, (uintptr_t)variable,
					    f->before.variable, "changed\0\0\0\0\0\0\0\0", 16,
					    &err),
			  &err);
	}
}

static void drop(struct fixture *f)
{
	disarm();
	code_edit_set_fini(&f->set);
	for (size_t i = 0; i < FUNCTIONS; i++)
		trampoline_discard(&f->trampolines[i], &test_near);
}

static int commit_full(struct code_edit_set *set)
{
	return code_edit_write_all_stopped(set);
}

static int commit_gated(struct code_edit_set *set)
{
	int rc = code_edit_gate_close_stopped(set);

	if (!rc)
		rc = code_edit_write_rest_stopped(set);
	return rc ? rc : code_edit_gate_open_stopped(set);
}

/* Fails at step 0, 1, 2 … until a commit gets through. Returns how many failed. */
static long fail_everywhere(struct fixture *f, int (*commit)(struct code_edit_set *),
			    enum code_writer_step step)
{
	struct suture_error err;
	long at;

	for (at = 0; at < 1000; at++) {
		int rc;

		arm(step, at, false);
		rc = commit(&f->set);
		disarm();
		if (rc == 0)
			return at;
		assert_int_equal(rc, -SUTURE_E_IO);
		assert_int_equal(f->set.state, CODE_EDIT_PLANNED);
		assert_image(&f->before);
		assert_int_equal(code_edit_error(&f->set, rc, &err), -SUTURE_E_IO);
	}
	fail();
	return at;
}

static void every_failure_leaves_the_bytes_alone(int (*commit)(struct code_edit_set *),
						 bool with_data)
{
	static const enum code_writer_step steps[] = {CODE_WRITER_READ, CODE_WRITER_WRITE,
						      CODE_WRITER_SYNC};
	struct suture_error err;
	struct fixture f;

	build(&f, with_data);
	test_must(code_edit_set_prefault(&f.set, &err), &err);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		long failures = fail_everywhere(&f, commit, steps[i]);

		print_message("%ld failures of kind %zu\n", failures, i);
		assert_true(failures > 0);
		assert_int_equal(f.set.state, CODE_EDIT_WRITTEN);
		assert_int_equal(first(1), 1001);
		assert_int_equal(third(1), 1001);
		if (with_data)
			assert_string_equal(variable, "changed");
		assert_int_equal(code_edit_undo_stopped(&f.set), 0);
		assert_image(&f.before);
	}
	drop(&f);
}

static void full_commit_is_all_or_nothing(void **state)
{
	(void)state;
	every_failure_leaves_the_bytes_alone(commit_full, true);
}

static void gated_commit_is_all_or_nothing(void **state)
{
	(void)state;
	if (!test_writer.can_sync)
		skip();
	every_failure_leaves_the_bytes_alone(commit_gated, false);
}

/* All writes fail for good, once *left have succeeded. */
static int refuse_writes(enum code_writer_step step, void *context)
{
	long *left = context;

	return step == CODE_WRITER_WRITE && (*left)-- <= 0 ? EIO : 0;
}

static void a_gate_that_never_opens(void **state)
{
	struct suture_error err;
	struct fixture f;

	(void)state;
	if (!test_writer.can_sync)
		skip();
	build(&f, false);
	test_must(code_edit_set_prefault(&f.set, &err), &err);
	/* Where memory lies is chance: without a place to wait it would not be among the first. */
	if (!code_edit_set_waits_at(&f.set, (uintptr_t)first)) {
		print_message("no place to wait before first(), this time\n");
		drop(&f);
		skip();
	}
	/* Sites with steps are opened first, page by page; the hole's has none. */
	for (long opened = 0; opened < 2; opened++) {
		long left = opened;
		int rc;

		assert_int_equal(code_edit_gate_close_stopped(&f.set), 0);
		assert_int_equal(code_edit_write_rest_stopped(&f.set), 0);
		test_writer.fault = refuse_writes;
		test_writer.fault_context = &left;
		rc = code_edit_gate_open_stopped(&f.set);
		disarm();
		if (opened == 0) {
			/* Nobody can have run new code: all of it is taken back. */
			assert_int_equal(rc, -SUTURE_E_IO);
			assert_int_equal(f.set.state, CODE_EDIT_PLANNED);
			assert_image(&f.before);
			continue;
		}
		/* Somebody can: what is open stays open, what is closed stays closed. */
		assert_int_equal(rc, -SUTURE_E_UNCERTAIN);
		assert_int_equal(f.set.state, CODE_EDIT_BROKEN);
		assert_int_equal(first(1), 1001);
		assert_int_equal(test_decode((uintptr_t)third).target, (uintptr_t)third);
		/* By hand, for what follows. */
		f.set.state = CODE_EDIT_RESTED;
		assert_int_equal(code_edit_undo_stopped(&f.set), 0);
		assert_image(&f.before);
	}
	drop(&f);
}

/* One failure is not the end of it: the store is repeated. */
static void a_gate_that_opens_late(void **state)
{
	struct suture_error err;
	struct fixture f;

	(void)state;
	if (!test_writer.can_sync)
		skip();
	build(&f, false);
	test_must(code_edit_set_prefault(&f.set, &err), &err);
	for (long at = 0; at < FUNCTIONS; at++) {
		assert_int_equal(code_edit_gate_close_stopped(&f.set), 0);
		assert_int_equal(code_edit_write_rest_stopped(&f.set), 0);
		arm(CODE_WRITER_WRITE, at, false);
		assert_int_equal(code_edit_gate_open_stopped(&f.set), 0);
		disarm();
		assert_int_equal(f.set.state, CODE_EDIT_WRITTEN);
		assert_int_equal(f.set.failure.result, 0);
		assert_int_equal(third(1), 1001);
		assert_int_equal(code_edit_undo_stopped(&f.set), 0);
		assert_image(&f.before);
	}
	drop(&f);
}

/* Before the step that *left counts down to, the program closes our descriptor, or has its number.
 */
struct thief {
	long left;
	int other; /* what it has by that number, or -1 */
};

static int take_away(enum code_writer_step step, void *context)
{
	struct thief *thief = context;

	(void)step;
	if (thief->left-- != 0)
		return 0;
	if (thief->other < 0)
		close(test_writer.fd);
	else
		dup2(thief->other, test_writer.fd);
	return 0;
}

static void a_descriptor_that_is_taken_away(void **state)
{
	int file = memfd_create("its own", MFD_CLOEXEC), next = dup(file);
	struct thief thief = {.other = -1};
	struct suture_error err;
	bool had_all = false;
	struct fixture f;

	(void)state;
	if (!test_writer.can_sync)
		skip();
	close(next);
	build(&f, false);
	test_must(code_edit_set_prefault(&f.set, &err), &err);
	for (long at = 0; !had_all; at++) {
		thief.other = at % 2 ? file : -1;
		thief.left = at / 2;
		test_writer.fault = take_away;
		test_writer.fault_context = &thief;
		assert_int_equal(commit_gated(&f.set), 0);
		had_all = thief.left >= 0;
		disarm();
		assert_int_equal(first(1), 1001);
		assert_int_equal(third(1), 1001);
		assert_int_equal(code_edit_undo_stopped(&f.set), 0);
		if (!had_all && thief.other >= 0)
			close(test_writer.fd);
		if (!had_all)
			test_must(code_writer_open(&test_writer, &err), &err);
		assert_image(&f.before);
	}
	drop(&f);
	assert_int_equal(dup(file), next); /* nothing is left open */
	close(next);
	close(file);
}

static void failing_prefault_changes_nothing(void **state)
{
	struct suture_error err;
	struct fixture f;

	(void)state;
	build(&f, true);
	for (long at = 0;; at++) {
		int rc;

		arm(CODE_WRITER_WRITE, at, false);
		rc = code_edit_set_prefault(&f.set, &err);
		disarm();
		assert_image(&f.before);
		if (rc == 0)
			break;
		assert_int_equal(f.set.state, CODE_EDIT_OPEN);
		assert_int_equal(code_edit_write_all_stopped(&f.set), -SUTURE_E_INTERNAL);
	}
	drop(&f);
}

static void failing_undo_is_said_to_be_uncertain(void **state)
{
	struct suture_error err;
	struct fixture f;

	(void)state;
	build(&f, true);
	test_must(code_edit_set_prefault(&f.set, &err), &err);
	arm(CODE_WRITER_WRITE, 1, true);
	assert_int_equal(code_edit_write_all_stopped(&f.set), -SUTURE_E_UNCERTAIN);
	assert_int_equal(f.set.state, CODE_EDIT_BROKEN);
	disarm();
	assert_int_equal(code_edit_write_all_stopped(&f.set), -SUTURE_E_INTERNAL);
	assert_int_equal(code_edit_undo_stopped(&f.set), -SUTURE_E_UNCERTAIN);
	/* By hand, for the tests that follow: the only edit that got through is the first in order.
	 */
	for (size_t i = 0; i < f.set.count; i++) {
		const struct code_edit *edit = &f.set.edits[i];
		const uint8_t *old = f.set.store + edit->bytes;

		code_writer_replace_stopped(&test_writer, CODE_WRITER_UNDO, edit->address,
					    old + edit->size, old, edit->size);
	}
	assert_image(&f.before);
	drop(&f);
}

/* ---- bytes that are not ours --------------------------------------------------------------- */

static void poke(uintptr_t address, uint8_t from, uint8_t to)
{
	assert_int_equal(code_writer_replace_stopped(&test_writer, CODE_WRITER_WRITE, address,
						     &from, &to, 1),
			 0);
}

static void someone_elses_byte_is_refused_and_kept(void **state)
{
	struct suture_error err;
	struct image changed;
	struct fixture f;
	uint8_t byte;

	(void)state;
	build(&f, true);
	byte = f.before.code[1][1];
	/* Before planning ends */
	poke((uintptr_t)second + 1, byte, 0xcc);
	take_image(&changed);
	assert_int_equal(code_edit_set_prefault(&f.set, &err), -SUTURE_E_FUNCTION_CHANGED);
	assert_non_null(strstr(err.message, "cc"));
	assert_image(&changed);
	poke((uintptr_t)second + 1, 0xcc, byte);
	test_must(code_edit_set_prefault(&f.set, &err), &err);
	/* and after it: a debugger's breakpoint at the last moment */
	poke((uintptr_t)second + 1, byte, 0xcc);
	assert_int_equal(code_edit_write_all_stopped(&f.set), -SUTURE_E_FUNCTION_CHANGED);
	assert_image(&changed);
	if (test_writer.can_sync) {
		struct fixture gated;

		drop(&f);
		poke((uintptr_t)second + 1, 0xcc, byte);
		build(&gated, false);
		test_must(code_edit_set_prefault(&gated.set, &err), &err);
		poke((uintptr_t)second + 1, byte, 0xcc);
		assert_int_equal(commit_gated(&gated.set), -SUTURE_E_FUNCTION_CHANGED);
		assert_image(&changed);
		f = gated;
	}
	poke((uintptr_t)second + 1, 0xcc, byte);
	drop(&f);
}

static void drop_one(struct code_edit_set *set, struct trampoline *trampoline)
{
	disarm();
	code_edit_set_fini(set);
	trampoline_discard(trampoline, &test_near);
}

/* A set of one jump that goes byte by byte, at `second`. */
static void build_one(struct code_edit_set *set, struct trampoline *trampoline)
{
	const struct trampoline_target target = TEST_TARGET(second);
	struct suture_error err;

	code_edit_set_init(set, &test_writer, &test_near);
	test_must(
		trampoline_plan(&target, (uintptr_t)replacements[1], &test_near, trampoline, &err),
		&err);
	test_must(code_edit_set_add_trampoline(set, trampoline, &err), &err);
	test_must(code_edit_set_prefault(set, &err), &err);
	assert_int_equal(set->count, 1);
	if (code_edit_set_can_gate(set, true, NULL))
		return;
	drop_one(set, trampoline);
	skip();
}

/* The jump that closes an entry takes its distance from the bytes that are there: nobody may jump
 * by those of somebody else. */
static void no_gate_over_someone_elses_byte(void **state)
{
	struct trampoline trampoline;
	struct code_edit_set set;
	uint8_t byte = *((const uint8_t *)second + 3);

	(void)state;
	build_one(&set, &trampoline);
	poke((uintptr_t)second + 3, byte, 0xcc);
	arm(CODE_WRITER_WRITE, 1000, false);
	assert_int_equal(code_edit_gate_close_stopped(&set), -SUTURE_E_FUNCTION_CHANGED);
	assert_int_equal(fault.countdown, 1000); /* not for a moment */
	poke((uintptr_t)second + 3, 0xcc, byte);
	drop_one(&set, &trampoline);
}

/* Nor is it written over once the entry is closed. */
static void someone_elses_byte_behind_the_gate_is_kept(void **state)
{
	struct trampoline trampoline;
	struct code_edit_set set;
	struct image before;

	(void)state;
	take_image(&before);
	build_one(&set, &trampoline);
	for (unsigned i = 1; i + 1 < set.edits[0].step_count; i++) {
		const struct code_edit_step *step = &set.edits[0].steps[i];
		uintptr_t address = (uintptr_t)second + step->offset;
		uint8_t byte = *(const uint8_t *)address;

		assert_int_equal(code_edit_gate_close_stopped(&set), 0);
		poke(address, byte, (uint8_t)~byte);
		assert_int_equal(code_edit_write_rest_stopped(&set), -SUTURE_E_FUNCTION_CHANGED);
		poke(address, (uint8_t)~byte, byte);
		assert_image(&before);
	}
	drop_one(&set, &trampoline);
}

static bool unseen; /* written, and not seen by all processors yet */

static int watch(enum code_writer_step step, void *context)
{
	unsigned *writes = context;

	if (step == CODE_WRITER_SYNC)
		unseen = false;
	if (step != CODE_WRITER_WRITE)
		return 0;
	assert_false(unseen);
	unseen = true;
	++*writes;
	return 0;
}

/* One that still sees the byte before last would jump to where nobody waits. */
static void each_step_is_seen_before_the_next(void **state)
{
	struct trampoline trampoline;
	struct code_edit_set set;
	unsigned writes = 0;

	(void)state;
	build_one(&set, &trampoline);
	unseen = false;
	test_writer.fault = watch;
	test_writer.fault_context = &writes;
	assert_int_equal(commit_gated(&set), 0);
	assert_false(unseen);
	assert_true(writes >= set.edits[0].step_count);
	assert_int_equal(second(1), 1001);
	assert_int_equal(code_edit_undo_stopped(&set), 0);
	drop_one(&set, &trampoline);
}

static void steps_out_of_order_are_refused(void **state)
{
	struct suture_error err;
	struct fixture f;

	(void)state;
	build(&f, false);
	assert_int_equal(code_edit_write_all_stopped(&f.set), -SUTURE_E_INTERNAL);
	assert_int_equal(code_edit_gate_open_stopped(&f.set), -SUTURE_E_INTERNAL);
	test_must(code_edit_set_prefault(&f.set, &err), &err);
	assert_int_equal(code_edit_write_rest_stopped(&f.set), -SUTURE_E_INTERNAL);
	assert_int_equal(code_edit_gate_open_stopped(&f.set), -SUTURE_E_INTERNAL);
	assert_int_equal(code_edit_undo_stopped(&f.set), 0);
	assert_int_equal(code_edit_set_reverse(&f.set, &err), -SUTURE_E_INTERNAL);
	assert_image(&f.before);
	drop(&f);
}

static void small_sites_rule_the_gate_out(void **state)
{
	static const uint8_t bytes[8];
	struct code_edit_set set;
	struct suture_error err;
	const char *why;

	(void)state;
	if (!test_writer.can_sync)
		skip();
	code_edit_set_init(&set, &test_writer, &test_near);
	test_must(code_edit_set_add(&set, CODE_EDIT_SITE, 0x1006, bytes, bytes, 5, &err), &err);
	assert_false(code_edit_set_can_gate(&set, true, &why)); /* not planned: no way */
	assert_true(code_edit_set_can_gate(&set, false, &why));
	test_must(code_edit_set_add(&set, CODE_EDIT_SITE, 0x100f, bytes, bytes, 1, &err), &err);
	assert_false(code_edit_set_can_gate(&set, false, &why));
	assert_non_null(strstr(why, "smaller than a gate"));
	assert_false(code_edit_set_has_data(&set));
	test_must(code_edit_set_add(&set, CODE_EDIT_DATA, 0x2000, bytes, bytes, 5, &err), &err);
	assert_true(code_edit_set_has_data(&set));
	code_edit_set_fini(&set);
}

static void overlapping_and_unmapped_edits_are_refused(void **state)
{
	static const uint8_t bytes[8];
	struct code_edit_set set;
	struct suture_error err;

	(void)state;
	code_edit_set_init(&set, &test_writer, &test_near);
	test_must(code_edit_set_add(&set, CODE_EDIT_DATA, 8, bytes, bytes, 8, &err), &err);
	assert_int_equal(code_edit_set_prefault(&set, &err), -SUTURE_E_FUNCTION_CHANGED);
	code_edit_set_fini(&set);
	code_edit_set_init(&set, &test_writer, &test_near);
	test_must(code_edit_set_add(&set, CODE_EDIT_DATA, 16, bytes, bytes, 8, &err), &err);
	test_must(code_edit_set_add(&set, CODE_EDIT_DATA, 12, bytes, bytes, 8, &err), &err);
	assert_int_equal(code_edit_set_prefault(&set, &err), -SUTURE_E_DEPENDENCY);
	code_edit_set_fini(&set);
}

static void shared_memory_is_refused(void **state)
{
	uint8_t *shared =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	static const uint8_t bytes[8], ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};
	struct code_edit_set set;
	struct suture_error err;

	(void)state;
	assert_true((void *)shared != MAP_FAILED);
	code_edit_set_init(&set, &test_writer, &test_near);
	test_must(code_edit_set_add(&set, CODE_EDIT_DATA, (uintptr_t)shared, bytes, ones, 8, &err),
		  &err);
	assert_int_equal(code_edit_set_prefault(&set, &err), -SUTURE_E_UNSUPPORTED);
	code_edit_set_fini(&set);
	munmap(shared, 4096);
}

static void an_empty_set_commits(void **state)
{
	struct code_edit_set set;
	struct suture_error err;

	(void)state;
	code_edit_set_init(&set, &test_writer, &test_near);
	test_must(code_edit_set_prefault(&set, &err), &err);
	assert_int_equal(code_edit_write_all_stopped(&set), 0);
	assert_int_equal(code_edit_undo_stopped(&set), 0);
	code_edit_set_fini(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_commit_is_all_or_nothing),
		cmocka_unit_test(gated_commit_is_all_or_nothing),
		cmocka_unit_test(a_gate_that_never_opens),
		cmocka_unit_test(a_gate_that_opens_late),
		cmocka_unit_test(a_descriptor_that_is_taken_away),
		cmocka_unit_test(failing_prefault_changes_nothing),
		cmocka_unit_test(failing_undo_is_said_to_be_uncertain),
		cmocka_unit_test(someone_elses_byte_is_refused_and_kept),
		cmocka_unit_test(no_gate_over_someone_elses_byte),
		cmocka_unit_test(someone_elses_byte_behind_the_gate_is_kept),
		cmocka_unit_test(each_step_is_seen_before_the_next),
		cmocka_unit_test(steps_out_of_order_are_refused),
		cmocka_unit_test(small_sites_rule_the_gate_out),
		cmocka_unit_test(overlapping_and_unmapped_edits_are_refused),
		cmocka_unit_test(shared_memory_is_refused),
		cmocka_unit_test(an_empty_set_commits),
	};

	return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
