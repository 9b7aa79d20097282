/* SPDX-License-Identifier: MIT */
/*
 * Comparing instructions that two assemblies of one source placed differently: a jump to what is
 * near takes a byte for its distance, the same jump to another section takes four. Any thread.
 */
#include "arch/x86_64/insn.h"

#include <string.h>

static bool is_direct_branch(const struct x86_decoded *insn)
{
	return insn->base.has_target &&
	       (insn->base.kind == ARCH_INSN_JUMP || insn->base.kind == ARCH_INSN_COND_JUMP ||
		insn->base.kind == ARCH_INSN_CALL);
}

/* What the branch does, in one number for both widths of its distance. */
static unsigned branch_operation(const uint8_t *code, const struct x86_decoded *insn)
{
	const uint8_t *opcode = code + insn->opcode_at;

	if (opcode[0] == 0xeb) /* jmp rel8 */
		return 0xe9;   /* jmp rel32 */
	if (opcode[0] == 0x0f) /* jcc rel32: 0f 8x */
		return 0x70 | (opcode[1] & 0x0f);
	return opcode[0]; /* jcc rel8: 7x; call e8; loop, jrcxz e0-e3; xbegin c7 f8 */
}

static bool same_branch(const uint8_t *a, const struct x86_decoded *left, const uint8_t *b,
			const struct x86_decoded *right)
{
	return left->opcode_at == right->opcode_at && memcmp(a, b, left->opcode_at) == 0 &&
	       branch_operation(a, left) == branch_operation(b, right);
}

static bool same_bytes(const uint8_t *a, const uint8_t *b, const struct x86_decoded *insn)
{
	size_t hole = insn->pc_relative ? insn->disp_at : insn->base.size;
	size_t behind = insn->pc_relative ? hole + insn->disp_size : hole;

	return memcmp(a, b, hole) == 0 &&
	       memcmp(a + behind, b + behind, insn->base.size - behind) == 0;
}

bool x86_same_operation(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
	struct x86_decoder *decoder = x86_decoder_get();
	struct x86_decoded left, right;
	bool same = false;

	if (!decoder)
		return false;
	if (x86_decode(decoder, a, a_size, 0, &left) && x86_decode(decoder, b, b_size, 0, &right) &&
	    left.base.size == a_size && right.base.size == b_size) {
		if (is_direct_branch(&left) && is_direct_branch(&right))
			same = same_branch(a, &left, b, &right);
		else
			same = a_size == b_size && same_bytes(a, b, &left);
	}
	x86_decoder_put(decoder);
	return same;
}
