/* SPDX-License-Identifier: MIT */
/*
 * Thread-local accesses that a linker rewrote. In an executable it knows where variables of the
 * executable itself are (local exec) and can read the offset of others from a slot (initial exec);
 * the longer sequences that a compiler writes for shared objects become shorter ones with filler.
 */
#include "arch/x86_64/elfmatch.h"
#include "arch/x86_64/elfreloc.h"
#include "arch/x86_64/insn.h"

#include <string.h>

/* mov %fs:0, %rax */
#define LOAD_TP 0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0

static bool linked_has(const struct x86_match *match, size_t before, const void *bytes, size_t size)
{
	return memcmp(match->linked + match->offset - before, bytes, size) == 0;
}

static uint64_t tp_offset(const struct x86_match *match, size_t field)
{
	return (uint64_t)x86_read_s32(match->linked + field) - (uint64_t)(match->addend + 4);
}

/*
 * General dynamic, 16 bytes, the field at 4:
 *   data16 lea foo@tlsgd(%rip), %rdi    66 48 8d 3d disp32
 *   data16 data16 rex.W call __tls_get_addr@PLT                 66 66 48 e8 rel32
 *   or data16 rex.W call *__tls_get_addr@GOTPCREL(%rip)         66 48 ff 15 disp32
 * becomes
 *   mov %fs:0, %rax                     64 48 8b 04 25 00 00 00 00
 *   lea foo@tpoff(%rax), %rax           48 8d 80 imm32          local exec
 *   or add $foo@tpoff, %rax             48 81 c0 imm32          the same, by mold
 *   or add foo@gottpoff(%rip), %rax     48 03 05 disp32         initial exec
 */
static enum arch_reason match_general_dynamic(const struct x86_match *match,
					      struct arch_reloc_match *out)
{
	static const uint8_t object[] = {0x66, 0x48, 0x8d, 0x3d};
	static const uint8_t local[] = {LOAD_TP, 0x48, 0x8d, 0x80};
	static const uint8_t added[] = {LOAD_TP, 0x48, 0x81, 0xc0};
	static const uint8_t initial[] = {LOAD_TP, 0x48, 0x03, 0x05};
	size_t field = match->offset + 8;

	if (!x86_match_has(match, 4, 12) ||
	    memcmp(match->object + match->offset - 4, object, sizeof(object)) != 0)
		return ARCH_UNKNOWN_RELOCATION;
	if (linked_has(match, 4, object, sizeof(object)))
		return ARCH_UNKNOWN_RELOCATION;
	if (linked_has(match, 4, local, sizeof(local)) ||
	    linked_has(match, 4, added, sizeof(added))) {
		x86_match_found(match, 4, 12, ARCH_RELOC_TP_OFFSET, tp_offset(match, field), out);
		return ARCH_OK;
	}
	if (linked_has(match, 4, initial, sizeof(initial))) {
		x86_match_found(match, 4, 12, ARCH_RELOC_TP_SLOT_PC, x86_match_pc(match, field),
				out);
		return ARCH_OK;
	}
	return ARCH_MISMATCH;
}

/*
 * Local dynamic, 12 or 13 bytes, the field at 3:
 *   lea foo@tlsld(%rip), %rdi           48 8d 3d disp32
 *   call __tls_get_addr@PLT             e8 rel32
 *   or call *__tls_get_addr@GOTPCREL(%rip)  ff 15 disp32
 * becomes mov %fs:0, %rax behind three or four operand size prefixes, or, by newer linkers, before
 * a nop of the same length. The variables' own offsets are relocations of their own: from the
 * thread pointer then. mold makes it the start of the module's block, which they are from already,
 * with a nop in the place of 13 bytes:
 *   xor %eax, %eax                      31 c0
 *   mov %fs:(%rax), %rax                64 48 8b 00
 *   sub $size, %rax                     48 2d imm32
 */
static enum arch_reason match_local_dynamic(const struct x86_match *match,
					    struct arch_reloc_match *out)
{
	static const uint8_t object[] = {0x48, 0x8d, 0x3d};
	static const uint8_t prefixed[] = {0x66, 0x66, 0x66, 0x66, LOAD_TP};
	static const uint8_t filled[] = {LOAD_TP, 0x0f, 0x1f, 0x00};	    /* nopl (%rax) */
	static const uint8_t filled4[] = {LOAD_TP, 0x0f, 0x1f, 0x40, 0x00}; /* nopl 0(%rax) */
	static const uint8_t start[] = {0x31, 0xc0, 0x64, 0x48, 0x8b, 0x00, 0x48, 0x2d};
	const uint8_t *call = match->object + match->offset + 4;
	size_t after;

