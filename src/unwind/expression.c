/* SPDX-License-Identifier: MIT */
/*
 * DWARF expressions as CFI uses them: frame addresses of PLT entries and realigned stacks, places
 * of registers in signal frames. Bounded in stack and steps, so that it ends whatever the bytes
 * say. Any thread, also stopped: the reader only looks at the bytes of our own copy.
 */
#include "unwind/rows.h"

#include "base/reader.h"

#include <string.h>

enum { STACK = 24, MAX_STEPS = 512 };

enum {
	OP_DEREF = 0x06,
	OP_CONST1U = 0x08,
	OP_CONST1S = 0x09,
	OP_CONST2U = 0x0a,
	OP_CONST2S = 0x0b,
	OP_CONST4U = 0x0c,
	OP_CONST4S = 0x0d,
	OP_CONST8U = 0x0e,
	OP_CONST8S = 0x0f,
	OP_CONSTU = 0x10,
	OP_CONSTS = 0x11,
	OP_DUP = 0x12,
	OP_DROP = 0x13,
	OP_OVER = 0x14,
	OP_PICK = 0x15,
	OP_SWAP = 0x16,
	OP_ROT = 0x17,
	OP_ABS = 0x19,
	OP_AND = 0x1a,
	OP_MINUS = 0x1c,
	OP_MUL = 0x1e,
	OP_NEG = 0x1f,
	OP_NOT = 0x20,
	OP_OR = 0x21,
	OP_PLUS = 0x22,
	OP_PLUS_UCONST = 0x23,
	OP_SHL = 0x24,
	OP_SHR = 0x25,
	OP_SHRA = 0x26,
	OP_XOR = 0x27,
	OP_BRA = 0x28,
	OP_EQ = 0x29,
	OP_GE = 0x2a,
	OP_GT = 0x2b,
	OP_LE = 0x2c,
	OP_LT = 0x2d,
	OP_NE = 0x2e,
	OP_SKIP = 0x2f,
	OP_LIT0 = 0x30,
	OP_LIT31 = 0x4f,
	OP_BREG0 = 0x70,
	OP_BREG31 = 0x8f,
	OP_BREGX = 0x92,
	OP_DEREF_SIZE = 0x94,
	OP_NOP = 0x96,
};

struct machine {
	struct reader reader;
	struct unwind_memory *memory;
	const struct arch_regs *regs;
	uint64_t stack[STACK];
	unsigned depth;
	bool bad;
	bool needs_register;
};

static void push(struct machine *machine, uint64_t value)
{
	if (machine->depth == STACK)
		machine->bad = true;
	else
		machine->stack[machine->depth++] = value;
}

static uint64_t pop(struct machine *machine)
{
	if (machine->depth == 0) {
		machine->bad = true;
		return 0;
	}
	return machine->stack[--machine->depth];
}

static uint64_t pick(struct machine *machine, unsigned index)
{
	if (index >= machine->depth) {
		machine->bad = true;
		return 0;
	}
	return machine->stack[machine->depth - 1 - index];
}

static void push_register(struct machine *machine, uint64_t reg)
{
	int64_t offset = reader_sleb(&machine->reader);

	if (reg >= ARCH_MAX_REGISTERS || !(machine->regs->known >> reg & 1)) {
		machine->needs_register = true;
		return;
	}
	push(machine, machine->regs->value[reg] + (uint64_t)offset);
}

static void deref(struct machine *machine, unsigned size)
{
	uint64_t address = pop(machine), value = 0;

	if (machine->bad || size == 0 || size > sizeof(value) ||
	    !unwind_memory_read_stopped(machine->memory, address, &value, size))
		machine->bad = true;
	push(machine, value);
}

static void jump(struct machine *machine, int16_t distance)
{
	int64_t to = (int64_t)machine->reader.pos + distance;

	if (to < 0)
		machine->bad = true;
	else
		reader_seek(&machine->reader, (size_t)to);
}

static void binary(struct machine *machine, uint8_t op)
{
	uint64_t b = pop(machine), a = pop(machine);
	int64_t sa = (int64_t)a, sb = (int64_t)b;

	switch (op) {
	case OP_AND:
		push(machine, a & b);
		break;
	case OP_MINUS:
		push(machine, a - b);
		break;
	case OP_MUL:
		push(machine, a * b);
		break;
	case OP_OR:
		push(machine, a | b);
		break;
	case OP_PLUS:
		push(machine, a + b);
		break;
	case OP_SHL:
		push(machine, b < 64 ? a << b : 0);
		break;
	case OP_SHR:
		push(machine, b < 64 ? a >> b : 0);
		break;
	case OP_SHRA:
		push(machine, (uint64_t)(sa >> (b < 64 ? b : 63)));
		break;
	case OP_XOR:
		push(machine, a ^ b);
		break;
	case OP_EQ:
		push(machine, sa == sb);
		break;
	case OP_GE:
		push(machine, sa >= sb);
		break;
	case OP_GT:
		push(machine, sa > sb);
		break;
	case OP_LE:
		push(machine, sa <= sb);
		break;
	case OP_LT:
		push(machine, sa < sb);
		break;
	case OP_NE:
		push(machine, sa != sb);
		break;
	default:
		machine->bad = true;
	}
}

