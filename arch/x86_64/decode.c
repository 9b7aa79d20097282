/* SPDX-License-Identifier: MIT */
/*
 * Decoding. Capstone says how long an instruction is and where its fields stand; what kind it is
 * is read from the opcode itself, since that is what the other files rewrite. Any thread; may
 * allocate, so not while threads are stopped.
 */
#include "arch/x86_64/capstone_parts.h"
#include "arch/x86_64/insn.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct x86_decoder {
	csh handle;
	cs_insn *insn; /* owned, reused for every instruction */
};

/*
 * One decoder waits here for the next user. The exchange in x86_decoder_get() pairs with the one in
 * x86_decoder_put(): whoever takes the pointer out owns it.
 */
static _Atomic(struct x86_decoder *) spare;

static void decoder_destroy(struct x86_decoder *decoder)
{
	if (!decoder)
		return;
	cs_free(decoder->insn, 1);
	cs_close(&decoder->handle);
	free(decoder);
}

struct x86_decoder *x86_decoder_get(void)
{
	struct x86_decoder *decoder = atomic_exchange(&spare, NULL);

	if (decoder)
		return decoder;
	decoder = calloc(1, sizeof(*decoder));
	if (!decoder)
		return NULL;
	if (!x86_capstone_open(&decoder->handle)) {
		free(decoder);
		return NULL;
	}
	decoder->insn = cs_malloc(decoder->handle);
	if (!decoder->insn) {
		cs_close(&decoder->handle);
		free(decoder);
		return NULL;
	}
	return decoder;
}

void x86_decoder_put(struct x86_decoder *decoder)
{
	decoder_destroy(atomic_exchange(&spare, decoder));
}

static bool is_legacy_prefix(uint8_t byte)
{
	switch (byte) {
	case 0x26: /* es */
	case 0x2e: /* cs */
	case 0x36: /* ss */
	case 0x3e: /* ds, notrack */
	case 0x64: /* fs */
	case 0x65: /* gs */
	case 0x66: /* operand size */
	case 0x67: /* address size */
	case 0xf0: /* lock */
	case 0xf2: /* repne, bnd */
	case 0xf3: /* rep */
		return true;
	default:
		return false;
	}
}

static bool has_prefix(const uint8_t *code, size_t opcode_at, uint8_t prefix)
{
	return opcode_at && memchr(code, prefix, opcode_at) != NULL;
}

/* Skips legacy prefixes and REX. */
static size_t opcode_offset(const uint8_t *code, size_t size, uint8_t *rex)
{
	size_t at = 0;

	while (at < size && is_legacy_prefix(code[at]))
		at++;
	*rex = 0;
	if (at < size && (code[at] & 0xf0) == 0x40)
		*rex = code[at++];
	return at;
}

static enum arch_insn_kind kind_of_two_byte(const uint8_t *code, size_t at, const uint8_t *opcode)
{
	if ((opcode[1] & 0xf0) == 0x80) /* jcc rel32 */
		return ARCH_INSN_COND_JUMP;
	switch (opcode[1]) {
	case 0x0b: /* ud2 */
	case 0xb9: /* ud1 */
	case 0xff: /* ud0 */
		return ARCH_INSN_TRAP;
	case 0x1e:
		if (opcode[2] == 0xfa && has_prefix(code, at, 0xf3)) /* endbr64 */
			return ARCH_INSN_ENTRY_MARK;
		return ARCH_INSN_PLAIN;
	case 0x1f: /* nop r/m */
		return ARCH_INSN_PADDING;
	case 0x07: /* sysret */
	case 0x35: /* sysexit */
		return ARCH_INSN_RETURN;
	default:
		return ARCH_INSN_PLAIN;
	}
}

/* code holds a whole instruction of size bytes. */
static enum arch_insn_kind kind_of(const uint8_t *code, size_t size, size_t at, uint8_t rex)
{
	const uint8_t *opcode = code + at;

	if (opcode[0] == 0x0f && size > at + 1)
		return kind_of_two_byte(code, at, opcode);
	if ((opcode[0] & 0xf0) == 0x70) /* jcc rel8 */
		return ARCH_INSN_COND_JUMP;
	switch (opcode[0]) {
	case 0x90: /* nop; with REX.B xchg r8, with rep pause */
		return rex & 1 || has_prefix(code, at, 0xf3) ? ARCH_INSN_PLAIN : ARCH_INSN_PADDING;
	case 0xc2: /* ret imm16 */
	case 0xc3: /* ret */
	case 0xca: /* lret imm16 */
	case 0xcb: /* lret */
	case 0xcf: /* iret */
		return ARCH_INSN_RETURN;
	case 0xcc: /* int3 */
	case 0xf1: /* int1 */
	case 0xf4: /* hlt */
		return ARCH_INSN_TRAP;
	case 0xc7: /* /7 with mod 3: xbegin rel32 */
		return size > at + 1 && opcode[1] == 0xf8 ? ARCH_INSN_COND_JUMP : ARCH_INSN_PLAIN;
	case 0xe0: /* loopne */
	case 0xe1: /* loope */
	case 0xe2: /* loop */
	case 0xe3: /* jrcxz */
		return ARCH_INSN_COND_JUMP;
	case 0xe8:
		return ARCH_INSN_CALL;
	case 0xe9:
	case 0xeb:
		return ARCH_INSN_JUMP;
	case 0xff:
		if (size <= at + 1)
			return ARCH_INSN_PLAIN;
		switch (opcode[1] >> 3 & 7) {
		case 2: /* call r/m */
		case 3: /* lcall */
			return ARCH_INSN_INDIRECT_CALL;
		case 4: /* jmp r/m */
		case 5: /* ljmp */
			return ARCH_INSN_INDIRECT_JUMP;
		default:
			return ARCH_INSN_PLAIN;
		}
	default:
		return ARCH_INSN_PLAIN;
	}
}

