/* SPDX-License-Identifier: MIT */
/*
 * Turning code that computes an address into code that loads it from a slot: what the linker does
 * to loads of near symbols (elfmatch.c), the other way round and in place. Any thread.
 */
#include "arch/x86_64/elfreloc.h"
#include "arch/x86_64/stub.h"

enum { LEA = 0x8d, MOV_LOAD = 0x8b, EVEX = 0x62, REX_W = 0x48, REX_W_MASK = 0xf8 };

/*
 *   lea foo(%rip), %reg    REX.W 8d /r, mod 00 rm 101   ->   mov slot(%rip), %reg   REX.W 8b /r
 *
 * Nothing follows the field, so that the relocation's addend is as before.
 */
bool x86_slot_load(uint32_t type, uint8_t *code, size_t size, size_t offset)
{
	if (type != X86_PC32 || offset < 3 || offset > size || size - offset < 4)
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
