/* SPDX-License-Identifier: MIT */
/* See thread.h. */
#include "scope/thread.h"

#include "arch/arch.h"
#include "scope/hash.h"
#include "scope/rules.h"
#include "scope/values.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

enum { LEVELS = SUTURE_SCOPE_LEVELS };

/* A key that is open: one for each, however often it was entered since. */
struct level {
	uint64_t key;
	uint64_t bits;	/* that it set in the latch */
	unsigned again; /* enters above it that decided nothing: a key that is open, or no room */
	bool follows;	/* is left together with the one below: adopted */
	_Atomic uint64_t stamp; /* of key and rules (values.h); 0: closed */
};

struct scope_thread {
	/* The latch, and before it what it is about to be: what the worker reads. */
	_Atomic uint64_t held;
	unsigned count; /* of levels */
	struct level levels[LEVELS];
	_Atomic(const struct scope_rules *) reading; /* they are not freed meanwhile */
	struct scope_thread *next;
	pid_t tid;
};

/*
 * What stubs read. In static thread-local memory: they know its place in every thread, also when
 * the agent came late. There is little of that, so the rest is elsewhere.
 */
static __thread uint64_t latch_word __attribute__((tls_model("initial-exec")));
static __thread struct scope_thread *self; /* NULL until the thread's first scope */

/* Guards the list and next, tid. Never taken while threads are stopped. */
static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER;
static struct scope_thread *threads;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t exit_key;
static bool has_exit_key;

int64_t scope_latch_offset(void)
{
	return (int64_t)((uintptr_t)&latch_word - arch_thread_pointer());
}

/* ---- the list of threads -------------------------------------------------------------------- */

static void at_exit_of_thread(void *thread)
{
	pthread_mutex_lock(&threads_lock);
	for (struct scope_thread **link = &threads; *link; link = &(*link)->next)
		if (*link == thread) {
			*link = (*link)->next;
			break;
		}
	pthread_mutex_unlock(&threads_lock);
	free(thread);
	self = NULL;
	latch_word = 0;
}

/* Only the thread that called fork() is there. */
static void after_fork_in_child(void)
{
	pthread_mutex_init(&threads_lock, NULL);
	scope_values_after_fork();
	threads = self;
	if (self) {
		self->next = NULL;
		self->tid = (pid_t)arch_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
	}
}

static void prepare(void)
{
	has_exit_key = pthread_key_create(&exit_key, at_exit_of_thread) == 0;
	pthread_atfork(NULL, NULL, after_fork_in_child);
}

/* False: no memory, or nobody would hear of the thread's end. It then has no scopes. */
static bool join(void)
{
	struct scope_thread *thread;

	if (self)
		return true;
	pthread_once(&once, prepare);
	thread = has_exit_key ? calloc(1, sizeof(*thread)) : NULL;
	if (!thread || pthread_setspecific(exit_key, thread)) {
		free(thread);
		return false;
	}
	thread->tid = (pid_t)arch_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
	pthread_mutex_lock(&threads_lock);
	thread->next = threads;
	threads = thread;
	pthread_mutex_unlock(&threads_lock);
	self = thread;
	return true;
}

/* ---- entering ------------------------------------------------------------------------------- */

/* The rules in force, kept from being freed until reading is NULL again. */
static const struct scope_rules *begin_reading(void)
{
	const struct scope_rules *rules;

	do {
		rules = atomic_load(&scope_rules_now);
		atomic_store(&self->reading, rules);
		/* Partner: free_former(), which looks at `reading` after the exchange. */
	} while (rules != atomic_load(&scope_rules_now));
	return rules;
}

/* Bits of the slots that are still those of the rules that set them. */
static uint64_t only_owned(const struct scope_rules *rules, uint64_t bits)
{
	for (size_t i = 0; bits && i < rules->count; i++)
		if ((bits >> rules->slots[i].slot & 1) &&
		    !scope_slot_is_owned(rules->slots[i].slot, rules->slots[i].owner))
			bits &= ~(UINT64_C(1) << rules->slots[i].slot);
	return bits;
}

