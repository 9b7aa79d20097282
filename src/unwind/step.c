/* SPDX-License-Identifier: MIT */
/*
 * One frame outwards. Reads rows that a plan made and a copy of the stack; no lock, no allocation,
 * no libc but memcpy. Any thread, also while others are stopped.
 */
#include "unwind/rows.h"

enum {
	/* CFAs rise from frame to frame, but for changes of stack: signal handlers on an alternate
	 * one, code that switches by hand. More of these is a loop. */
	MAX_DESCENT = 64,
};

void unwind_start_stopped(struct unwind_cursor *cursor, const struct arch_regs *regs)
{
	cursor->regs = *regs;
	cursor->exact = true;
	cursor->depth = 0;
	cursor->descent = 0;
	cursor->cfa = 0;
}

static const struct unwind_rows *find_object(const struct unwind_table *table, uintptr_t pc)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pc >= table->objects[middle]->end)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < table->count && pc >= table->objects[low]->start)
		return table->objects[low];
	return NULL;
}

static const struct unwind_moved *find_moved(const struct unwind_table *table, uintptr_t pc)
{
	size_t low = 0, high = table->moved_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pc >= table->moved[middle].end)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < table->moved_count && pc >= table->moved[low].start)
		return &table->moved[low];
	return NULL;
}

static const struct unwind_rule *find_rules(const struct unwind_rows *rows, uintptr_t pc)
{
	uint32_t offset = (uint32_t)(pc - rows->start);
	size_t low = 0, high = rows->row_count;

	/* The last row that does not begin behind pc. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rows->rows[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || rows->rows[low - 1].rules == ROWS_UNKNOWN)
		return NULL;
	return &rows->rules[rows->rows[low - 1].rules];
}

static bool is_known(const struct arch_regs *regs, unsigned reg)
{
	return regs->known >> reg & 1;
}

static void set_register(struct arch_regs *regs, unsigned reg, uint64_t value)
{
	regs->value[reg] = value;
	regs->known |= UINT64_C(1) << reg;
}

static enum unwind_step frame_address(const struct unwind_rows *rows,
				      const struct unwind_rule *head, struct unwind_memory *memory,
				      const struct arch_regs *regs, uint64_t *cfa)
{
	if (head->kind == RULE_CFA_EXPRESSION)
		return unwind_expression_stopped(rows, (size_t)head->value, memory, regs, NULL,
						 cfa);
	if (!is_known(regs, head->source))
		return UNWIND_NEEDS_REGISTER;
	*cfa = regs->value[head->source] + (uint64_t)(int64_t)head->value;
	return UNWIND_FRAME;
}

/* What target was in the caller, from the callee's registers. UNWIND_END: undefined. */
static enum unwind_step restore(const struct unwind_rows *rows, const struct unwind_rule *rule,
				struct unwind_memory *memory, const struct arch_regs *callee,
				uint64_t cfa, uint64_t *value)
{
	uintptr_t low = callee->value[arch_native()->dwarf_sp];
	enum unwind_step step;

	switch ((enum rule_kind)rule->kind) {
	case RULE_SAVED:
		return unwind_memory_word_stopped(memory, cfa + (uint64_t)(int64_t)rule->value, low,
						  value)
			       ? UNWIND_FRAME
			       : UNWIND_UNKNOWN;
	case RULE_CFA_PLUS:
		*value = cfa + (uint64_t)(int64_t)rule->value;
		return UNWIND_FRAME;
	case RULE_REGISTER:
		*value = callee->value[rule->source];
		return is_known(callee, rule->source) ? UNWIND_FRAME : UNWIND_NEEDS_REGISTER;
	case RULE_SAVED_AT:
	case RULE_EXPRESSION:
		step = unwind_expression_stopped(rows, (size_t)rule->value, memory, callee, &cfa,
						 value);
		if (step != UNWIND_FRAME || rule->kind == RULE_EXPRESSION)
			return step;
		return unwind_memory_word_stopped(memory, *value, low, value) ? UNWIND_FRAME
									      : UNWIND_UNKNOWN;
	default:
		return UNWIND_END;
	}
}

static enum unwind_step step_out_stopped(const struct unwind_table *table,
					 struct unwind_memory *memory, struct unwind_cursor *cursor)
{
	const struct arch_ops *arch = arch_native();
	const struct arch_regs *callee = &cursor->regs;
	uintptr_t pc = unwind_lookup_pc(cursor);
	const struct unwind_rows *rows = find_object(table, pc);
	const struct unwind_rule *head = rows ? find_rules(rows, pc) : NULL;
	struct arch_regs caller;
	enum unwind_step step;
	bool descends, has_sp = false;
	uint64_t cfa, value;

	if (!head)
		return UNWIND_UNKNOWN;
	/* Before the frame address: the outermost frame's need not make sense. */
	for (unsigned i = 1; i <= head->target; i++)
		if (head[i].target == arch->dwarf_return && head[i].kind == RULE_UNDEFINED)
			return UNWIND_END;
	step = frame_address(rows, head, memory, callee, &cfa);
	if (step != UNWIND_FRAME)
		return step;

	caller = *callee;
	for (unsigned i = 1; i <= head->target; i++) {
		unsigned target = head[i].target;

		step = restore(rows, &head[i], memory, callee, cfa, &value);
		if (step == UNWIND_FRAME) {
			set_register(&caller, target, value);
			has_sp |= target == arch->dwarf_sp;
		} else if (step == UNWIND_UNKNOWN || target == arch->dwarf_return) {
			return step;
		} else {
			/* A register that nobody may need; who needs it will say so. */
			caller.known &= ~(UINT64_C(1) << target);
		}
	}
	if (!has_sp)
		set_register(&caller, arch->dwarf_sp, cfa);
	if (!is_known(&caller, arch->dwarf_return))
		return UNWIND_NEEDS_REGISTER;
	caller.pc = caller.value[arch->dwarf_return];
	if (caller.pc == 0)
		return UNWIND_END;
	/* The call that made this frame has overwritten the register with its own return address.
	 */
	if (!(head->flags & RULES_SIGNAL_FRAME))
		caller.known &= ~(UINT64_C(1) << arch->dwarf_return);

	/* The first frame of all may be a leaf whose CFA is anything; from then on CFAs rise. */
	descends = cursor->depth > 0 && cfa <= cursor->cfa;
	if (descends && cursor->descent == MAX_DESCENT)
		return UNWIND_UNKNOWN;
	if (caller.pc == callee->pc && cfa == cursor->cfa)
		return UNWIND_UNKNOWN;
	cursor->regs = caller;
	cursor->exact = head->flags & RULES_SIGNAL_FRAME;
	cursor->descent += descends;
	cursor->depth++;
	cursor->cfa = cfa;
	return UNWIND_FRAME;
}

enum unwind_step unwind_step_stopped(const struct unwind_table *table, struct unwind_memory *memory,
				     struct unwind_cursor *cursor)
{
	const unsigned sp = arch_native()->dwarf_sp;
	const struct unwind_moved *moved =
		cursor->exact ? find_moved(table, (uintptr_t)cursor->regs.pc) : NULL;
	struct unwind_cursor there;
	enum unwind_step step;

	if (!moved)
		return step_out_stopped(table, memory, cursor);
	/* As if the thread stood at the instruction that this is a copy of. */
	there = *cursor;
	there.regs.pc = moved->old;
	there.regs.value[sp] += moved->pushed;
	step = step_out_stopped(table, memory, &there);
	if (step == UNWIND_FRAME)
		*cursor = there;
	return step;
}