static bool constant(struct machine *machine, uint8_t op)
{
	struct reader *in = &machine->reader;

	switch (op) {
	case OP_CONST1U:
		push(machine, reader_u8(in));
		return true;
	case OP_CONST1S:
		push(machine, (uint64_t)(int64_t)(int8_t)reader_u8(in));
		return true;
	case OP_CONST2U:
		push(machine, reader_u16(in));
		return true;
	case OP_CONST2S:
		push(machine, (uint64_t)(int64_t)(int16_t)reader_u16(in));
		return true;
	case OP_CONST4U:
		push(machine, reader_u32(in));
		return true;
	case OP_CONST4S:
		push(machine, (uint64_t)(int64_t)(int32_t)reader_u32(in));
		return true;
	case OP_CONST8U:
	case OP_CONST8S:
		push(machine, reader_u64(in));
		return true;
	case OP_CONSTU:
		push(machine, reader_uleb(in));
		return true;
	case OP_CONSTS:
		push(machine, (uint64_t)reader_sleb(in));
		return true;
	default:
		return false;
	}
}

/* Operations on the stack's top that are neither constants nor binary. */
static bool shuffle(struct machine *machine, uint8_t op)
{
	uint64_t a, b, c;

	switch (op) {
	case OP_DUP:
		push(machine, pick(machine, 0));
		return true;
	case OP_DROP:
		pop(machine);
		return true;
	case OP_OVER:
		push(machine, pick(machine, 1));
		return true;
	case OP_PICK:
		push(machine, pick(machine, reader_u8(&machine->reader)));
		return true;
	case OP_SWAP:
		a = pop(machine);
		b = pop(machine);
		push(machine, a);
		push(machine, b);
		return true;
	case OP_ROT: /* the top goes third */
		a = pop(machine);
		b = pop(machine);
		c = pop(machine);
		push(machine, a);
		push(machine, c);
		push(machine, b);
		return true;
	case OP_ABS:
		a = pop(machine);
		push(machine, (int64_t)a < 0 ? 0 - a : a);
		return true;
	case OP_NEG:
		push(machine, 0 - pop(machine));
		return true;
	case OP_NOT:
		push(machine, ~pop(machine));
		return true;
	case OP_PLUS_UCONST:
		a = pop(machine);
		push(machine, a + reader_uleb(&machine->reader));
		return true;
	default:
		return false;
	}
}

static void step(struct machine *machine)
{
	uint8_t op = reader_u8(&machine->reader);
	int16_t distance;

	if (op >= OP_LIT0 && op <= OP_LIT31) {
		push(machine, op - OP_LIT0);
		return;
	}
	if (op >= OP_BREG0 && op <= OP_BREG31) {
		push_register(machine, op - OP_BREG0);
		return;
	}
	if (constant(machine, op) || shuffle(machine, op))
		return;
	switch (op) {
	case OP_NOP:
		return;
	case OP_BREGX:
		push_register(machine, reader_uleb(&machine->reader));
		return;
	case OP_DEREF:
		deref(machine, 8);
		return;
	case OP_DEREF_SIZE:
		deref(machine, reader_u8(&machine->reader));
		return;
	case OP_SKIP:
		jump(machine, (int16_t)reader_u16(&machine->reader));
		return;
	case OP_BRA:
		distance = (int16_t)reader_u16(&machine->reader);
		if (pop(machine))
			jump(machine, distance);
		return;
	default:
		binary(machine, op);
	}
}

enum unwind_step unwind_expression_stopped(const struct unwind_rows *rows, size_t position,
					   struct unwind_memory *memory,
					   const struct arch_regs *regs, const uint64_t *initial,
					   uint64_t *result)
{
	struct machine machine;
	uint16_t size;

	machine.memory = memory;
	machine.regs = regs;
	machine.depth = 0;
	machine.bad = machine.needs_register = false;
	memcpy(&size, rows->expressions + position, sizeof(size));
	reader_init(&machine.reader, rows->expressions + position + sizeof(size), size, "CFI");
	if (initial)
		push(&machine, *initial);
	for (unsigned steps = 0; reader_left(&machine.reader); steps++) {
		step(&machine);
		if (machine.needs_register)
			return UNWIND_NEEDS_REGISTER;
		if (machine.bad || machine.reader.failed || steps == MAX_STEPS)
			return UNWIND_UNKNOWN;
	}
	*result = pop(&machine);
	return machine.bad || machine.reader.failed ? UNWIND_UNKNOWN : UNWIND_FRAME;
}
