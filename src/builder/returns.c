/* SPDX-License-Identifier: MIT */
/*
 * First one pass over the instructions: most functions have a return. Where there is none, the flow
 * from the entry is followed: a function without a cycle ends somehow, by a call that does not
 * return.
 */
#include "returns.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* How deep functions are looked into for whether they return. */
enum { CALL_DEPTH = 3 };

static bool inside(uint64_t target, uint64_t address, uint64_t size)
{
	return target >= address && target - address < size;
}

/* Is the callee one of these, imported or the binary's own? */
static bool is_one_of(const struct binary *binary, uint64_t target, const char *const *names,
		      size_t count)
{
	const struct binary_slot *slot = binary_stub(binary, target);

	for (size_t i = 0; i < count; i++)
		if ((slot && slot->symbol && strcmp(slot->symbol->name, names[i]) == 0) ||
		    binary_symbol_is(binary, names[i], target))
			return true;
	return false;
}

/* A call that ends the process or the thread in the ordinary course; abort() is a failure's. */
static bool ends(const struct binary *binary, uint64_t target)
{
	static const char *const names[] = {"exit",	  "_exit",	  "_Exit",
					    "quick_exit", "pthread_exit", "thrd_exit"};

	return is_one_of(binary, target, names, sizeof(names) / sizeof(names[0]));
}

/* A call that goes back to an earlier frame: a way out like a return. */
static bool jumps_back(const struct binary *binary, uint64_t target)
{
	static const char *const names[] = {"longjmp", "_longjmp", "siglongjmp", "__longjmp_chk"};

	return is_one_of(binary, target, names, sizeof(names) / sizeof(names[0]));
}

/* A call that does not come back here: it ends something, fails, or goes elsewhere. */
static bool leaves(const struct binary *binary, uint64_t target)
{
	static const char *const names[] = {
		"abort",	 "__cxa_throw",	    "__cxa_rethrow",	"_Unwind_Resume",
		"__assert_fail", "_ZSt9terminatev", "__stack_chk_fail", "__chk_fail"};

	return ends(binary, target) || jumps_back(binary, target) ||
	       is_one_of(binary, target, names, sizeof(names) / sizeof(names[0]));
}

static bool decode(const struct binary *binary, const uint8_t *code, uint64_t address,
		   uint64_t size, uint64_t at, struct arch_insn *insn)
{
	return binary->arch->decode(code + at, size - at, address + at, insn) == ARCH_OK &&
	       insn->size > 0;
}

static const struct binary_symbol *function_at(const struct binary *binary, uint64_t address)
{
	for (size_t i = 0; i < binary->by_address_count; i++) {
		const struct binary_symbol *symbol = binary->by_address[i];

		if (symbol->address == address && symbol->size > 0 && symbol->type == STT_FUNC)
			return symbol;
	}
	return NULL;
}

/* Has the function neither a return nor a jump elsewhere? Then *back says whether it jumps back. */
static bool is_dead_end(const struct binary *binary, uint64_t target, int depth, bool *back)
{
	const struct binary_symbol *function = function_at(binary, target);
	const uint8_t *code =
		function ? binary_bytes(binary, function->address, function->size) : NULL;
	bool jumps = jumps_back(binary, target);

	for (uint64_t at = 0; code && at < function->size && !leaves(binary, target);) {
		struct arch_insn insn;
		bool elsewhere, ends_there = false, inner = false;

		if (!decode(binary, code, target, function->size, at, &insn) ||
		    insn.kind == ARCH_INSN_RETURN || insn.kind == ARCH_INSN_INDIRECT_JUMP)
			return false;
		elsewhere = (insn.kind == ARCH_INSN_JUMP || insn.kind == ARCH_INSN_COND_JUMP) &&
			    !(insn.has_target && inside(insn.target, target, function->size));
		if (insn.has_target && depth && (elsewhere || insn.kind == ARCH_INSN_CALL))
			ends_there = is_dead_end(binary, insn.target, depth - 1, &inner);
		if (elsewhere && !ends_there)
			return false;
		jumps |= ends_there && inner;
		at += insn.size;
	}
	*back |= jumps;
	return code || leaves(binary, target);
}

