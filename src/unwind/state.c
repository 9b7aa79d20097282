/* SPDX-License-Identifier: MIT */
/*
 * The interpreter of CFI instructions. An instruction that it does not know makes the whole
 * function unknown: skipping it would be a guess. Plan only.
 */
#include "unwind/state.h"

#include <string.h>

enum { REMEMBER_DEPTH = 16 };

enum {
	CFA_ADVANCE_LOC = 0x40, /* high two bits, operand in the low six */
	CFA_OFFSET = 0x80,
	CFA_RESTORE = 0xc0,
	CFA_NOP = 0x00,
	CFA_SET_LOC = 0x01,
	CFA_ADVANCE_LOC1 = 0x02,
	CFA_ADVANCE_LOC2 = 0x03,
	CFA_ADVANCE_LOC4 = 0x04,
	CFA_OFFSET_EXTENDED = 0x05,
	CFA_RESTORE_EXTENDED = 0x06,
	CFA_UNDEFINED = 0x07,
	CFA_SAME_VALUE = 0x08,
	CFA_REGISTER = 0x09,
	CFA_REMEMBER_STATE = 0x0a,
	CFA_RESTORE_STATE = 0x0b,
	CFA_DEF_CFA = 0x0c,
	CFA_DEF_CFA_REGISTER = 0x0d,
	CFA_DEF_CFA_OFFSET = 0x0e,
	CFA_DEF_CFA_EXPRESSION = 0x0f,
	CFA_EXPRESSION = 0x10,
	CFA_OFFSET_EXTENDED_SF = 0x11,
	CFA_DEF_CFA_SF = 0x12,
	CFA_DEF_CFA_OFFSET_SF = 0x13,
	CFA_VAL_OFFSET = 0x14,
	CFA_VAL_OFFSET_SF = 0x15,
	CFA_VAL_EXPRESSION = 0x16,
	CFA_GNU_ARGS_SIZE = 0x2e,
	CFA_GNU_NEGATIVE_OFFSET_EXTENDED = 0x2f,
};

struct run {
	const struct frame_data *data;
	const struct frame_cie *cie;
	const struct cfi_state *initial;
	struct cfi_sink *sink;
	struct reader reader;
	uintptr_t location;
	uintptr_t stop;
	struct cfi_state *state;
	struct cfi_state remembered[REMEMBER_DEPTH];
	unsigned remembered_count;
	struct unwind_rule ignored;
};

static bool advance(struct run *run, uintptr_t to)
{
	if (to < run->location || to > run->stop)
		return false;
	if (to == run->location)
		return true;
	if (!run->sink->row(run->sink, run->location, run->state))
		return false;
	run->location = to;
	return true;
}

static bool advance_by(struct run *run, uint64_t delta)
{
	uint64_t bytes;

	if (__builtin_mul_overflow(delta, run->cie->code_align, &bytes) ||
	    bytes > run->stop - run->location)
		return false;
	return advance(run, run->location + bytes);
}

/* Registers that nobody follows (vector ones) have no place in the state: their rules go here. */
static struct unwind_rule *slot(struct run *run, uint64_t reg)
{
	return reg < ARCH_MAX_REGISTERS ? &run->state->regs[reg] : &run->ignored;
}

static bool fits(int64_t value)
{
	return value >= INT32_MIN && value <= INT32_MAX;
}

static bool set_offset(struct run *run, uint64_t reg, enum rule_kind kind, int64_t factored)
{
	int64_t value;

	if (__builtin_mul_overflow(factored, run->cie->data_align, &value) || !fits(value))
		return false;
	*slot(run, reg) = (struct unwind_rule){.kind = (uint8_t)kind, .value = (int32_t)value};
	return true;
}

static bool set_expression(struct run *run, struct unwind_rule *rule, enum rule_kind kind)
{
	uint64_t size = reader_uleb(&run->reader);
	const uint8_t *bytes = reader_bytes(&run->reader, size);
	int32_t position;

	if (!bytes)
		return false;
	position = run->sink->expression(run->sink, bytes, size);
	if (position < 0)
		return false;
	*rule = (struct unwind_rule){.kind = (uint8_t)kind, .value = position};
	return true;
}

static bool set_cfa(struct run *run, uint64_t reg, int64_t value)
{
	if (reg >= ARCH_MAX_REGISTERS || !fits(value))
		return false;
	run->state->cfa = (struct unwind_rule){
		.kind = RULE_CFA_REGISTER, .source = (uint8_t)reg, .value = (int32_t)value};
	return true;
}

static bool set_cfa_offset(struct run *run, int64_t value)
{
	return run->state->cfa.kind == RULE_CFA_REGISTER &&
	       set_cfa(run, run->state->cfa.source, value);
}

static bool restore(struct run *run, uint64_t reg)
{
	if (!run->initial)
		return false;
	if (reg < ARCH_MAX_REGISTERS)
		run->state->regs[reg] = run->initial->regs[reg];
	return true;
}

static int64_t factored(const struct run *run, int64_t value)
{
	int64_t result;

	return __builtin_mul_overflow(value, run->cie->data_align, &result) ? INT64_MAX : result;
}

