/* SPDX-License-Identifier: MIT */
/*
 * Instructions as the folder's own files see them: Capstone's answer plus where the fields stand.
 * Not part of the contract.
 */
#ifndef ARCH_X86_64_INSN_H
#define ARCH_X86_64_INSN_H

#include "arch/arch.h"

enum { X86_MAX_INSN = 15 };

struct x86_decoded {
	struct arch_insn base;
	uint8_t opcode_at; /* offset of the opcode's first byte behind legacy prefixes and REX */
	uint8_t modrm_at;  /* 0: none */
	uint8_t disp_at;   /* 0: none */
	uint8_t disp_size;
	bool pc_relative;   /* memory operand relative to the instruction's end */
	bool short_address; /* address size prefix: 32-bit addresses, ecx as loop counter */
	bool sp_memory;	    /* memory operand that is based on the stack pointer */
	bool has_index;	    /* memory operand with an index register */
	bool has_absolute;  /* absolute address as displacement or immediate */
	uint64_t absolute;
};

/* A decoder may be kept for a run of instructions; opening takes microseconds. Any thread. */
struct x86_decoder;
struct x86_decoder *x86_decoder_get(void);
void x86_decoder_put(struct x86_decoder *decoder);

/* False: no instruction there. decoder must not be NULL. */
bool x86_decode(struct x86_decoder *decoder, const uint8_t *code, size_t size, uint64_t address,
		struct x86_decoded *insn);

enum arch_reason x86_decode_one(const uint8_t *code, size_t size, uint64_t address,
				struct arch_insn *insn);

/*
 * How many bytes of an instruction follow the 4-byte displacement at offset. False when no
 * instruction around it can be found that has it as a PC-relative operand.
 */
bool x86_bytes_behind_field(const uint8_t *code, size_t size, size_t offset, size_t *behind);

bool x86_same_operation(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size);

size_t x86_entry_mark_size(const uint8_t *code, size_t size);
size_t x86_padding_size(const uint8_t *code, size_t size, uint64_t address);

static inline uint32_t x86_read32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static inline int64_t x86_read_s32(const uint8_t *bytes)
{
	return (int32_t)x86_read32(bytes);
}

#endif
