/* SPDX-License-Identifier: MIT */
/* One pass over the instructions; only direct branches matter. */
#include "returns.h"

#include <string.h>

static bool inside(uint64_t target, uint64_t address, uint64_t size)
{
	return target >= address && target - address < size;
}

/* A call that ends the process or the thread in the ordinary course; abort() is a failure's. */
static bool ends(const struct binary *binary, uint64_t target)
{
	static const char *const names[] = {"exit",	  "_exit",	  "_Exit",
					    "quick_exit", "pthread_exit", "thrd_exit"};
	const struct binary_slot *slot = binary_stub(binary, target);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slot && slot->symbol && strcmp(slot->symbol->name, names[i]) == 0)
			return true;
		if (binary_symbol_is(binary, names[i], target))
			return true;
	}
	return false;
}

enum returns returns_of(const struct binary *binary, uint64_t address, uint64_t size, uint64_t cold,
			uint64_t cold_size)
{
	const uint8_t *code = binary_bytes(binary, address, size);
	bool loops = false, exits = false;
	uint64_t at = 0;

	while (code && at < size) {
		struct arch_insn insn;

		if (binary->arch->decode(code + at, size - at, address + at, &insn) != ARCH_OK ||
		    insn.size == 0)
			return RETURNS_MAYBE;
		switch (insn.kind) {
		case ARCH_INSN_RETURN:
		case ARCH_INSN_INDIRECT_JUMP:
			return RETURNS_MAYBE;
		case ARCH_INSN_JUMP:
		case ARCH_INSN_COND_JUMP:
			if (!insn.has_target)
				return RETURNS_MAYBE;
			if (inside(insn.target, address, size))
				loops |= insn.target <= address + at;
			else if (!inside(insn.target, cold, cold_size))
				return RETURNS_MAYBE;
			break;
		case ARCH_INSN_CALL:
			exits |= insn.has_target && ends(binary, insn.target);
			break;
		default:
			break;
		}
		at += insn.size;
	}
	if (!loops)
		return RETURNS_MAYBE;
	return exits ? RETURNS_BY_EXIT : RETURNS_NEVER;
}
