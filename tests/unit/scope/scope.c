/* SPDX-License-Identifier: MIT */
/*
 * What a thread's latch holds, by the rules that were in force when its scopes were entered; the
 * hash that operators rely on; the table of values; slots that are not given away while in use.
 */
#include "../test.h"

#include "arch/arch.h"
#include "scope/hash.h"
#include "scope/rules.h"
#include "scope/thread.h"
#include "scope/values.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static void test_must(int rc, const struct suture_error *err)
{
	if (rc)
		fail_msg("%s", err->message);
}

/* What a stub would see. */
static bool latched(unsigned slot)
{
	uint64_t word =
		*(volatile uint64_t *)(arch_thread_pointer() + (uintptr_t)scope_latch_offset());

	return word >> slot & 1;
}

static uint64_t publish(unsigned slot, const struct scope_rule *rule)
{
	struct suture_error err;
	struct scope_rules *rules;

	test_must(scope_prepare(slot, rule, &rules, &err), &err);
	return scope_put(rules);
}

static unsigned take(void)
{
	struct suture_error err;
	unsigned slot;

	test_must(scope_slot_take(&slot, &err), &err);
	return slot;
}

static bool gets(unsigned slot, const char *key, const char *value)
{
	bool got;

	scope_enter(key, value);
	got = latched(slot);
	scope_leave();
	assert_false(latched(slot));
	return got;
}

static uint64_t publish_value(unsigned slot, const char *key, const char *value)
{
	uint64_t hash = scope_hash(value);

	return publish(slot, &(struct scope_rule){
				     .key = scope_hash(key), .values = &hash, .value_count = 1});
}

/* These numbers are a promise: the same players are in the five percent tomorrow. */
static void the_hash_is_what_it_was(void **state)
{
	unsigned below = 0;
	char text[24];

	(void)state;
	assert_int_equal(scope_hash(""), UINT64_C(0xefd01f60ba992926));
	assert_int_equal(scope_hash("42"), UINT64_C(0x810b196a56ee3cec));
	for (int i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "player-%d", i);
		below += scope_share(scope_hash(text)) < 500;
	}
	/* Five percent of a hundred thousand, within five standard deviations. */
	assert_in_range(below, 5000 - 350, 5000 + 350);
}

static void one_value_of_one_key(void **state)
{
	unsigned slot = take();

	(void)state;
	assert_false(gets(slot, "room", "42"));
	publish_value(slot, "room", "42");
	assert_false(latched(slot));
	assert_true(gets(slot, "room", "42"));
	assert_false(gets(slot, "room", "43"));
	assert_false(gets(slot, "match", "42"));
	scope_withdraw(slot);
	assert_false(gets(slot, "room", "42"));
	scope_restore(slot);
	assert_true(gets(slot, "room", "42"));
	scope_release(slot);
	assert_false(gets(slot, "room", "42"));
}

static void the_outermost_decides(void **state)
{
	unsigned room = take(), match = take();

	(void)state;
	publish_value(room, "room", "1");
	publish_value(match, "match", "a");
	scope_enter("room", "1");
	assert_true(latched(room));
	scope_enter("room", "2"); /* of that key it is the second */
	assert_true(latched(room));
	scope_enter("match", "a"); /* of this one the first */
	assert_true(latched(match));
	scope_enter("room", "3");
	assert_true(latched(room) && latched(match));
	scope_leave();
	scope_leave();
	assert_false(latched(match));
	assert_true(latched(room));
	scope_leave();
	assert_true(latched(room));
	scope_leave();
	assert_false(latched(room));
	scope_enter("room", "2");
	scope_enter("room", "1");
	assert_false(latched(room));
	scope_leave();
	scope_leave();
	scope_leave(); /* one too many */
	assert_true(gets(room, "room", "1"));
	scope_release(room);
	scope_release(match);
}

/* Nothing that is published shows in a scope that is open. */
static void an_open_scope_stays_as_it_is(void **state)
{
	unsigned slot = take(), other;

	(void)state;
	publish_value(slot, "room", "1");
	scope_enter("room", "1");
	publish_value(slot, "room", "2");
	assert_true(latched(slot));
	scope_withdraw(slot);
	assert_true(latched(slot));
	scope_release(slot);
	/* Nobody gets a slot that somebody holds. */
	other = take();
	assert_int_not_equal(other, slot);
	publish_value(other, "room", "1");
	assert_false(latched(other));
	scope_leave();
	scope_release(other);
	assert_int_equal(take(), slot < other ? slot : other);
	scope_release(slot < other ? slot : other);
}

