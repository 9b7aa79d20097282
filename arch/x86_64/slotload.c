/* SPDX-License-Identifier: MIT */
/*
 * Turning code that computes an address into code that loads it from a slot: what the linker does
 * to loads of near symbols (elfmatch.c), the other way round and in place. Any thread.
 */
#include "arch/x86_64/elfreloc.h"
#include "arch/x86_64/stub.h"

enum { LEA = 0x8d, MOV_LOAD = 0x8b, EVEX = 0x62, REX_W = 0x48, REX_W_MASK = 0xf8 };

/*
 * A thread-local variable by descriptor; the slot has its distance from the thread pointer, which
 * is what the call would have left in %rax:
 *
 *   lea foo@TLSDESC(%rip), %rax    48 8d 05 disp32    ->   mov slot(%rip), %rax    48 8b 05 disp32
 *   call *foo@TLSCALL(%rax)        ff 10              ->   xchg %ax, %ax           66 90
 */
static bool drop_call(uint8_t *code, size_t size, size_t offset)
{
	if (offset > size || size - offset < 2 || code[offset] != 0xff || code[offset + 1] != 0x10)
		return false;
	code[offset] = 0x66;
	code[offset + 1] = 0x90;
	return true;
}

/*
 *   lea foo(%rip), %reg    REX.W 8d /r, mod 00 rm 101   ->   mov slot(%rip), %reg   REX.W 8b /r
 *
 * Nothing follows the field, so that the relocation's addend is as before.
 */
bool x86_slot_load(uint32_t type, uint8_t *code, size_t size, size_t offset)
{
	if (type == X86_TLSDESC_CALL)
		return drop_call(code, size, offset);
	if ((type != X86_PC32 && type != X86_GOTPC32_TLSDESC) || offset < 3 || offset > size ||
	    size - offset < 4)
		return false;
	/* REX.W with or without R; X and B have no meaning here and no compiler sets them. */
	if ((code[offset - 3] & REX_W_MASK) != REX_W || code[offset - 3] & 3 ||
	    code[offset - 2] != LEA || (code[offset - 1] & 0xc7) != 0x05)
		return false;
	/* 62 .. .. 48 8d /r is vpermb, whose last prefix byte only looks like a REX. */
	if (offset >= 6 && code[offset - 6] == EVEX)
		return false;
	code[offset - 2] = MOV_LOAD;
	return true;
}
