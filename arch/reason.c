/* SPDX-License-Identifier: MIT */
/* Texts of reasons, and the choice of a processor. */
#include "arch/arch.h"

#include "arch/x86_64/ops.h"

const char *arch_reason_text(enum arch_reason reason)
{
	static const char *const texts[] = {
#define ARCH_REASON_TEXT(name, text) [ARCH_##name] = text,
		ARCH_REASONS(ARCH_REASON_TEXT)
#undef ARCH_REASON_TEXT
	};

	return (size_t)reason < sizeof(texts) / sizeof(texts[0]) ? texts[reason] : "unknown reason";
}

const struct arch_ops *arch_for_machine(uint16_t elf_machine)
{
	return elf_machine == arch_x86_64.elf_machine ? &arch_x86_64 : NULL;
}

const struct arch_ops *arch_native(void)
{
	return &arch_x86_64;
}
