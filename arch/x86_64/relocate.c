/* SPDX-License-Identifier: MIT */
/*
 * Moves the first instructions of a function to another place, with the same effect there. What
 * depends on its own address is encoded anew:
 *
 *   operand relative to rip   the displacement is counted from the new place
 *   jmp, jcc                  rel32, through a far jump where that does not reach
 *   loop, jrcxz               have no long form: they skip a jump that skips the long one
 *   call                      push of the original return address and a jump: unwinders and
 *                             exception tables then see the function, not the copy
 *
 * Branches to other moved instructions lead to their copies. Any thread, plan phase.
 */
#include "arch/x86_64/branch.h"
#include "arch/x86_64/insn.h"
#include "arch/x86_64/jump.h"

#include <string.h>

struct fixup {
	uint16_t field;	    /* 4-byte displacement in the copy that ends its instruction */
	uint8_t old_offset; /* what it has to lead to */
};

struct mover {
	const uint8_t *code;
	uint64_t from;
	size_t window_size; /* bytes asked for, all overwritten */
	size_t covered;	    /* bytes of whole instructions, at least window_size */
	uint64_t to;
	struct arch_relocated *out;
	struct fixup fixups[ARCH_MAX_ROWS];
	size_t fixup_count;
	enum arch_reason reason;
};

static void mover_fail(struct mover *mover, enum arch_reason reason)
{
	if (mover->reason == ARCH_OK)
		mover->reason = reason;
}

static uint64_t mover_here(const struct mover *mover)
{
	return mover->to + mover->out->size;
}

static void emit(struct mover *mover, const void *bytes, size_t size)
{
	struct arch_relocated *out = mover->out;

	if (size > sizeof(out->code) - out->size) {
		mover_fail(mover, ARCH_NO_SPACE);
		return;
	}
	memcpy(out->code + out->size, bytes, size);
	out->size += size;
}

static void emit_row(struct mover *mover, size_t old_offset, unsigned pushed)
{
	struct arch_relocated *out = mover->out;

	if (out->count == ARCH_MAX_ROWS) {
		mover_fail(mover, ARCH_NO_SPACE);
		return;
	}
	out->rows[out->count++] = (struct arch_moved){.old_offset = (uint8_t)old_offset,
						      .pushed = (uint8_t)pushed,
						      .new_offset = (uint16_t)out->size};
}

static bool in_moved(const struct mover *mover, uint64_t target)
{
	return target - mover->from < mover->covered;
}

/* opcode rel32, to be filled in once all copies have their place. */
static void emit_fixup(struct mover *mover, const uint8_t *opcode, size_t opcode_size,
		       uint64_t target)
{
	static const uint8_t unknown[4];

	if (mover->fixup_count == ARCH_MAX_ROWS) {
		mover_fail(mover, ARCH_NO_SPACE);
		return;
	}
	emit(mover, opcode, opcode_size);
	mover->fixups[mover->fixup_count++] = (struct fixup){
		.field = (uint16_t)mover->out->size, .old_offset = (uint8_t)(target - mover->from)};
	emit(mover, unknown, sizeof(unknown));
}

static void emit_jump(struct mover *mover, uint64_t target)
{
	static const uint8_t opcode = 0xe9; /* jmp rel32 */
	uint8_t jump[ARCH_MAX_JUMP];

	if (in_moved(mover, target)) {
		emit_fixup(mover, &opcode, 1, target);
	} else if (x86_near_jump(mover_here(mover), target, jump) == ARCH_OK) {
		emit(mover, jump, X86_NEAR_JUMP_SIZE);
	} else {
		x86_far_jump(target, jump);
		emit(mover, jump, X86_FAR_JUMP_SIZE);
	}
}

static size_t jump_size(const struct mover *mover, uint64_t from, uint64_t target)
{
	uint8_t jump[ARCH_MAX_JUMP];

	if (in_moved(mover, target) || x86_near_jump(from, target, jump) == ARCH_OK)
		return X86_NEAR_JUMP_SIZE;
	return X86_FAR_JUMP_SIZE;
}

/* jcc rel8 or rel32 */
static void move_jcc(struct mover *mover, uint8_t condition, uint64_t target)
{
	uint8_t jcc[6] = {0x0f, 0x80 | condition}; /* jcc rel32 */

	if (in_moved(mover, target)) {
		emit_fixup(mover, jcc, 2, target);
	} else if (x86_displacement(mover_here(mover) + sizeof(jcc), target, jcc + 2)) {
		emit(mover, jcc, sizeof(jcc));
	} else {
		/* j!cc over; jmp far target */
		const uint8_t over[] = {0x70 | (condition ^ 1), X86_FAR_JUMP_SIZE};

		emit(mover, over, sizeof(over));
		emit_jump(mover, target);
	}
}

