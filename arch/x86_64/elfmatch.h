/* SPDX-License-Identifier: MIT */
/* Shared by elfmatch.c and tlsmatch.c. */
#ifndef ARCH_X86_64_ELFMATCH_H
#define ARCH_X86_64_ELFMATCH_H

#include "arch/arch.h"

/* The arguments of reloc_match(). */
struct x86_match {
	uint32_t type;
	int64_t addend;
	const uint8_t *object;
	const uint8_t *linked;
	size_t size;
	size_t offset;
	uint64_t address;
};

/* Are there so many bytes before the field, and from its first byte on? */
bool x86_match_has(const struct x86_match *match, size_t before, size_t after);

void x86_match_found(const struct x86_match *match, size_t before, size_t after,
		     enum arch_reloc_form form, uint64_t value, struct arch_reloc_match *out);

/* The address that a PC-relative field of 4 bytes at offset `field`, ending its instruction, means.
 */
uint64_t x86_match_pc(const struct x86_match *match, size_t field);

/* ARCH_UNKNOWN_RELOCATION: the instructions are as in the object, only the field differs. */
enum arch_reason x86_match_tls(const struct x86_match *match, struct arch_reloc_match *out);

#endif
