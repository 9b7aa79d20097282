/* SPDX-License-Identifier: MIT */
/* What check says of the stop that an apply would take: it depends on the memory around. */
#include "kit.h"

#include "arch/arch.h"

#include <sys/mman.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_stop_that_is_foretold_is_taken),
	};

	return cmocka_run_group_tests(tests, kit_make, kit_clean);
}