/*
 *   jrcxz target   ->   jrcxz 1f;  jmp 2f;  1: jmp target;  2:
 */
static void move_loop(struct mover *mover, const struct x86_decoded *insn, const uint8_t *code)
{
	size_t here = insn->base.size + 2u;
	uint8_t skip[] = {0xeb, 0}; /* jmp rel8 */

	skip[1] = (uint8_t)jump_size(mover, mover_here(mover) + here, insn->base.target);
	emit(mover, code, insn->base.size - 1u); /* prefixes and opcode */
	emit(mover, &(uint8_t){sizeof(skip)}, 1);
	emit(mover, skip, sizeof(skip));
	emit_jump(mover, insn->base.target);
}

static void move_cond(struct mover *mover, const struct x86_decoded *insn, const uint8_t *code)
{
	uint8_t opcode = code[insn->opcode_at];

	if (opcode == 0x0f) {
		move_jcc(mover, code[insn->opcode_at + 1] & 0x0f, insn->base.target);
	} else if ((opcode & 0xf0) == 0x70) {
		move_jcc(mover, opcode & 0x0f, insn->base.target);
	} else if ((opcode & 0xfc) == 0xe0) {
		move_loop(mover, insn, code);
	} else { /* xbegin rel32: same length, counted from the new place */
		uint8_t copy[X86_MAX_INSN];

		memcpy(copy, code, insn->base.size);
		if (in_moved(mover, insn->base.target) ||
		    !x86_displacement(mover_here(mover) + insn->base.size, insn->base.target,
				      copy + insn->disp_at)) {
			mover_fail(mover, ARCH_NOT_RELOCATABLE);
			return;
		}
		emit(mover, copy, insn->base.size);
	}
}

/*
 * push $low; movl $high, 4(%rsp): the return address that the call would have pushed. No flag and
 * no register changes.
 */
static void emit_push_return(struct mover *mover, const struct x86_decoded *insn)
{
	uint64_t address = insn->base.address + insn->base.size;
	uint32_t low = (uint32_t)address, high = (uint32_t)(address >> 32);
	size_t old_offset = insn->base.address - mover->from;

	emit(mover, &(uint8_t){0x68}, 1); /* push imm32, sign-extended to 64 bits */
	emit(mover, &low, sizeof(low));
	emit_row(mover, old_offset, 8);
	if ((uint64_t)(int64_t)(int32_t)low == address)
		return;
	emit(mover, (const uint8_t[]){0xc7, 0x44, 0x24, 0x04}, 4); /* movl imm32, 4(%rsp) */
	emit(mover, &high, sizeof(high));
}

/* After the call execution goes on behind it: those bytes must still be there. */
static bool return_survives(const struct mover *mover, const struct x86_decoded *insn)
{
	return insn->base.address + insn->base.size >= mover->from + mover->window_size;
}

static void move_plain(struct mover *mover, const struct x86_decoded *insn, uint8_t *copy)
{
	if (insn->pc_relative) {
		bool is_lea = copy[insn->opcode_at] == 0x8d;

		/* The bytes of the window change: only its address may be taken. */
		if (insn->short_address || (insn->base.target - mover->from < mover->window_size &&
					    !(is_lea && insn->base.target == mover->from))) {
			mover_fail(mover, ARCH_NOT_RELOCATABLE);
			return;
		}
		if (!x86_displacement(mover_here(mover) + insn->base.size, insn->base.target,
				      copy + insn->disp_at)) {
			mover_fail(mover, ARCH_OUT_OF_REACH);
			return;
		}
	}
	emit(mover, copy, insn->base.size);
}

/* call r/m -> push of the return address; jmp r/m */
static void move_indirect_call(struct mover *mover, const struct x86_decoded *insn, uint8_t *copy)
{
	uint8_t *modrm = copy + insn->opcode_at + 1;
	bool calls_sp =
		(*modrm & 0xc7) == 0xc4 && !(insn->opcode_at && copy[insn->opcode_at - 1] & 1);

	/* The push moves the stack pointer; a far call pushes more than an address. */
	if (insn->sp_memory || calls_sp || (*modrm >> 3 & 7) != 2 ||
	    !return_survives(mover, insn)) {
		mover_fail(mover, ARCH_NOT_RELOCATABLE);
		return;
	}
	emit_push_return(mover, insn);
	*modrm = (uint8_t)((*modrm & ~0x38) | 4 << 3); /* /2 call -> /4 jmp */
	move_plain(mover, insn, copy);
}

