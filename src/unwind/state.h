/* SPDX-License-Identifier: MIT */
/* A CFI program being run: the rules in force at one address. Plan only. */
#ifndef UNWIND_STATE_H
#define UNWIND_STATE_H

#include "unwind/frame.h"
#include "unwind/rows.h"

struct cfi_state {
	struct unwind_rule cfa;
	struct unwind_rule regs[ARCH_MAX_REGISTERS]; /* target and flags unused */
};

/* Where rows and expressions of a program go; implemented by compile.c. */
struct cfi_sink {
	/* The state holds from `from` on. False: no memory. */
	bool (*row)(struct cfi_sink *sink, uintptr_t from, const struct cfi_state *state);
	/* Keeps a copy; negative: no memory or too much. */
	int32_t (*expression)(struct cfi_sink *sink, const uint8_t *bytes, size_t size);
	bool no_memory;
};

/*
 * Runs the CFI instructions [program, end) for code [start, stop), rows going to sink as the
 * location advances (not the last one: *state at the end holds from the location that is returned
 * through location). initial is the state after the CIE's program, for DW_CFA_restore; NULL
 * for the CIE's own. False: not understood, or no memory.
 */
bool cfi_run(const struct frame_data *data, const struct frame_cie *cie, size_t program, size_t end,
	     uintptr_t stop, const struct cfi_state *initial, struct cfi_sink *sink,
	     struct cfi_state *state, uintptr_t *location);

#endif
