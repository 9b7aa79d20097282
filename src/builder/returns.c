/* SPDX-License-Identifier: MIT */
/* One pass over the instructions; only direct branches matter. */
#include "returns.h"

static bool inside(uint64_t target, uint64_t address, uint64_t size)
{
	return target >= address && target - address < size;
}

bool returns_never(const struct binary *binary, uint64_t address, uint64_t size, uint64_t cold,
		   uint64_t cold_size)
{
	const uint8_t *code = binary_bytes(binary, address, size);
	bool loops = false;
	uint64_t at = 0;

	while (code && at < size) {
		struct arch_insn insn;

		if (binary->arch->decode(code + at, size - at, address + at, &insn) != ARCH_OK ||
		    insn.size == 0)
			return false;
		switch (insn.kind) {
		case ARCH_INSN_RETURN:
		case ARCH_INSN_INDIRECT_JUMP:
			return false;
		case ARCH_INSN_JUMP:
		case ARCH_INSN_COND_JUMP:
			if (!insn.has_target)
				return false;
			if (inside(insn.target, address, size))
				loops |= insn.target <= address + at;
			else if (!inside(insn.target, cold, cold_size))
				return false;
			break;
		default:
			break;
		}
		at += insn.size;
	}
	return loops;
}
