/* SPDX-License-Identifier: MIT */
/*
 * What a linked binary says about one relocation of an object file. Where the definition turns out
 * to be near, linkers rewrite the instruction around the field ("relaxation"); every form that
 * ld.bfd, gold and lld emit is recognised here, and nothing else is. Thread-local sequences are in
 * tlsmatch.c. Any thread.
 */
#include "arch/x86_64/elfmatch.h"

#include "arch/x86_64/elfreloc.h"
#include "arch/x86_64/insn.h"

#include <string.h>

enum { REX_B = 1, REX_R = 4, REX_W = 8 };

bool x86_match_has(const struct x86_match *match, size_t before, size_t after)
{
	return match->offset >= before && match->size - match->offset >= after;
}

void x86_match_found(const struct x86_match *match, size_t before, size_t after,
		     enum arch_reloc_form form, uint64_t value, struct arch_reloc_match *out)
{
	out->start = match->offset - before;
	out->end = match->offset + after;
	out->form = form;
	out->value = value;
}

uint64_t x86_match_pc(const struct x86_match *match, size_t field)
{
	return match->address + field + 4 + (uint64_t)x86_read_s32(match->linked + field);
}

/* S of an ordinary field of up to 8 bytes. */
static enum arch_reason match_field(const struct x86_match *match,
				    const struct arch_reloc_info *info,
				    struct arch_reloc_match *out)
{
	enum arch_reloc_form form = info->form;
	uint64_t value = 0;

	if (!info->size || info->size > sizeof(value) || !x86_match_has(match, 0, info->size))
		return ARCH_MISMATCH;
	memcpy(&value, match->linked + match->offset, info->size);
	if (match->type != X86_32 && match->type != X86_SIZE32 && info->size < sizeof(value)) {
		unsigned unused = 64 - info->size * 8u;

		value = (uint64_t)((int64_t)(value << unused) >> unused);
	}
	value -= (uint64_t)match->addend;
	switch (form) {
	case ARCH_RELOC_PC:
	case ARCH_RELOC_CALL:
	case ARCH_RELOC_SLOT_PC:
	case ARCH_RELOC_TP_SLOT_PC:
	case ARCH_RELOC_TLS_GD_PC:
	case ARCH_RELOC_TLS_LD_PC:
	case ARCH_RELOC_TLS_DESC_PC:
		value += match->address + match->offset;
		break;
	case ARCH_RELOC_TLS_OFFSET:
		/*
		 * In an executable the linker turns offsets in the module's block into offsets from
		 * the thread pointer, which lies behind the block: only those are negative.
		 */
		if ((int64_t)value < 0)
			form = ARCH_RELOC_TP_OFFSET;
		break;
	default:
		break;
	}
	x86_match_found(match, 0, info->size, form, value, out);
	return ARCH_OK;
}

/* call *foo@GOTPCREL(%rip) and jmp *foo@GOTPCREL(%rip), linked as direct ones with a nop. */
static enum arch_reason match_slot_branch(const struct x86_match *match, bool is_call,
					  struct arch_reloc_match *out)
{
	const uint8_t *linked = match->linked + match->offset - 2;
	uint8_t opcode = is_call ? 0xe8 : 0xe9;

	/* addr32 call foo: 67 e8 rel32; nop; call foo: 90 e8 rel32 */
	if ((linked[0] == 0x67 || linked[0] == 0x90) && linked[1] == opcode) {
		x86_match_found(match, 2, 4, ARCH_RELOC_CALL, x86_match_pc(match, match->offset),
				out);
		return ARCH_OK;
	}
	/* jmp foo; nop: e9 rel32 90 */
	if (linked[0] == opcode && linked[5] == 0x90) {
		x86_match_found(match, 2, 4, ARCH_RELOC_CALL,
				x86_match_pc(match, match->offset - 1), out);
		return ARCH_OK;
	}
	return ARCH_MISMATCH;
}

/* What a REX becomes when the register moves from ModRM.reg to ModRM.rm; W may go. */
static bool rex_moved(uint8_t object, uint8_t linked)
{
	uint8_t moved = (object & ~(REX_R | REX_B)) | (object & REX_R ? REX_B : 0);

	return linked == moved || linked == (moved & ~REX_W);
}

/*
 * Instructions that load the slot, linked with an address or an immediate:
 *   mov foo@GOTPCREL(%rip), %reg   8b /r  ->  lea foo(%rip), %reg   8d /r
 *                                         or  mov $foo, %reg        c7 /0
 *   test %reg, foo@GOTPCREL(%rip)  85 /r  ->  test $foo, %reg       f7 /0
 *   add|or|adc|sbb|and|sub|xor|cmp 03…3b  ->  the same with $foo    81 /n
 */
