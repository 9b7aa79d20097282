/* SPDX-License-Identifier: MIT */
/*
 * Which bytes behind a function are padding that no thread can execute. Bytes that only look like
 * padding are live when the code before runs on into them; and a nop may be the first instruction
 * of something that has no symbol. Any thread.
 */
#include "arch/arch.h"
#include "trampoline/tier.h"

enum { CODE_ALIGNMENT = 16 };

/* Does the code's last instruction never go on to the next byte? */
static bool ends_for_good(const uint8_t *code, size_t size, uintptr_t entry)
{
	const struct arch_ops *arch = arch_native();
	struct arch_insn insn = {.kind = ARCH_INSN_PLAIN};

	for (size_t at = 0; at < size; at += insn.size)
		if (arch->decode(code + at, size - at, entry + at, &insn) != ARCH_OK)
			return false;
	switch (insn.kind) {
	case ARCH_INSN_JUMP:
	case ARCH_INSN_INDIRECT_JUMP:
	case ARCH_INSN_RETURN:
	case ARCH_INSN_TRAP:
		return true;
	default: /* a call returns to the padding, unless it never returns: that is not known here
		  */
		return false;
	}
}

size_t trampoline_padding(const uint8_t *code, size_t size, uintptr_t entry,
			  const uint8_t *following, size_t following_size)
{
	uintptr_t start = entry + size;
	size_t padding = arch_native()->padding_size(following, following_size, start);

	if (padding == 0 || !ends_for_good(code, size, entry))
		return 0;
	if (padding < following_size) {
		/* Something without a symbol follows; it begins at an aligned address. */
		size_t to_aligned = (size_t)(-start & (CODE_ALIGNMENT - 1));

		if (to_aligned < padding)
			padding = to_aligned;
	}
	return padding;
}
