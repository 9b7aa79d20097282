/* SPDX-License-Identifier: MIT */
/* What apply.c, revert.c, check.c and transaction.c share; nobody else includes this. */
#ifndef AGENT_TRANSACTION_INTERNAL_H
#define AGENT_TRANSACTION_INTERNAL_H

#include "agent/transaction.h"

uint64_t transaction_now_us(void);

/* Clears result and names it. True: the file's patch is in force already. */
bool transaction_begin(struct agent *agent, const struct patch_file *file,
		       struct transaction_result *result);
/*
 * The file's patch is in force: for the calls that are wished, and alone where it is to replace all
 * others? NAME_TAKEN, which says what to do, where it isn't.
 */
int transaction_is_met(const struct agent *agent, const struct patch_file *file,
		       const struct transaction_options *options, struct suture_error *err);
void transaction_name(struct transaction_result *result, const struct patch_file *file);
void transaction_figures(struct transaction_result *result, const struct stop_result *stopped);

/* A legal transition, with what goes with it: order, time, number of those applied. */
int transaction_set_state(struct agent *agent, struct patch *patch, enum patch_state state,
			  struct suture_error *err);

/* Puts the plan's new patch onto the agent's list. */
void transaction_keep(struct plan *plan);

/* Plans what apply and check share. *file is taken over on success. plan->missing may be set. */
int transaction_plan(struct plan *plan, struct patch_file *file,
		     const struct transaction_options *options, struct suture_error *err);

/* DEPENDENCY if a patch in force, or one that waits, is built on this one. */
int transaction_check_dependents(const struct agent *agent, const struct patch *patch,
				 struct suture_error *err);

/* From a built plan to its effect: hooks, states, commit. The plan is finished by the caller. */
int transaction_carry_out(struct plan *plan, const struct transaction_options *options,
			  uint64_t started_us, struct transaction_result *result,
			  struct suture_error *err);

#endif
