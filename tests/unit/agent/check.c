/* SPDX-License-Identifier: MIT */
/* What a plan says before anything is stopped: which rung, and where nobody may stand. */
#include "kit.h"

#include "agent/plan.h"
#include "arch/arch.h"

#include <sys/mman.h>
#include <unistd.h>

/* The bytes behind the first lead far below the program. */
extern int crowded(int x);
__asm__(".pushsection .text\n.globl crowded\n.type crowded, @function\ncrowded:\n"
	".cfi_startproc\npush %rbp\n.cfi_adjust_cfa_offset 8\nmov %rsp, %rbp\n"
	"lea 9(%rdi), %eax\npop %rbp\n.cfi_adjust_cfa_offset -8\nret\n.cfi_endproc\n"
	".size crowded, . - crowded\n.popsection\n");

static void check_crowded(struct transaction_result *result, bool apply)
{
	struct handmade patch;
	struct patch_file file;
	struct suture_error err;
	int rc;

	handmade_init(&patch, "crowded");
	handmade_code(&patch, "int new_crowded(int x) { return x * 7000; }\n");
	handmade_replace(&patch, crowded, "new_crowded");
	file = kit_open(&patch);
	rc = apply ? transaction_apply(&kit_agent, &file, &kit_quick, result, &err)
		   : transaction_check(&kit_agent, &file, &kit_quick, result, &err);
	if (rc)
		fail_msg("%s: %s", suture_code_name(err.code), err.message);
}

/* Where threads would have to wait: what follows the first byte, taken as a displacement. */
static uintptr_t waiting_place(void)
{
	uint64_t place, end;

	assert_true(arch_native()->pun_range((uintptr_t)crowded, (const uint8_t *)crowded + 1, 1,
					     &place, &end));
	return place;
}

static void the_stop_that_is_foretold_is_taken(void **state)
{
	void *page = (void *)(waiting_place() & ~(uintptr_t)4095);
	/* When something is there already it is as well. */
	bool ours = mmap(page, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			 -1, 0) == page;
	struct transaction_result result;

	(void)state;
	check_crowded(&result, false);
	assert_int_equal(result.tier_count, 1);
	assert_false(result.tiers[0].lazy);
	assert_int_equal(result.rung, STOP_RUNG_FULL);
	transaction_result_fini(&result);
	check_crowded(&result, true);
	assert_int_equal(result.rung, STOP_RUNG_FULL);
	transaction_result_fini(&result);
	kit_revert("crowded", &result);
	transaction_result_fini(&result);

	if (ours)
		munmap(page, 4096);
	check_crowded(&result, false);
	/* Near the heap it stays as it was: chance. */
	assert_int_equal(result.rung, result.tiers[0].lazy ? STOP_RUNG_LAZY : STOP_RUNG_FULL);
	print_message("  alone: %s\n", stop_rung_name(result.rung));
	transaction_result_fini(&result);
	assert_int_equal(crowded(1), 10);
}

/* ---- entry marks ----------------------------------------------------------------------------- */

extern int marked(int x);
__asm__(".pushsection .text\n.globl marked\n.type marked, @function\nmarked:\n"
	".cfi_startproc\nendbr64\npush %rbp\n.cfi_adjust_cfa_offset 8\nmov %rsp, %rbp\n"
	"lea 9(%rdi), %eax\npop %rbp\n.cfi_adjust_cfa_offset -8\nret\n.cfi_endproc\n"
	".size marked, . - marked\n.popsection\n");

enum { MARK = 4 };

/* below: a patch that it is built on, or NULL. */
static struct patch_file open_marked(const char *name, const struct patch_file *below)
{
	struct handmade patch;

	handmade_init(&patch, name);
	handmade_code(&patch, "int new_marked(int x) { return x * 7000; }\n");
	handmade_replace(&patch, marked, "new_marked");
	if (below)
		handmade_depend(&patch, below->name, below->hash);
	return kit_open(&patch);
}

static const struct stop_range *range_at(const struct plan *plan, uintptr_t address)
{
	for (size_t i = 0; i < plan->busy_count; i++)
		if (address >= plan->busy[i].start && address < plan->busy[i].end)
			return &plan->busy[i];
	return NULL;
}

