/* SPDX-License-Identifier: MIT */
/* Encodings of jumps. */
#ifndef ARCH_X86_64_JUMP_H
#define ARCH_X86_64_JUMP_H

#include "arch/arch.h"

enum {
	X86_SHORT_JUMP_SIZE = 2,
	X86_NEAR_JUMP_SIZE = 5,
	X86_FAR_JUMP_SIZE = 14,
	X86_COUNTER_SIZE = 16 + X86_FAR_JUMP_SIZE,
	X86_GATE_SIZE = 2,
	/* testb $imm8, %fs:disp32 (9); jne +14 (2); jmp far; jmp far */
	X86_DISPATCH_SIZE = 11 + 2 * X86_FAR_JUMP_SIZE,
};

enum arch_reason x86_short_jump(uint64_t from, uint64_t to, uint8_t *out);
enum arch_reason x86_near_jump(uint64_t from, uint64_t to, uint8_t *out);
void x86_far_jump(uint64_t to, uint8_t *out);
void x86_gate(uint8_t *out);
void x86_counter(uint64_t word, uint64_t to, uint8_t *out);
void x86_dispatch(uint64_t from, const struct arch_dispatch *dispatch, uint8_t *out);
bool x86_pun_range(uint64_t from, const uint8_t *fixed, size_t free_size, uint64_t *low,
		   uint64_t *high);

/* The 4-byte displacement that makes an instruction ending at `end` refer to `to`. */
bool x86_displacement(uint64_t end, uint64_t to, uint8_t *out);

#endif