static enum arch_reason match_slot_load(const struct x86_match *match, bool has_rex,
					struct arch_reloc_match *out)
{
	const uint8_t *object = match->object + match->offset;
	const uint8_t *linked = match->linked + match->offset;
	uint8_t reg = object[-1] >> 3 & 7, opcode = object[-2];
	size_t before = has_rex ? 3 : 2;
	uint64_t value;

	if (opcode == 0x8b && linked[-2] == 0x8d && linked[-1] == object[-1] &&
	    (!has_rex || linked[-3] == object[-3])) {
		value = x86_match_pc(match, match->offset) - (uint64_t)(match->addend + 4);
		x86_match_found(match, before, 4, ARCH_RELOC_PC, value, out);
		return ARCH_OK;
	}
	if (has_rex && !rex_moved(object[-3], linked[-3]))
		return ARCH_MISMATCH;
	if (opcode == 0x8b) {
		if (linked[-2] != 0xc7 || linked[-1] != (0xc0 | reg))
			return ARCH_MISMATCH;
	} else if (opcode == 0x85) {
		if (linked[-2] != 0xf7 || linked[-1] != (0xc0 | reg))
			return ARCH_MISMATCH;
	} else if ((opcode & 0xc7) == 0x03) {
		if (linked[-2] != 0x81 || linked[-1] != (0xc0 | (opcode & 0x38) | reg))
			return ARCH_MISMATCH;
	} else {
		return ARCH_MISMATCH;
	}
	value = has_rex && linked[-3] & REX_W ? (uint64_t)x86_read_s32(linked) : x86_read32(linked);
	x86_match_found(match, before, 4, ARCH_RELOC_ABSOLUTE,
			value - (uint64_t)(match->addend + 4), out);
	return ARCH_OK;
}

static enum arch_reason match_slot(const struct x86_match *match,
				   const struct arch_reloc_info *info, struct arch_reloc_match *out)
{
	const uint8_t *object = match->object + match->offset;
	const uint8_t *linked = match->linked + match->offset;
	bool has_rex;

	if (info->size != 4 || !x86_match_has(match, 2, 4))
		return match_field(match, info, out);
	if (object[-2] == linked[-2] && object[-1] == linked[-1])
		return match_field(match, info, out);
	if (object[-2] == 0xff && object[-1] == 0x15) /* call *disp32(%rip) */
		return match_slot_branch(match, true, out);
	if (object[-2] == 0xff && object[-1] == 0x25) /* jmp *disp32(%rip) */
		return match_slot_branch(match, false, out);
	if ((object[-1] & 0xc7) != 0x05)
		return ARCH_MISMATCH;
	/* GOTPCRELX promises no REX, REX_GOTPCRELX one, GOTPCREL says nothing. */
	has_rex = match->offset >= 3 && (object[-3] & 0xf0) == 0x40;
	if (match->type == X86_GOTPCRELX)
		has_rex = false;
	else if (match->type == X86_REX_GOTPCRELX && !has_rex)
		return ARCH_MISMATCH;
	return match_slot_load(match, has_rex, out);
}

enum arch_reason x86_reloc_match(uint32_t type, int64_t addend, const uint8_t *object,
				 const uint8_t *linked, size_t size, size_t offset,
				 uint64_t address, struct arch_reloc_match *out)
{
	const struct x86_match match = {.type = type,
					.addend = addend,
					.object = object,
					.linked = linked,
					.size = size,
					.offset = offset,
					.address = address};
	struct arch_reloc_info info;
	enum arch_reason reason = x86_reloc_info(type, &info);

	if (reason != ARCH_OK)
		return reason;
	if (offset > size)
		return ARCH_MISMATCH;
	switch (type) {
	case X86_GOTPCREL:
	case X86_GOTPCRELX:
	case X86_REX_GOTPCRELX:
		return match_slot(&match, &info, out);
	case X86_TLSGD:
	case X86_TLSLD:
	case X86_GOTTPOFF:
	case X86_GOTPC32_TLSDESC:
	case X86_TLSDESC_CALL:
		reason = x86_match_tls(&match, out);
		/* Not a sequence that linkers rewrite: then the field is as the object has it. */
		return reason == ARCH_UNKNOWN_RELOCATION ? match_field(&match, &info, out) : reason;
	default:
		return match_field(&match, &info, out);
	}
}
