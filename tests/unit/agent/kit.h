/* SPDX-License-Identifier: MIT */
/*
 * What tests of transactions share: two functions of the test itself that patches replace, an agent
 * in this very process, and what must be as before when something failed.
 */
#ifndef TESTS_AGENT_KIT_H
#define TESTS_AGENT_KIT_H

#include "../test.h"

#include "agent/transaction.h"
#include "handmade.h"

int tx_one(int x); /* 3x + 1 */
int tx_two(int x); /* 5x + 2 */

/* x, when whoever is in there is let out. */
int kit_room(int x);
/* A thread calls the function, which leads to kit_room; returns when it is in there. */
void kit_stand(int (*function)(int));
void kit_let_out(void);

extern char kit_folder[128];
extern struct agent kit_agent;
extern const struct transaction_options kit_quick;

struct kit_text {
	uint8_t *bytes;
	size_t size;
	const uint8_t *start;
};

/* All code of the test program, to be compared byte for byte. */
struct kit_text kit_text(void);
void kit_assert_text(struct kit_text *text); /* frees the copy */
void kit_assert_no_writable_code(void);

/* For cmocka_run_group_tests(): the agent and its folder. */
int kit_make(void **state);
int kit_clean(void **state);

/* Builds and reads; patch is finished. */
struct patch_file kit_open(struct handmade *patch);
/* A patch that makes tx_one and tx_two return 1000x and 2000x. */
struct patch_file kit_simple(const char *name);

/* Of the file NAME.so in the folder. */
int kit_put(const char *name, struct transaction_options options, struct transaction_result *result,
	    struct suture_error *err);

/* Which must succeed. */
void kit_apply(struct patch_file *file, struct transaction_result *result);
void kit_revert(const char *name, struct transaction_result *result);
void kit_take_out(const char *name); /* the same, and what it says is not asked for */

#endif