static uint64_t evaluate(const struct scope_rules *rules, uint64_t key, uint64_t value,
			 bool outermost)
{
	uint64_t first_seen = scope_value_see(key, value, rules->sequence), bits = 0;

	for (size_t i = 0; i < rules->count; i++) {
		const struct scope_rule *rule = &rules->slots[i].rule;

		if ((rule->key == key || (rule->key == 0 && outermost)) &&
		    scope_rule_matches(rule, value, first_seen))
			bits |= UINT64_C(1) << rules->slots[i].slot;
	}
	return bits;
}

static struct level *open_level(uint64_t key)
{
	struct level *level = &self->levels[self->count++];

	/* Its stamp is 0: closed for the worker, until the rules are known. */
	level->key = key;
	level->bits = 0;
	level->again = 0;
	level->follows = false;
	return level;
}

static void latch(struct level *level, uint64_t bits)
{
	level->bits = bits & ~latch_word;
	latch_word |= level->bits;
	atomic_store(&self->held, latch_word);
}

/* Bits are held before they are looked at once more, and latched when they stand. */
static void hold(struct level *level, const struct scope_rules *rules, uint64_t bits)
{
	atomic_store(&self->held, latch_word | bits);
	latch(level, only_owned(rules, bits));
}

static void drop(struct level *level)
{
	latch_word &= ~level->bits;
	level->bits = 0;
	/* Release: what was called with the bit is over for who reads `held`. */
	atomic_store_explicit(&self->held, latch_word, memory_order_release);
}

static bool is_open(uint64_t key)
{
	for (unsigned i = 0; i < self->count; i++)
		if (self->levels[i].key == key)
			return true;
	return false;
}

void scope_enter(const char *key, const char *value)
{
	uint64_t key_hash = scope_hash(key), value_hash = scope_hash(value);
	const struct scope_rules *rules;
	struct level *level;

	if (!join())
		return;
	if (self->count && (self->count == LEVELS || is_open(key_hash))) {
		self->levels[self->count - 1].again++;
		return;
	}
	level = open_level(key_hash);
	for (;;) {
		rules = begin_reading();
		/* The stamp is seen before the rules are compared: see scope_try_give(). */
		atomic_store(&level->stamp, scope_stamp(key_hash, rules->sequence));
		hold(level, rules, evaluate(rules, key_hash, value_hash, self->count == 1));
		if (rules == atomic_load(&scope_rules_now))
			break;
		drop(level);
	}
	atomic_store_explicit(&self->reading, NULL, memory_order_release);
}

void scope_leave(void)
{
	struct level *level;

	if (!self || !self->count)
		return;
	level = &self->levels[self->count - 1];
	if (level->again) {
		level->again--;
		return;
	}
	do {
		level = &self->levels[--self->count];
		drop(level);
		atomic_store_explicit(&level->stamp, 0, memory_order_release);
	} while (level->follows);
}

void scope_end(const char *key, const char *value)
{
	scope_value_end(scope_hash(key), scope_hash(value));
}

/* ---- handing on ----------------------------------------------------------------------------- */

/* What struct suture_scope holds: `word` of suture/scope.h. */
struct handed {
	uint64_t last_owner; /* slots taken since mean something else */
	uint64_t count;
	struct {
		uint64_t key, bits, stamp;
	} levels[LEVELS];
};

_Static_assert(sizeof(struct handed) == sizeof(struct suture_scope), "one for both");

void scope_current(struct suture_scope *scope)
{
	struct handed handed = {.last_owner = scope_last_owner(), .count = self ? self->count : 0};

	for (unsigned i = 0; i < handed.count; i++) {
		handed.levels[i].key = self->levels[i].key;
		handed.levels[i].bits = self->levels[i].bits;
		handed.levels[i].stamp =
			atomic_load_explicit(&self->levels[i].stamp, memory_order_relaxed);
	}
	memcpy(scope, &handed, sizeof(handed));
}

