/* SPDX-License-Identifier: MIT */
/*
 * Rules: for which values of a key a patch's new code is called. Each patch that is scoped has a
 * slot, a bit of every thread's latch; entering a scope evaluates the rules that are in force and
 * sets bits, which stay as they are until that scope is left (thread.h).
 *
 *	take → prepare, put → prepare, put … → (withdraw ⇄ restore) → release
 *
 * A slot is only given to another patch when no thread holds its bit any more.
 *
 * Threads: changed by one, the worker; read by all without locks. A set of rules, once in force, is
 * never written; former ones are freed when nobody is reading them.
 */
#ifndef SCOPE_RULES_H
#define SCOPE_RULES_H

#include <suture/error.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SCOPE_SLOTS = 64,	  /* patches that are scoped at one time */
	SCOPE_RULE_VALUES = 1024, /* values that one rule names */
};

/* Hashes are those of scope/hash.h. */
struct scope_rule {
	uint64_t key;		/* 0: of the outermost scope, whatever its key */
	bool all;		/* every value */
	unsigned share;		/* ten-thousandths of all values, by scope_share() */
	uint64_t new_since;	/* values first seen under this sequence or later; 0: not by age */
	const uint64_t *values; /* rising; borrowed by who evaluates, copied by who keeps */
	size_t value_count;
};

/* first_seen: scope_value_see(). */
bool scope_rule_matches(const struct scope_rule *rule, uint64_t value, uint64_t first_seen);

/* NO_ROOM when all are taken, or held by scopes that are still open. */
int scope_slot_take(unsigned *slot, struct suture_error *err);

/*
 * Rules with this one for the slot, to be put into force or discarded; the next to be prepared are
 * made from those in force then. NO_MEMORY.
 */
struct scope_rules;
int scope_prepare(unsigned slot, const struct scope_rule *rule, struct scope_rules **rules,
		  struct suture_error *err);
void scope_discard(struct scope_rules *rules);

/* Into force, for scopes that are entered from now on. Takes rules over; returns their sequence. */
uint64_t scope_put(struct scope_rules *rules);

/* The sequence of the rules that are prepared next. */
uint64_t scope_next_sequence(void);

/*
 * No scope that is entered from now on gets the slot's bit; work that is handed over still carries
 * it. The rule stays, for restore.
 */
void scope_withdraw(unsigned slot);

/* Work that is handed over does not carry it either: once nobody holds it (scope_try_close()). */
void scope_close(unsigned slot);
void scope_reopen(unsigned slot);

/* Work that is handed over gets the bit in any case: once all others have it, or are left. */
void scope_give(unsigned slot, bool give);
void scope_restore(unsigned slot);

/* The slot is nobody's: to be taken again when no thread holds its bit. */
void scope_release(unsigned slot);

/* ---- for thread.c --------------------------------------------------------------------------- */

struct scope_slot_rule {
	struct scope_rule rule;
	unsigned slot;
	uint64_t owner; /* of the slot when the rule was made */
};

struct scope_rules {
	uint64_t sequence;	  /* from 1 */
	struct scope_rules *next; /* of the former ones */
	size_t count;
	struct scope_slot_rule slots[SCOPE_SLOTS];
};

/* The rules in force. Who reads them announces it first (struct scope_thread.reading). */
extern _Atomic(const struct scope_rules *) scope_rules_now;

/* Is the slot still that of the patch that the rule was made for? */
bool scope_slot_is_owned(unsigned slot, uint64_t owner);

/* A number that grows with each slot that is taken; and that of the slot's owner, 0: closed. */
uint64_t scope_slot_owner(unsigned slot);
uint64_t scope_last_owner(void);

/* Slots whose bit work gets that is handed over. */
uint64_t scope_given(void);

#endif