static void a_share_of_the_outermost_scope(void **state)
{
	unsigned slot = take(), with = 0;
	char text[24];

	(void)state;
	publish(slot, &(struct scope_rule){.share = 2500});
	for (int i = 0; i < 1000; i++) {
		bool in;

		snprintf(text, sizeof(text), "%d", i);
		in = gets(slot, i % 2 ? "room" : "match", text);
		assert_int_equal(in, scope_share(scope_hash(text)) < 2500);
		with += in;
	}
	assert_in_range(with, 150, 350);
	publish(slot, &(struct scope_rule){.share = SCOPE_SHARES});
	assert_true(gets(slot, "any", "thing"));
	scope_release(slot);
}

static void values_that_are_new(void **state)
{
	unsigned slot = take();
	uint64_t since;

	(void)state;
	gets(slot, "game", "old");
	gets(slot, "table", "old");
	since = scope_next_sequence();
	assert_int_equal(
		publish(slot, &(struct scope_rule){.key = scope_hash("game"), .new_since = since}),
		since);
	assert_false(gets(slot, "game", "old"));
	assert_true(gets(slot, "game", "fresh"));
	/* Other rules do not make a value older or newer. */
	publish(slot, &(struct scope_rule){.key = scope_hash("game"), .new_since = since});
	assert_false(gets(slot, "game", "old"));
	assert_true(gets(slot, "game", "fresh"));
	scope_end("game", "old");
	assert_true(gets(slot, "game", "old"));
	assert_false(gets(slot, "table", "old"));
	scope_end("game", "old");
	scope_end("game", "fresh");
	scope_end("game", "never seen");
	scope_release(slot);
}

struct handed {
	struct suture_scope scope;
	unsigned slot;
	bool got, twice, after;
};

static void *work_for_another(void *arg)
{
	struct handed *handed = arg;

	scope_adopt(&handed->scope);
	handed->got = latched(handed->slot);
	scope_enter("room", "2");
	handed->twice = latched(handed->slot);
	scope_leave();
	scope_leave();
	handed->after = latched(handed->slot);
	return NULL;
}

static void do_work(struct handed *handed)
{
	pthread_t thread;

	pthread_create(&thread, NULL, work_for_another, handed);
	pthread_join(thread, NULL);
}

static void work_carries_its_scope(void **state)
{
	struct handed handed = {.slot = take()};

	(void)state;
	publish_value(handed.slot, "room", "1");
	do_work(&handed);
	assert_false(handed.got); /* no scope: all zero */
	scope_enter("match", "x");
	scope_enter("room", "1");
	scope_current(&handed.scope);
	scope_leave();
	scope_leave();
	do_work(&handed);
	assert_true(handed.got && handed.twice && !handed.after);
	/* It may be long on its way: the slot is another patch's by then. */
	scope_release(handed.slot);
	assert_int_equal(take(), handed.slot);
	publish(handed.slot, &(struct scope_rule){.all = true});
	do_work(&handed);
	assert_false(handed.got);
	/* Who is in a scope stays in it. */
	scope_enter("room", "7");
	assert_true(latched(handed.slot));
	scope_adopt(&handed.scope);
	assert_true(latched(handed.slot));
	scope_leave();
	assert_true(latched(handed.slot));
	scope_leave();
	assert_false(latched(handed.slot));
	scope_release(handed.slot);
}

static void who_is_waited_for(void **state)
{
	struct handed handed = {.slot = take()};
	uint64_t sequence, key = scope_hash("room");
	unsigned slot = handed.slot;

	(void)state;
	publish_value(slot, "room", "1");
	scope_enter("match", "a");
	scope_enter("room", "2");
	scope_current(&handed.scope);
	sequence = publish(slot, &(struct scope_rule){.key = key, .all = true});
	assert_int_equal(scope_try_give(slot, key, sequence), gettid());
	do_work(&handed); /* as its author has it */
	assert_false(handed.got);
	scope_leave();
	/* The match was entered before, too; the rule is about rooms. */
	assert_int_equal(scope_try_give(slot, 0, sequence), gettid());
	assert_int_equal(scope_try_give(slot, key, sequence), 0);
	do_work(&handed); /* as everybody has it */
	assert_true(handed.got);
	scope_enter("room", "2");
	scope_current(&handed.scope);
	assert_int_equal(scope_try_give(slot, key, sequence), 0);
	scope_give(slot, false);
	scope_withdraw(slot);
	assert_int_equal(scope_try_close(slot), gettid());
	do_work(&handed); /* as its author still has it */
	assert_true(handed.got);
	scope_leave();
	assert_int_equal(scope_try_close(slot), 0);
	do_work(&handed);
	assert_false(handed.got);
	scope_leave();
	scope_release(slot);
}

static void deeper_than_there_is_room(void **state)
{
	unsigned slot = take();
	char key[24];

	(void)state;
	publish_value(slot, "last", "1");
	for (int i = 0; i < SUTURE_SCOPE_LEVELS; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		scope_enter(key, "1");
	}
	scope_enter("last", "1");
	assert_false(latched(slot));
	scope_leave();
	scope_leave();
	scope_enter("last", "1");
	assert_true(latched(slot));
	for (int i = 0; i < SUTURE_SCOPE_LEVELS; i++)
		scope_leave();
	assert_false(latched(slot));
	assert_true(gets(slot, "last", "1"));
	scope_release(slot);
}