	if (!x86_match_has(match, 3, 9) ||
	    memcmp(match->object + match->offset - 3, object, sizeof(object)) != 0)
		return ARCH_UNKNOWN_RELOCATION;
	if (linked_has(match, 3, object, sizeof(object)))
		return ARCH_UNKNOWN_RELOCATION;
	after = call[0] == 0xe8 ? 9 : 10;
	if (!x86_match_has(match, 3, after))
		return ARCH_MISMATCH;
	if (linked_has(match, 3, after == 9 ? prefixed + 1 : prefixed, after + 3) ||
	    linked_has(match, 3, after == 9 ? filled : filled4, after + 3) ||
	    (linked_has(match, 3, start, sizeof(start)) &&
	     (after == 9 || match->linked[match->offset + 9] == 0x90))) {
		x86_match_found(match, 3, after, ARCH_RELOC_NONE, 0, out);
		return ARCH_OK;
	}
	return ARCH_MISMATCH;
}

/*
 * Initial exec and descriptors load a 64-bit register from, or with the address of, a slot:
 *   mov foo@gottpoff(%rip), %reg  REX 8b /r  ->  mov $foo@tpoff, %reg        REX c7 /0
 *   add foo@gottpoff(%rip), %reg  REX 03 /r  ->  lea foo@tpoff(%reg), %reg   REX 8d /r
 *                                            or  add $foo@tpoff, %reg        REX 81 /0
 *   lea foo@tlsdesc(%rip), %reg   REX 8d /r  ->  mov $foo@tpoff, %reg        REX c7 /0
 *                                            or  mov foo@gottpoff(%rip), %reg REX 8b /r
 */
static enum arch_reason match_slot_load(const struct x86_match *match, bool is_descriptor,
					struct arch_reloc_match *out)
{
	const uint8_t *object = match->object + match->offset;
	const uint8_t *linked = match->linked + match->offset;
	uint8_t reg, to_rm, to_both;

	if (!x86_match_has(match, 3, 4) || (object[-1] & 0xc7) != 0x05 ||
	    (object[-3] & 0xfb) != 0x48)
		return ARCH_UNKNOWN_RELOCATION;
	if (memcmp(object - 3, linked - 3, 3) == 0)
		return ARCH_UNKNOWN_RELOCATION;
	reg = object[-1] >> 3 & 7;
	to_rm = object[-3] & 4 ? 0x49 : 0x48;	/* REX.W, register in ModRM.rm */
	to_both = object[-3] & 4 ? 0x4d : 0x48; /* and in ModRM.reg */
	if (is_descriptor && object[-2] == 0x8d && linked[-3] == object[-3] && linked[-2] == 0x8b &&
	    linked[-1] == object[-1]) {
		x86_match_found(match, 3, 4, ARCH_RELOC_TP_SLOT_PC,
				x86_match_pc(match, match->offset), out);
		return ARCH_OK;
	}
	if (object[-2] == (is_descriptor ? 0x8d : 0x8b)) {
		if (linked[-3] != to_rm || linked[-2] != 0xc7 || linked[-1] != (0xc0 | reg))
			return ARCH_MISMATCH;
	} else if (object[-2] == 0x03 && !is_descriptor) {
		bool is_lea = linked[-3] == to_both && linked[-2] == 0x8d &&
			      linked[-1] == (0x80 | reg << 3 | reg);
		bool is_add =
			linked[-3] == to_rm && linked[-2] == 0x81 && linked[-1] == (0xc0 | reg);

		if (!is_lea && !is_add)
			return ARCH_MISMATCH;
	} else {
		return ARCH_MISMATCH;
	}
	x86_match_found(match, 3, 4, ARCH_RELOC_TP_OFFSET, tp_offset(match, match->offset), out);
	return ARCH_OK;
}

/* call *foo@tlscall(%rax): ff 10  ->  xchg %ax, %ax: 66 90. The relocation has no field. */
static enum arch_reason match_descriptor_call(const struct x86_match *match,
					      struct arch_reloc_match *out)
{
	static const uint8_t call[] = {0xff, 0x10};
	static const uint8_t nop[] = {0x66, 0x90};

	if (!x86_match_has(match, 0, 2) || memcmp(match->object + match->offset, call, 2) != 0)
		return ARCH_MISMATCH;
	if (linked_has(match, 0, call, sizeof(call))) {
		x86_match_found(match, 0, 2, ARCH_RELOC_TLS_DESC_CALL, 0, out);
		return ARCH_OK;
	}
	if (linked_has(match, 0, nop, sizeof(nop))) {
		x86_match_found(match, 0, 2, ARCH_RELOC_NONE, 0, out);
		return ARCH_OK;
	}
	return ARCH_MISMATCH;
}

enum arch_reason x86_match_tls(const struct x86_match *match, struct arch_reloc_match *out)
{
	switch (match->type) {
	case X86_TLSGD:
		return match_general_dynamic(match, out);
	case X86_TLSLD:
		return match_local_dynamic(match, out);
	case X86_TLSDESC_CALL:
		return match_descriptor_call(match, out);
	default:
		return match_slot_load(match, match->type == X86_GOTPC32_TLSDESC, out);
	}
}
