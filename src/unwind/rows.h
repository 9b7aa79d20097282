/* SPDX-License-Identifier: MIT */
/*
 * What the compiled form of an object's CFI looks like; internal to src/unwind.
 *
 *	rows:   {offset, rules}    sorted; a row is valid up to the next one's offset
 *	           │
 *	rules:  [head: CFA][rule][rule]  [head: CFA][rule] …   equal sets are stored once
 *	                     │
 *	expressions:  {size, bytes} …                          copies: nothing points into the
 * object
 */
#ifndef UNWIND_ROWS_H
#define UNWIND_ROWS_H

#include "unwind/unwind.h"

enum rule_kind {
	RULE_SAME,	     /* not stored */
	RULE_UNDEFINED,	     /* of the return address: outermost frame */
	RULE_SAVED,	     /* saved at CFA + value */
	RULE_CFA_PLUS,	     /* is CFA + value */
	RULE_REGISTER,	     /* is register source */
	RULE_SAVED_AT,	     /* saved at the address that the expression gives */
	RULE_EXPRESSION,     /* is what the expression gives */
	RULE_CFA_REGISTER,   /* head only: CFA is register source + value */
	RULE_CFA_EXPRESSION, /* head only */
	RULE_INVALID,	     /* while compiling: no CFA rule yet */
};

enum { RULES_SIGNAL_FRAME = 1 };

struct unwind_rule {
	uint8_t kind;	/* enum rule_kind */
	uint8_t target; /* register; in a head: how many rules follow */
	uint8_t source;
	uint8_t flags; /* head only */
	int32_t value; /* offset, or position in expressions */
};

#define ROWS_UNKNOWN UINT32_MAX

struct unwind_row {
	uint32_t offset; /* from the object's start */
	uint32_t rules;	 /* index of a head, or ROWS_UNKNOWN */
};

/* Of one object; shared by tables. */
struct unwind_rows {
	unsigned users; /* tables that hold it; changed by the planning thread only */
	uintptr_t start;
	uintptr_t end;
	uintptr_t eh_frame_hdr; /* with eh_frame and fingerprint: is it the same object still? */
	uintptr_t eh_frame;
	uint64_t fingerprint;
	struct unwind_row *rows;
	size_t row_count;
	struct unwind_rule *rules;
	size_t rule_count;
	uint8_t *expressions;
	size_t expressions_size;
	size_t unknown; /* FDEs not understood */
};

struct unwind_table {
	struct unwind_rows **objects; /* by rising start */
	size_t count;
	size_t reused;
	const struct unwind_moved *moved; /* borrowed */
	size_t moved_count;
};

/* Compiles one object. Always gives rows (possibly none) unless memory is short. */
int unwind_compile(const struct unwind_object *object, struct unwind_rows **out,
		   struct suture_error *err);
void unwind_rows_destroy(struct unwind_rows *rows);

/* ---- stopped -------------------------------------------------------------------------------- */

/*
 * Runs the expression at position in rows->expressions with regs; if initial is not NULL its value
 * is pushed first. UNWIND_FRAME and *result, or UNWIND_UNKNOWN, or UNWIND_NEEDS_REGISTER.
 */
enum unwind_step unwind_expression_stopped(const struct unwind_rows *rows, size_t position,
					   struct unwind_memory *memory,
					   const struct arch_regs *regs, const uint64_t *initial,
					   uint64_t *result);

/* One word; low is an address below which the copy need not begin (the stack pointer). */
bool unwind_memory_word_stopped(struct unwind_memory *memory, uintptr_t address, uintptr_t low,
				uint64_t *value);

#endif
