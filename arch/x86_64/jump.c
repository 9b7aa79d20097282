/* SPDX-License-Identifier: MIT */
/* Encodings of jumps. Any thread; usable while threads are stopped. */
#include "arch/x86_64/jump.h"

#include <string.h>

bool x86_displacement(uint64_t end, uint64_t to, uint8_t *out)
{
	int64_t distance = (int64_t)(to - end);
	int32_t field = (int32_t)distance;

	if (field != distance)
		return false;
	memcpy(out, &field, sizeof(field));
	return true;
}

enum arch_reason x86_short_jump(uint64_t from, uint64_t to, uint8_t *out)
{
	int64_t distance = (int64_t)(to - (from + X86_SHORT_JUMP_SIZE));

	if (distance != (int8_t)distance)
		return ARCH_OUT_OF_REACH;
	out[0] = 0xeb; /* jmp rel8 */
	out[1] = (uint8_t)distance;
	return ARCH_OK;
}

enum arch_reason x86_near_jump(uint64_t from, uint64_t to, uint8_t *out)
{
	uint8_t code[X86_NEAR_JUMP_SIZE] = {0xe9}; /* jmp rel32 */

	if (!x86_displacement(from + sizeof(code), to, code + 1))
		return ARCH_OUT_OF_REACH;
	memcpy(out, code, sizeof(code));
	return ARCH_OK;
}

void x86_far_jump(uint64_t to, uint8_t *out)
{
	static const uint8_t jump[] = {0xff, 0x25, 0, 0, 0, 0}; /* jmp *0(%rip); .quad to */

	memcpy(out, jump, sizeof(jump));
	memcpy(out + sizeof(jump), &to, sizeof(to));
}

void x86_gate(uint8_t *out)
{
	out[0] = 0xeb; /* jmp . */
	out[1] = 0xfe;
}

/*
 * Flags mean nothing at an entry; all registers may carry something (%al counts the vector
 * registers of a variadic call).
 */
void x86_counter(uint64_t word, uint64_t to, uint8_t *out)
{
	static const uint8_t load[] = {0x50, 0x48, 0xb8};	/* push %rax; movabs $word, %rax */
	static const uint8_t count[] = {0xf0, 0x48, 0xff, 0x00, /* lock incq (%rax) */
					0x58};			/* pop %rax */

	memcpy(out, load, sizeof(load));
	memcpy(out + sizeof(load), &word, sizeof(word));
	memcpy(out + sizeof(load) + sizeof(word), count, sizeof(count));
	x86_far_jump(to, out + sizeof(load) + sizeof(word) + sizeof(count));
}

/*
 * Near jumps where they reach, which is nearly always: then the way to the old code is one jump
 * that is taken. The rest of out is filled with int3.
 *
 *	64 f6 04 25 ww ww ww ww mm   testb $mask, %fs:word
 *	0f 84 oo oo oo oo            je otherwise       | 75 0e; ff 25 …   jne 1f; jmp *otherwise;
 *1: e9 ss ss ss ss               jmp set            | ff 25 …          jmp *set
 */
void x86_dispatch(uint64_t from, const struct arch_dispatch *dispatch, uint8_t *out)
{
	uint8_t *at = out;
	int32_t word = (int32_t)(dispatch->word + dispatch->bit / 8);

	memset(out, 0xcc, X86_DISPATCH_SIZE);
	memcpy(at, (const uint8_t[]){0x64, 0xf6, 0x04, 0x25}, 4); /* testb $mask, %fs:word */
	memcpy(at + 4, &word, sizeof(word));
	at[8] = (uint8_t)(1u << dispatch->bit % 8);
	at += 9;
	if (x86_displacement(from + (uint64_t)(at - out) + 6, dispatch->otherwise, at + 2)) {
		memcpy(at, (const uint8_t[]){0x0f, 0x84}, 2); /* je otherwise */
		at += 6;
	} else {
		memcpy(at, (const uint8_t[]){0x75, X86_FAR_JUMP_SIZE}, 2); /* jne over the next */
		x86_far_jump(dispatch->otherwise, at + 2);
		at += 2 + X86_FAR_JUMP_SIZE;
	}
	if (x86_near_jump(from + (uint64_t)(at - out), dispatch->set, at) != ARCH_OK)
		x86_far_jump(dispatch->set, at);
}

/*
 * jmp rel32 with the low free_size - 1 bytes of rel32 chosen and the others given:
 *   e9 [xx xx] ff ff: destinations from end + 0xffff0000 to end + 0xffffffff
 */
bool x86_pun_range(uint64_t from, const uint8_t *fixed, size_t free_size, uint64_t *low,
		   uint64_t *high)
{
	uint32_t displacement = 0;
	size_t chosen;

	if (free_size < 1 || free_size > 4)
		return false;
	chosen = free_size - 1;
	memcpy((uint8_t *)&displacement + chosen, fixed, 4 - chosen);
	*low = from + X86_NEAR_JUMP_SIZE + (uint64_t)(int64_t)(int32_t)displacement;
	*high = *low + (UINT64_C(1) << (8 * chosen));
	return true;
}