/* A direct branch's displacement ends the instruction. */
static void fill_branch(const uint8_t *code, size_t at, struct x86_decoded *insn)
{
	const uint8_t *end = code + insn->base.size;
	bool is_short = (code[at] & 0xf0) == 0x70 || code[at] == 0xeb || (code[at] & 0xfc) == 0xe0;
	int64_t distance = is_short ? (int8_t)end[-1] : x86_read_s32(end - 4);

	insn->base.has_target = true;
	insn->base.target = insn->base.address + insn->base.size + (uint64_t)distance;
	insn->disp_size = is_short ? 1 : 4;
	insn->disp_at = insn->base.size - insn->disp_size;
}

static void fill_memory(const cs_insn *decoded, const uint8_t *code, struct x86_decoded *insn)
{
	const cs_x86 *x86 = &decoded->detail->x86;

	for (size_t i = 0; i < x86->op_count; i++) {
		const cs_x86_op *op = &x86->operands[i];

		if (op->type == X86_OP_IMM && op->size >= 4 && op->imm) {
			insn->has_absolute = true;
			insn->absolute = op->size == 4 ? (uint32_t)op->imm : (uint64_t)op->imm;
		}
		if (op->type != X86_OP_MEM)
			continue;
		if (op->mem.base == X86_REG_RSP || op->mem.base == X86_REG_ESP)
			insn->sp_memory = true;
		if (op->mem.index != X86_REG_INVALID)
			insn->has_index = true;
		if (op->mem.base == X86_REG_INVALID && op->mem.disp) {
			insn->has_absolute = true;
			insn->absolute = (uint64_t)op->mem.disp;
		}
	}
	insn->modrm_at = x86->encoding.modrm_offset;
	/* mod 00, rm 101: [rip + disp32], whatever the map that the opcode is from. */
	if (!insn->modrm_at || (code[insn->modrm_at] & 0xc7) != 0x05)
		return;
	insn->pc_relative = true;
	insn->disp_at = insn->modrm_at + 1;
	insn->disp_size = 4;
	insn->base.has_target = true;
	insn->base.target =
		insn->base.address + insn->base.size + (uint64_t)x86_read_s32(code + insn->disp_at);
}

/*
 * What Capstone 4 does not know, all with registers alone: rdssp and other hints (0f 1e), rdpkru,
 * wrpkru, serialize and kin (0f 01), incssp (f3 0f ae /5). They are plain wherever they run.
 * Returns the size, 0 when it is none of them.
 */
static size_t size_beyond_capstone(const uint8_t *code, size_t size)
{
	uint8_t rex;
	size_t at = opcode_offset(code, size < X86_MAX_INSN ? size : X86_MAX_INSN, &rex);

	if (size < at + 3 || code[at] != 0x0f || (code[at + 2] & 0xc0) != 0xc0)
		return 0;
	switch (code[at + 1]) {
	case 0x01:
	case 0x1e:
		return at + 3;
	case 0xae:
		return (code[at + 2] & 0x38) == 0x28 && has_prefix(code, at, 0xf3) ? at + 3 : 0;
	default:
		return 0;
	}
}

/* Bytes of an operand from its ModRM byte on; 0 where they are not all there. */
static size_t operand_size(const uint8_t *code, size_t size)
{
	bool memory = size && (code[0] & 0xc0) != 0xc0;
	bool sib = memory && (code[0] & 7) == 4;
	size_t length = sib ? 2 : 1;

	if (size < length)
		return 0;
	if (memory && (code[0] & 0xc0) == 0x40)
		length += 1;
	else if (memory && ((code[0] & 0xc0) == 0x80 || (code[sib] & 7) == 5))
		length += 4; /* without a base: rip, or none behind a SIB byte */
	return length <= size ? length : 0;
}