/* Slots that have, and had, an owner when the scope was handed on. */
static uint64_t still_owned(const struct handed *handed, uint64_t bits)
{
	for (unsigned slot = 0; slot < SCOPE_SLOTS; slot++) {
		uint64_t owner = scope_slot_owner(slot);

		if (!owner || owner > handed->last_owner)
			bits &= ~(UINT64_C(1) << slot);
	}
	return bits;
}

static void adopt_level(const struct handed *handed, unsigned i)
{
	uint64_t bits = handed->levels[i].bits;
	struct level *level = open_level(handed->levels[i].key);

	level->follows = i > 0;
	atomic_store(&level->stamp, handed->levels[i].stamp);
	atomic_store(&self->held, latch_word | bits);
	/* What its author held, unless nobody holds it any more; and what all others have. */
	latch(level, still_owned(handed, bits) | (i == 0 ? scope_given() : 0));
}

void scope_adopt(const struct suture_scope *scope)
{
	struct handed handed;

	memcpy(&handed, scope, sizeof(handed));
	if (!join())
		return;
	/* Inside a scope of its own a thread stays with what was decided there. */
	if (self->count) {
		self->levels[self->count - 1].again++;
		return;
	}
	if (handed.count == 0 || handed.count > LEVELS) {
		open_level(0);
		return;
	}
	for (unsigned i = 0; i < handed.count; i++)
		adopt_level(&handed, i);
}

/* ---- the worker's view ---------------------------------------------------------------------- */

uint64_t scope_held_by_any(void)
{
	uint64_t held = 0;

	pthread_mutex_lock(&threads_lock);
	for (const struct scope_thread *thread = threads; thread; thread = thread->next)
		held |= atomic_load(&thread->held);
	pthread_mutex_unlock(&threads_lock);
	return held;
}

bool scope_is_read(const struct scope_rules *rules)
{
	bool read = false;

	pthread_mutex_lock(&threads_lock);
	for (const struct scope_thread *thread = threads; thread && !read; thread = thread->next)
		read = atomic_load(&thread->reading) == rules;
	pthread_mutex_unlock(&threads_lock);
	return read;
}

static pid_t find_holder(unsigned slot)
{
	pid_t tid = 0;

	pthread_mutex_lock(&threads_lock);
	for (const struct scope_thread *thread = threads; thread && !tid; thread = thread->next)
		if (atomic_load(&thread->held) >> slot & 1)
			tid = thread->tid;
	pthread_mutex_unlock(&threads_lock);
	return tid;
}

static bool has_older(const struct scope_thread *thread, unsigned slot, uint64_t key,
		      uint64_t sequence)
{
	/* The outermost is the first. */
	unsigned levels = key ? LEVELS : 1;

	for (unsigned i = 0; i < levels; i++) {
		uint64_t stamp = atomic_load(&thread->levels[i].stamp);

		if (stamp && (!key || scope_stamp_is_of(stamp, key)) &&
		    scope_stamp_sequence(stamp) < sequence)
			return !(atomic_load(&thread->held) >> slot & 1);
	}
	return false;
}

static pid_t find_older(unsigned slot, uint64_t key, uint64_t sequence)
{
	pid_t tid = 0;

	pthread_mutex_lock(&threads_lock);
	for (const struct scope_thread *thread = threads; thread && !tid; thread = thread->next)
		if (has_older(thread, slot, key, sequence))
			tid = thread->tid;
	pthread_mutex_unlock(&threads_lock);
	return tid;
}

/* Who adopts meanwhile either finds it closed or is found. */
pid_t scope_try_close(unsigned slot)
{
	pid_t tid = find_holder(slot);

	if (tid)
		return tid;
	scope_close(slot);
	tid = find_holder(slot);
	if (tid)
		scope_reopen(slot);
	return tid;
}

pid_t scope_try_give(unsigned slot, uint64_t key, uint64_t sequence)
{
	pid_t tid = find_older(slot, key, sequence);

	if (tid)
		return tid;
	scope_give(slot, true);
	tid = find_older(slot, key, sequence);
	if (tid)
		scope_give(slot, false);
	return tid;
}
