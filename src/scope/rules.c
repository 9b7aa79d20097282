/* SPDX-License-Identifier: MIT */
/* See rules.h. Called by the worker, except what is said to be for thread.c. */
#include "scope/rules.h"

#include "base/error.h"
#include "scope/hash.h"
#include "scope/thread.h"

#include <stdlib.h>
#include <string.h>

static const struct scope_rules no_rules = {.sequence = 1};

_Atomic(const struct scope_rules *) scope_rules_now = &no_rules;

static struct scope_rules *former;	      /* the worker's: to be freed when nobody reads them */
static uint64_t owners[SCOPE_SLOTS];	      /* the worker's: who has the slot, withdrawn or not */
static _Atomic uint64_t entered[SCOPE_SLOTS]; /* the same, for who enters; 0: nobody */
static _Atomic uint64_t adopted[SCOPE_SLOTS]; /* the same, for who adopts */
static _Atomic uint64_t given;
static _Atomic uint64_t last_owner;

bool scope_rule_matches(const struct scope_rule *rule, uint64_t value, uint64_t first_seen)
{
	size_t low = 0, high = rule->value_count;

	if (rule->all || scope_share(value) < rule->share)
		return true;
	if (rule->new_since && first_seen >= rule->new_since)
		return true;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rule->values[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low < rule->value_count && rule->values[low] == value;
}

/*
 * All that follows is sequentially consistent: a thread stores what it is about to hold and then
 * looks whether the slot is still its rule's owner's, the worker changes the owner and then looks
 * who holds. One of the two sees the other.
 */
bool scope_slot_is_owned(unsigned slot, uint64_t owner)
{
	return atomic_load(&entered[slot]) == owner;
}

uint64_t scope_slot_owner(unsigned slot)
{
	return atomic_load(&adopted[slot]);
}

uint64_t scope_given(void)
{
	return atomic_load(&given);
}

uint64_t scope_last_owner(void)
{
	return atomic_load(&last_owner);
}

int scope_slot_take(unsigned *slot, struct suture_error *err)
{
	uint64_t held = scope_held_by_any();

	for (unsigned i = 0; i < SCOPE_SLOTS; i++) {
		if (owners[i] || (held >> i & 1))
			continue;
		owners[i] = atomic_fetch_add(&last_owner, 1) + 1;
		*slot = i;
		return 0;
	}
	error_set(err, SUTURE_E_NO_ROOM, "%d patches are scoped, or scopes of such are still open",
		  SCOPE_SLOTS);
	return error_next(err, "widen some to all calls (suture scope NAME --all), or revert them");
}

uint64_t scope_next_sequence(void)
{
	return atomic_load(&scope_rules_now)->sequence + 1;
}

static void rules_free(struct scope_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		free((void *)(uintptr_t)rules->slots[i].rule.values);
	free(rules);
}

/* Appends a copy of one slot's rule. */
static bool add_copy(struct scope_rules *rules, const struct scope_slot_rule *from)
{
	struct scope_slot_rule *to = &rules->slots[rules->count];
	uint64_t *values = malloc((from->rule.value_count + 1) * sizeof(*values));

	if (!values)
		return false;
	*to = *from;
	if (from->rule.value_count)
		memcpy(values, from->rule.values, from->rule.value_count * sizeof(*values));
	to->rule.values = values;
	rules->count++;
	return true;
}

/* The rules in force without those of slots that have another owner, and with that one. */
static struct scope_rules *rules_with(const struct scope_slot_rule *fresh)
{
	const struct scope_rules *now = atomic_load(&scope_rules_now);
	struct scope_rules *rules = calloc(1, sizeof(*rules));
	bool ok = rules != NULL;

	for (size_t i = 0; ok && i < now->count; i++)
		if (now->slots[i].slot != fresh->slot &&
		    owners[now->slots[i].slot] == now->slots[i].owner)
			ok = add_copy(rules, &now->slots[i]);
	if (ok && add_copy(rules, fresh)) {
		rules->sequence = now->sequence + 1;
		return rules;
	}
	if (rules)
		rules_free(rules);
	return NULL;
}

static void free_former(void)
{
	for (struct scope_rules **at = &former; *at;) {
		struct scope_rules *rules = *at;

		if (scope_is_read(rules)) {
			at = &rules->next;
			continue;
		}
		*at = rules->next;
		rules_free(rules);
	}
}

int scope_prepare(unsigned slot, const struct scope_rule *rule, struct scope_rules **rules,
		  struct suture_error *err)
{
	struct scope_slot_rule fresh = {.rule = *rule, .slot = slot, .owner = owners[slot]};

	*rules = rules_with(&fresh);
	return *rules ? 0 : error_no_memory(err);
}

void scope_discard(struct scope_rules *rules)
{
	if (rules)
		rules_free(rules);
}

uint64_t scope_put(struct scope_rules *rules)
{
	uint64_t sequence = rules->sequence;
	const struct scope_rules *before;

	/* The one that was added last is the one that it is about. */
	scope_restore(rules->slots[rules->count - 1].slot);
	before = atomic_exchange(&scope_rules_now, rules);
	if (before != &no_rules) {
		struct scope_rules *old = (struct scope_rules *)(uintptr_t)before;

		old->next = former;
		former = old;
	}
	free_former();
	return sequence;
}

void scope_withdraw(unsigned slot)
{
	atomic_store(&entered[slot], 0);
}

void scope_close(unsigned slot)
{
	atomic_store(&adopted[slot], 0);
}

void scope_reopen(unsigned slot)
{
	atomic_store(&adopted[slot], owners[slot]);
}

void scope_give(unsigned slot, bool give)
{
	if (give)
		atomic_fetch_or(&given, UINT64_C(1) << slot);
	else
		atomic_fetch_and(&given, ~(UINT64_C(1) << slot));
}

void scope_restore(unsigned slot)
{
	scope_reopen(slot);
	atomic_store(&entered[slot], owners[slot]);
}

void scope_release(unsigned slot)
{
	scope_give(slot, false);
	scope_withdraw(slot);
	scope_close(slot);
	owners[slot] = 0;
}
