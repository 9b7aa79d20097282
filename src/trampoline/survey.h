/* SPDX-License-Identifier: MIT */
/*
 * Which trampoline would serve each function of a whole object, every function taken by itself.
 * Knows what is around each: its parts elsewhere, padding, other functions' padding within reach of
 * a short jump, further symbols inside. Nothing is written and no island is made.
 *
 * Threads: any; a survey belongs to its caller.
 */
#ifndef TRAMPOLINE_SURVEY_H
#define TRAMPOLINE_SURVEY_H

#include "trampoline/tier.h"

/* All of it borrowed while the survey lives. Addresses are those that code is decoded with. */
struct survey_function {
	const char *name;
	uintptr_t address;
	size_t size;
};

struct survey_object {
	const struct survey_function *functions; /* by rising address, disjoint; parts as well */
	size_t count;
	const uintptr_t *labels; /* of all symbols, and whatever else is entered; rising */
	size_t label_count;
	/* Contents at address and how many bytes are readable from there on; NULL for none. */
	const uint8_t *(*bytes)(void *context, uintptr_t address, size_t *size);
	/* What memory holds there in the process: relocated. See struct trampoline_target. */
	bool (*read)(void *context, uintptr_t address, void *out, size_t size);
	void *context;
};

/* Index of the first function that begins at the address or above it; count: none does. */
size_t survey_first_function(const struct survey_object *object, uintptr_t address);

struct survey {
	const struct survey_object *object; /* borrowed */
	size_t *parts; /* owned: indices of functions that are parts of others, by name */
	size_t part_count;
	struct trampoline_range *ranges; /* owned: room for all of them, of the function at hand */
};

int survey_init(struct survey *survey, const struct survey_object *object,
		struct suture_error *err);
void survey_fini(struct survey *survey);

/* Is it only a part of another function ("f.cold"), never entered by a call? */
bool survey_is_part(const struct survey *survey, size_t index);

/* As trampoline_plan() without near memory. */
int survey_plan(const struct survey *survey, size_t index, struct trampoline *out,
		struct suture_error *err);

#endif