enum mark { MARK_NEW, MARK_OPEN, MARK_DONE };

/* A walk over a function's flow. */
struct flow {
	const struct binary *binary;
	const uint8_t *code;
	uint64_t address;
	uint64_t size;
	bool back;	 /* a way back to an earlier frame was seen */
	uint8_t *marks;	 /* by offset: enum mark */
	uint64_t *stack; /* of offsets that are open, or to be */
	size_t depth;
};

static void push(struct flow *flow, uint64_t target, bool *cycle)
{
	uint64_t at = target - flow->address;

	if (!inside(target, flow->address, flow->size))
		return;
	*cycle |= flow->marks[at] == MARK_OPEN;
	if (flow->marks[at] == MARK_NEW)
		flow->stack[flow->depth++] = at;
}

/* Opens what stands at an offset: where does it lead? */
static void open_at(struct flow *flow, uint64_t at, bool *cycle)
{
	struct arch_insn insn;

	flow->marks[at] = MARK_OPEN;
	if (!decode(flow->binary, flow->code, flow->address, flow->size, at, &insn))
		return;
	if (insn.has_target && (insn.kind == ARCH_INSN_JUMP || insn.kind == ARCH_INSN_COND_JUMP))
		push(flow, insn.target, cycle);
	if (insn.kind != ARCH_INSN_JUMP && insn.kind != ARCH_INSN_TRAP &&
	    !(insn.kind == ARCH_INSN_CALL && insn.has_target &&
	      is_dead_end(flow->binary, insn.target, CALL_DEPTH, &flow->back)))
		push(flow, flow->address + at + insn.size, cycle);
}

/* Does the flow from the entry go round without a way back? True where memory is short. */
static bool goes_round(const struct binary *binary, const uint8_t *code, uint64_t address,
		       uint64_t size)
{
	struct flow flow = {.binary = binary, .code = code, .address = address, .size = size};
	bool cycle = false;

	flow.marks = calloc(size, sizeof(*flow.marks));
	/* Each offset is opened once, and pushes two at most. */
	flow.stack = calloc(2 * size + 1, sizeof(*flow.stack));
	if (!flow.marks || !flow.stack)
		cycle = true;
	else
		flow.stack[flow.depth++] = 0;
	while (flow.depth && flow.marks && flow.stack) {
		uint64_t at = flow.stack[flow.depth - 1];

		if (flow.marks[at] == MARK_NEW) {
			open_at(&flow, at, &cycle);
		} else {
			flow.marks[at] = MARK_DONE;
			flow.depth--;
		}
	}
	free(flow.marks);
	free(flow.stack);
	return cycle && !flow.back;
}

enum returns returns_of(const struct binary *binary, uint64_t address, uint64_t size, uint64_t cold,
			uint64_t cold_size)
{
	const uint8_t *code = binary_bytes(binary, address, size);
	bool loops = false, exits = false;
	uint64_t at = 0;

	while (code && at < size) {
		struct arch_insn insn;

		if (!decode(binary, code, address, size, at, &insn))
			return RETURNS_MAYBE;
		switch (insn.kind) {
		case ARCH_INSN_RETURN:
		case ARCH_INSN_INDIRECT_JUMP:
			return RETURNS_MAYBE;
		case ARCH_INSN_JUMP:
		case ARCH_INSN_COND_JUMP:
			if (!insn.has_target)
				return RETURNS_MAYBE;
			if (inside(insn.target, address, size))
				loops |= insn.target <= address + at;
			else if (!inside(insn.target, cold, cold_size))
				return RETURNS_MAYBE;
			break;
		case ARCH_INSN_CALL:
			exits |= insn.has_target && ends(binary, insn.target);
			break;
		default:
			break;
		}
		at += insn.size;
	}
	/* A cold part may lead back: what goes there is taken for a part of the loop. */
	if (!loops || (!cold_size && !goes_round(binary, code, address, size)))
		return RETURNS_MAYBE;
	return exits ? RETURNS_BY_EXIT : RETURNS_NEVER;
}