/* ud1: Capstone 4 leaves out its operand, in which clang's traps say what they found. */
static size_t ud1_size(const uint8_t *code, size_t size)
{
	uint8_t rex;
	size_t at = opcode_offset(code, size < X86_MAX_INSN ? size : X86_MAX_INSN, &rex);
	size_t operand;

	if (size < at + 3 || code[at] != 0x0f || code[at + 1] != 0xb9)
		return 0;
	operand = operand_size(code + at + 2, size - at - 2);
	return operand && at + 2 + operand <= X86_MAX_INSN ? at + 2 + operand : 0;
}

bool x86_decode(struct x86_decoder *decoder, const uint8_t *code, size_t size, uint64_t address,
		struct x86_decoded *insn)
{
	const uint8_t *next = code;
	size_t left = size, known;
	uint64_t pc = address;
	bool decoded;
	uint8_t rex;
	size_t at;

	known = ud1_size(code, size);
	decoded = !known && cs_disasm_iter(decoder->handle, &next, &left, &pc, decoder->insn);
	if (!known)
		known = decoded ? decoder->insn->size : size_beyond_capstone(code, size);
	memset(insn, 0, sizeof(*insn));
	insn->base.address = address;
	insn->base.size = (uint8_t)known;
	at = opcode_offset(code, known, &rex);
	if (at >= known)
		return false;
	insn->opcode_at = (uint8_t)at;
	insn->short_address = has_prefix(code, at, 0x67);
	insn->base.kind = kind_of(code, known, at, rex);
	switch (insn->base.kind) {
	case ARCH_INSN_JUMP:
	case ARCH_INSN_COND_JUMP:
	case ARCH_INSN_CALL:
		fill_branch(code, at, insn);
		break;
	case ARCH_INSN_PADDING: /* a long nop has a memory operand that it never looks at */
	case ARCH_INSN_ENTRY_MARK:
		break;
	default:
		if (decoded)
			fill_memory(decoder->insn, code, insn);
	}
	return true;
}

enum arch_reason x86_decode_one(const uint8_t *code, size_t size, uint64_t address,
				struct arch_insn *out)
{
	struct x86_decoder *decoder = x86_decoder_get();
	struct x86_decoded insn;
	bool decoded;

	if (!decoder)
		return ARCH_UNDECODABLE;
	decoded = x86_decode(decoder, code, size, address, &insn);
	x86_decoder_put(decoder);
	if (!decoded)
		return ARCH_UNDECODABLE;
	*out = insn.base;
	return ARCH_OK;
}

size_t x86_entry_mark_size(const uint8_t *code, size_t size)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};

	return size >= sizeof(endbr64) && memcmp(code, endbr64, sizeof(endbr64)) == 0
		       ? sizeof(endbr64)
		       : 0;
}

size_t x86_padding_size(const uint8_t *code, size_t size, uint64_t address)
{
	struct x86_decoder *decoder = x86_decoder_get();
	struct x86_decoded insn;
	size_t at = 0;

	if (!decoder)
		return 0;
	while (at < size) {
		if (code[at] == 0xcc) { /* int3 */
			at++;
			continue;
		}
		if (!x86_decode(decoder, code + at, size - at, address + at, &insn) ||
		    insn.base.kind != ARCH_INSN_PADDING)
			break;
		at += insn.base.size;
	}
	x86_decoder_put(decoder);
	return at;
}

/* Does linear decoding from a while before `start` come to an instruction at start? */
static bool is_boundary(struct x86_decoder *decoder, const uint8_t *code, size_t size, size_t start)
{
	enum { RUN_UP = 256 }; /* bytes: decoding falls into step within a few instructions */
	size_t at = start > RUN_UP ? start - RUN_UP : 0;
	struct x86_decoded insn;

	while (at < start) {
		if (!x86_decode(decoder, code + at, size - at, at, &insn))
			at++;
		else
			at += insn.base.size;
	}
	return at == start;
}

static bool find_behind(struct x86_decoder *decoder, const uint8_t *code, size_t size,
			size_t offset, size_t *behind)
{
	size_t farthest = offset < 11 ? offset : 11; /* prefixes, REX, opcode, ModRM */
	struct x86_decoded insn;
	bool found = false;

	for (size_t back = 2; back <= farthest; back++) {
		size_t start = offset - back, left;

		if (!x86_decode(decoder, code + start, size - start, start, &insn) ||
		    !insn.pc_relative || insn.disp_at != back)
			continue;
		left = insn.base.size - back - 4;
		/* Only an operand size prefix makes a longer match differ: is it one? */
		if (found && left != *behind && !is_boundary(decoder, code, size, start))
			continue;
		*behind = left;
		found = true;
	}
	return found;
}

bool x86_bytes_behind_field(const uint8_t *code, size_t size, size_t offset, size_t *behind)
{
	struct x86_decoder *decoder;
	bool found;

	/* The displacement follows its ModRM byte: mod 00, rm 101. */
	if (offset < 2 || size < offset + 4 || (code[offset - 1] & 0xc7) != 0x05)
		return false;
	decoder = x86_decoder_get();
	if (!decoder)
		return false;
	found = find_behind(decoder, code, size, offset, behind);
	x86_decoder_put(decoder);
	return found;
}