static void move_insn(struct mover *mover, const struct x86_decoded *insn)
{
	const uint8_t *code = mover->code + (insn->base.address - mover->from);
	uint8_t copy[X86_MAX_INSN];

	memcpy(copy, code, insn->base.size);
	emit_row(mover, insn->base.address - mover->from, 0);
	switch (insn->base.kind) {
	case ARCH_INSN_JUMP:
		emit_jump(mover, insn->base.target);
		break;
	case ARCH_INSN_COND_JUMP:
		move_cond(mover, insn, code);
		break;
	case ARCH_INSN_CALL:
		if (!return_survives(mover, insn)) {
			mover_fail(mover, ARCH_NOT_RELOCATABLE);
			break;
		}
		emit_push_return(mover, insn);
		emit_jump(mover, insn->base.target);
		break;
	case ARCH_INSN_INDIRECT_CALL:
		move_indirect_call(mover, insn, copy);
		break;
	default:
		move_plain(mover, insn, copy);
	}
}

static bool ends_path(enum arch_insn_kind kind)
{
	switch (kind) {
	case ARCH_INSN_JUMP:
	case ARCH_INSN_INDIRECT_JUMP:
	case ARCH_INSN_RETURN:
	case ARCH_INSN_TRAP:
	case ARCH_INSN_CALL: /* returns to the original code */
	case ARCH_INSN_INDIRECT_CALL:
		return true;
	default:
		return false;
	}
}

/* How many bytes the instructions take that cover the window; 0 when they can't be decoded. */
static size_t whole_instructions(struct x86_decoder *decoder, const uint8_t *code, size_t size,
				 uint64_t from, size_t window_size)
{
	struct x86_decoded insn;
	size_t at = 0;

	while (at < window_size) {
		if (!x86_decode(decoder, code + at, size - at, from + at, &insn))
			return 0;
		at += insn.base.size;
	}
	return at <= ARCH_MAX_WINDOW ? at : 0;
}

static void apply_fixups(struct mover *mover)
{
	struct arch_relocated *out = mover->out;

	for (size_t i = 0; i < mover->fixup_count; i++) {
		const struct fixup *fixup = &mover->fixups[i];
		size_t row = 0;

		while (row < out->count && out->rows[row].old_offset != fixup->old_offset)
			row++;
		if (row == out->count) { /* into the middle of an instruction */
			mover_fail(mover, ARCH_NOT_RELOCATABLE);
			return;
		}
		x86_displacement(fixup->field + 4u, out->rows[row].new_offset,
				 out->code + fixup->field);
	}
}

static enum arch_reason move_window(struct mover *mover, struct x86_decoder *decoder, size_t size)
{
	bool ended = false;

	for (size_t at = 0; at < mover->covered && mover->reason == ARCH_OK;) {
		struct x86_decoded insn;

		if (!x86_decode(decoder, mover->code + at, size - at, mover->from + at, &insn))
			return ARCH_UNDECODABLE;
		move_insn(mover, &insn);
		at += insn.base.size;
		/* Padding behind the end of a path does not begin another one. */
		ended = ends_path(insn.base.kind) || (ended && insn.base.kind == ARCH_INSN_PADDING);
	}
	if (!ended) {
		emit_row(mover, mover->covered, 0);
		emit_jump(mover, mover->from + mover->covered);
	}
	if (mover->reason == ARCH_OK)
		apply_fixups(mover);
	return mover->reason;
}

enum arch_reason x86_relocate(const uint8_t *code, size_t size, uint64_t from, size_t window_size,
			      uint64_t to, struct arch_relocated *out)
{
	struct x86_decoder *decoder = x86_decoder_get();
	struct mover mover = {
		.code = code, .from = from, .window_size = window_size, .to = to, .out = out};
	enum arch_reason reason = ARCH_UNDECODABLE;

	if (!decoder)
		return ARCH_UNDECODABLE;
	memset(out, 0, sizeof(*out));
	mover.covered = whole_instructions(decoder, code, size, from, window_size);
	out->window_size = mover.covered;
	if (mover.covered)
		reason = move_window(&mover, decoder, size);
	x86_decoder_put(decoder);
	return reason;
}