static void all_slots(void **state)
{
	unsigned slots[SCOPE_SLOTS], one_more;
	struct suture_error err;

	(void)state;
	for (unsigned i = 0; i < SCOPE_SLOTS; i++) {
		slots[i] = take();
		publish_value(slots[i], "room", "1");
	}
	assert_int_equal(scope_slot_take(&one_more, &err), -SUTURE_E_NO_ROOM);
	scope_enter("room", "1");
	for (unsigned i = 0; i < SCOPE_SLOTS; i++)
		assert_true(latched(slots[i]));
	scope_leave();
	for (unsigned i = 0; i < SCOPE_SLOTS; i++)
		scope_release(slots[i]);
}

static void count(void *arg, uint64_t value, uint64_t first_seen)
{
	(void)value;
	(void)first_seen;
	++*(unsigned *)arg;
}

/* Bounded: what is not remembered counts as old. */
static void a_full_table(void **state)
{
	unsigned slot = take(), known = 0, before = 0;
	uint64_t key = scope_hash("fill");
	char text[24];

	(void)state;
	scope_values_visit(0, count, &before);
	publish(slot, &(struct scope_rule){.key = key, .new_since = scope_next_sequence()});
	for (int i = 0; !scope_values_full(); i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_true(gets(slot, "fill", text));
	}
	assert_false(gets(slot, "fill", "one more"));
	assert_true(gets(slot, "fill", "0"));
	scope_values_visit(key, count, &known);
	assert_int_equal(known, SCOPE_KNOWN - before);
	scope_end("fill", "0");
	assert_true(gets(slot, "fill", "one more"));
	scope_end("fill", "one more");
	/* Values come and go for ever. */
	for (int i = 0; i < 4 * SCOPE_KNOWN; i++) {
		snprintf(text, sizeof(text), "%d", i % SCOPE_KNOWN);
		scope_end("fill", text);
		snprintf(text, sizeof(text), "again-%d", i);
		assert_true(gets(slot, "fill", text));
		scope_end("fill", text);
	}
	known = 0;
	scope_values_visit(key, count, &known);
	assert_int_equal(known, 0);
	scope_release(slot);
}

static atomic_bool quit;

/* All that is seen in one scope is seen from its beginning to its end. */
static void *enter_all_the_time(void *arg)
{
	unsigned *slots = arg;
	unsigned long mixed = 0;

	for (unsigned i = 0; !quit; i++) {
		bool first[2], second[2];

		scope_enter(i % 3 ? "room" : "match", i % 2 ? "1" : "2");
		for (int k = 0; k < 2; k++)
			first[k] = latched(slots[k]);
		scope_enter("room", "1");
		for (volatile int spin = 0; spin < 20; spin++)
			;
		for (int k = 0; k < 2; k++)
			second[k] = latched(slots[k]);
		scope_leave();
		/* A match that enters a room may come to a rule about rooms in it. */
		for (int k = 0; k < 2; k++)
			mixed += first[k] != second[k] && i % 3;
		scope_leave();
		mixed += latched(slots[0]) || latched(slots[1]);
	}
	return (void *)mixed;
}

/* After a release nobody gets the bit again, whatever was under way. */
static void slots_come_and_go_under_load(void **state)
{
	enum { THREADS = 4, ROUNDS = 20000 };
	pthread_t threads[THREADS];
	unsigned slots[2];
	void *mixed;

	(void)state;
	slots[0] = take();
	slots[1] = take();
	scope_release(slots[0]);
	scope_release(slots[1]);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, enter_all_the_time, slots);
	for (int i = 0; i < ROUNDS; i++) {
		unsigned slot;

		if (scope_slot_take(&slot, NULL))
			continue;
		if (slot == slots[0] || slot == slots[1]) {
			publish_value(slot, i % 3 ? "room" : "match", "1");
			publish(slot, &(struct scope_rule){.share = (unsigned)i % SCOPE_SHARES});
		}
		scope_release(slot);
	}
	quit = true;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &mixed);
		assert_null(mixed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_is_what_it_was),
		cmocka_unit_test(one_value_of_one_key),
		cmocka_unit_test(the_outermost_decides),
		cmocka_unit_test(an_open_scope_stays_as_it_is),
		cmocka_unit_test(a_share_of_the_outermost_scope),
		cmocka_unit_test(values_that_are_new),
		cmocka_unit_test(work_carries_its_scope),
		cmocka_unit_test(who_is_waited_for),
		cmocka_unit_test(deeper_than_there_is_room),
		cmocka_unit_test(all_slots),
		cmocka_unit_test(a_full_table),
		cmocka_unit_test(slots_come_and_go_under_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