/* DW_CFA_def_cfa and everything else about the frame address. */
static bool step_cfa(struct run *run, uint8_t op)
{
	struct reader *in = &run->reader;
	uint64_t reg;

	switch (op) {
	case CFA_DEF_CFA:
		reg = reader_uleb(in);
		return set_cfa(run, reg, (int64_t)reader_uleb(in));
	case CFA_DEF_CFA_SF:
		reg = reader_uleb(in);
		return set_cfa(run, reg, factored(run, reader_sleb(in)));
	case CFA_DEF_CFA_REGISTER:
		return run->state->cfa.kind == RULE_CFA_REGISTER &&
		       set_cfa(run, reader_uleb(in), run->state->cfa.value);
	case CFA_DEF_CFA_OFFSET:
		return set_cfa_offset(run, (int64_t)reader_uleb(in));
	case CFA_DEF_CFA_OFFSET_SF:
		return set_cfa_offset(run, factored(run, reader_sleb(in)));
	default:
		return set_expression(run, &run->state->cfa, RULE_CFA_EXPRESSION);
	}
}

static bool step_register(struct run *run, uint8_t op)
{
	struct reader *in = &run->reader;
	uint64_t reg = reader_uleb(in), source;

	switch (op) {
	case CFA_OFFSET_EXTENDED:
		return set_offset(run, reg, RULE_SAVED, (int64_t)reader_uleb(in));
	case CFA_OFFSET_EXTENDED_SF:
		return set_offset(run, reg, RULE_SAVED, reader_sleb(in));
	case CFA_GNU_NEGATIVE_OFFSET_EXTENDED:
		return set_offset(run, reg, RULE_SAVED, -(int64_t)reader_uleb(in));
	case CFA_VAL_OFFSET:
		return set_offset(run, reg, RULE_CFA_PLUS, (int64_t)reader_uleb(in));
	case CFA_VAL_OFFSET_SF:
		return set_offset(run, reg, RULE_CFA_PLUS, reader_sleb(in));
	case CFA_RESTORE_EXTENDED:
		return restore(run, reg);
	case CFA_UNDEFINED:
		*slot(run, reg) = (struct unwind_rule){.kind = RULE_UNDEFINED};
		return true;
	case CFA_SAME_VALUE:
		*slot(run, reg) = (struct unwind_rule){.kind = RULE_SAME};
		return true;
	case CFA_REGISTER:
		source = reader_uleb(in);
		if (source >= ARCH_MAX_REGISTERS)
			return false;
		*slot(run, reg) =
			(struct unwind_rule){.kind = RULE_REGISTER, .source = (uint8_t)source};
		return true;
	case CFA_EXPRESSION:
		return set_expression(run, slot(run, reg), RULE_SAVED_AT);
	default:
		return set_expression(run, slot(run, reg), RULE_EXPRESSION);
	}
}

static bool step(struct run *run)
{
	struct reader *in = &run->reader;
	uint8_t op = reader_u8(in);
	uintptr_t address;

	switch (op & 0xc0) {
	case CFA_ADVANCE_LOC:
		return advance_by(run, op & 0x3f);
	case CFA_OFFSET:
		return set_offset(run, op & 0x3f, RULE_SAVED, (int64_t)reader_uleb(in));
	case CFA_RESTORE:
		return restore(run, op & 0x3f);
	default:
		break;
	}
	switch (op) {
	case CFA_NOP:
		return true;
	case CFA_SET_LOC:
		return frame_pointer(run->data, in, run->cie->fde_encoding, 0, &address) &&
		       advance(run, address);
	case CFA_ADVANCE_LOC1:
		return advance_by(run, reader_u8(in));
	case CFA_ADVANCE_LOC2:
		return advance_by(run, reader_u16(in));
	case CFA_ADVANCE_LOC4:
		return advance_by(run, reader_u32(in));
	case CFA_REMEMBER_STATE:
		if (run->remembered_count == REMEMBER_DEPTH)
			return false;
		run->remembered[run->remembered_count++] = *run->state;
		return true;
	case CFA_RESTORE_STATE:
		if (run->remembered_count == 0)
			return false;
		*run->state = run->remembered[--run->remembered_count];
		return true;
	case CFA_DEF_CFA:
	case CFA_DEF_CFA_SF:
	case CFA_DEF_CFA_REGISTER:
	case CFA_DEF_CFA_OFFSET:
	case CFA_DEF_CFA_OFFSET_SF:
	case CFA_DEF_CFA_EXPRESSION:
		return step_cfa(run, op);
	case CFA_OFFSET_EXTENDED:
	case CFA_OFFSET_EXTENDED_SF:
	case CFA_GNU_NEGATIVE_OFFSET_EXTENDED:
	case CFA_VAL_OFFSET:
	case CFA_VAL_OFFSET_SF:
	case CFA_RESTORE_EXTENDED:
	case CFA_UNDEFINED:
	case CFA_SAME_VALUE:
	case CFA_REGISTER:
	case CFA_EXPRESSION:
	case CFA_VAL_EXPRESSION:
		return step_register(run, op);
	case CFA_GNU_ARGS_SIZE:
		reader_uleb(in); /* for exceptions; the frame address does not depend on it */
		return true;
	default:
		return false;
	}
}

bool cfi_run(const struct frame_data *data, const struct frame_cie *cie, size_t program, size_t end,
	     uintptr_t stop, const struct cfi_state *initial, struct cfi_sink *sink,
	     struct cfi_state *state, uintptr_t *location)
{
	struct run run;

	run.data = data;
	run.cie = cie;
	run.initial = initial;
	run.sink = sink;
	run.reader = frame_reader(data, program, end);
	run.location = *location;
	run.stop = stop;
	run.state = state;
	run.remembered_count = 0;
	while (reader_left(&run.reader))
		if (!step(&run) || run.reader.failed)
			return false;
	*location = run.location;
	return !run.reader.failed;
}
