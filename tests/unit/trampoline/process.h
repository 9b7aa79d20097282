/* SPDX-License-Identifier: MIT */
/* What the tests of the trampolines share: planning functions of this very process. */
#ifndef TESTS_UNIT_TRAMPOLINE_PROCESS_H
#define TESTS_UNIT_TRAMPOLINE_PROCESS_H

#include "../test.h"

#include "arch/arch.h"
#include "trampoline/edit.h"
#include "trampoline/near.h"
#include "trampoline/tier.h"

#include <sys/mman.h>

/*
 * TEST_FUNCTION(name, "instructions"): a function in assembly, padded behind to 16 bytes by nops,
 * in a section of its own. name##_end is where its size ends.
 */
#define TEST_FUNCTION(name, text) TEST_FUNCTION_AT(name, 0, text)

/* The same, so many bytes behind a multiple of 16. */
#define TEST_FUNCTION_AT(name, offset, text)                    \
	__asm__(".pushsection .text.cases, \"ax\", @progbits\n" \
		".p2align 4\n"                                  \
		".fill " #offset ", 1, 0xcc\n"                  \
		".globl " #name "\n" #name ":\n" text "\n"      \
		".globl " #name "_end\n" #name "_end:\n"        \
		".p2align 4\n"                                  \
		".globl " #name "_pad\n" #name "_pad:\n"        \
		".popsection\n");                               \
	extern const uint8_t name##_end[], name##_pad[]

#define TEST_TARGET(name)                                                                     \
	test_target(#name, (uintptr_t)(name), (size_t)(name##_end - (const uint8_t *)(name)), \
		    (size_t)(name##_pad - name##_end))

static struct code_writer test_writer = {.fd = -1};
static struct near_memory test_near;

/* The bytes of a target are read where they are: nothing changes them before the commit. */
static inline struct trampoline_target test_target(const char *name, uintptr_t entry, size_t size,
						   size_t padding)
{
	const uint8_t *code = (const uint8_t *)entry;

	return (struct trampoline_target){
		.name = name,
		.entry = entry,
		.size = size,
		.code = code,
		.following = code + size,
		.following_size = padding + 8,
		.padding_after = trampoline_padding(code, size, entry, code + size, padding),
		.read = trampoline_read_self,
		.read_context = &test_writer,
	};
}

static inline int test_setup(void **state)
{
	(void)state;
	if (code_writer_open(&test_writer, NULL))
		return -1;
	near_memory_init(&test_near, &test_writer);
	return 0;
}

static inline int test_teardown(void **state)
{
	(void)state;
	near_memory_fini(&test_near);
	code_writer_close(&test_writer);
	return 0;
}

static inline void test_must(int rc, const struct suture_error *err)
{
	if (rc)
		fail_msg("%d: %s", rc, err->message);
}

/* A decoded instruction of this process. */
static inline struct arch_insn test_decode(uintptr_t address)
{
	struct arch_insn insn;

	assert_int_equal(arch_native()->decode((const uint8_t *)address, 16, address, &insn),
			 ARCH_OK);
	return insn;
}

/* Is the entry closed: does it lead to where threads wait, and that back to it? */
static inline bool test_is_closed(uintptr_t entry)
{
	return test_decode(test_decode(entry).target).target == entry;
}

#endif