/*
 * The gate is on the mark, and does not hold who is behind it: at the mark a thread is outside,
 * behind it inside, whether the patch comes or goes.
 */
static void who_is_behind_the_mark_is_inside(void **state)
{
	struct patch_file file = open_marked("marked", NULL);
	const struct stop_range *range;
	struct transaction_result result;
	struct suture_error err;
	struct patch *patch;
	struct plan plan;
	uintptr_t address;

	(void)state;
	plan_init(&plan, &kit_agent);
	assert_int_equal(plan_add(&plan, &file, &err), 0);
	assert_int_equal(plan_build(&plan, &err), 0);
	range = range_at(&plan, (uintptr_t)marked + MARK);
	assert_non_null(range);
	assert_int_equal(range->start, marked);
	assert_int_equal(range->site, marked);
	plan_fini(&plan);
	patch_file_fini(&file);

	file = open_marked("marked", NULL);
	kit_apply(&file, &result);
	transaction_result_fini(&result);
	patch = agent_find(&kit_agent, "marked");
	plan_init(&plan, &kit_agent);
	assert_int_equal(plan_remove(&plan, &patch, 1, &err), 0);
	assert_int_equal(plan_build(&plan, &err), 0);
	range = range_at(&plan, (uintptr_t)marked + MARK);
	assert_non_null(range);
	assert_int_equal(range->start, marked);
	assert_int_equal(range->site, marked);
	/* And its own code is what nobody may be in. */
	address = patch_address(patch, patch->file.functions.records[0].replacement_address);
	assert_non_null(range_at(&plan, address));
	plan_fini(&plan);
	kit_revert("marked", &result);
	transaction_result_fini(&result);
}

/* What a patch below put there is old code for the next. */
static void who_is_in_an_earlier_version_is_inside(void **state)
{
	/* The bytes of both are hashed before the first changes them. */
	struct patch_file first = open_marked("first", NULL),
			  second = open_marked("second", &first);
	struct transaction_result result;
	struct suture_error err;
	struct patch *patch;
	struct plan plan;

	(void)state;
	kit_apply(&first, &result);
	transaction_result_fini(&result);
	patch = agent_find(&kit_agent, "first");
	plan_init(&plan, &kit_agent);
	assert_int_equal(plan_add(&plan, &second, &err), 0);
	assert_int_equal(plan_build(&plan, &err), 0);
	assert_non_null(range_at(
		&plan, patch_address(patch, patch->file.functions.records[0].replacement_address)));
	plan_fini(&plan);
	patch_file_fini(&second);
	kit_revert("first", &result);
	transaction_result_fini(&result);
}

/* ---- who waits ------------------------------------------------------------------------------- */

/* In the island before a closed entry the caller is found as at the entry itself. */
static void who_waits_before_an_entry_can_be_unwound(void **state)
{
	uintptr_t stack[4] = {(uintptr_t)check_crowded + 8};
	struct transaction_result result;
	struct unwind_memory memory;
	struct unwind_cursor cursor;
	struct arch_regs regs;

	(void)state;
	check_crowded(&result, false);
	transaction_result_fini(&result);
	if (!kit_agent.near.wait_count)
		skip();
	assert_int_equal(agent_refresh_unwind(&kit_agent, NULL), 0);
	unwind_memory_init_stopped(&memory, getpid(), -1);
	for (size_t i = 0; i < kit_agent.near.wait_count; i++) {
		arch_native()->regs_from_sleep_stopped((uintptr_t)stack,
						       kit_agent.near.waits[i].place, &regs);
		unwind_start_stopped(&cursor, &regs);
		assert_int_equal(unwind_step_stopped(kit_agent.unwind, &memory, &cursor),
				 UNWIND_FRAME);
		assert_int_equal(cursor.regs.pc, stack[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_behind_the_mark_is_inside),
		cmocka_unit_test(who_is_in_an_earlier_version_is_inside),
		cmocka_unit_test(the_stop_that_is_foretold_is_taken),
		cmocka_unit_test(who_waits_before_an_entry_can_be_unwound),
	};

	return cmocka_run_group_tests(tests, kit_make, kit_clean);
}
