/* SPDX-License-Identifier: MIT */
/*
 * Scopes: the application says what a thread is working for, and a patch can be put into force for
 * a part of that alone: one room first, five percent of the players, matches that begin from now
 * on.
 *
 *	suture_scope_enter("room", room->label);
 *	room_tick(room);                            // `suture apply P --scope room=42` decides here
 *	suture_scope_leave();
 *
 * Which code a patch's functions run is decided when a scope is entered whose key is not open yet
 * on this thread, and holds until that scope is left, whatever an operator does meanwhile: what is
 * called in between is all old or all new. Nested scopes of other keys are decided on their own;
 * entering a key that is open already decides nothing. Calls outside every scope get the old code.
 * Patches that are not scoped are not concerned.
 *
 * Each enter needs its leave, on the same thread, in the reverse order. Key and value are texts
 * that are not kept; the empty ones are like others. SUTURE_SCOPE_LEVELS keys may be open at a
 * time; what is entered above that decides nothing.
 *
 * Any thread; not from a signal handler. Entering costs two hashes and a look into a table (about
 * 100 ns); the first enter of a value, and suture_scope_end(), take a lock for a moment.
 *
 * In a process without the agent all of this does nothing. The agent is found as by
 * suture_safepoint() (suture.h): linked, preloaded, or attached later.
 */
#ifndef SUTURE_SCOPE_H
#define SUTURE_SCOPE_H

#include <suture/late.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { SUTURE_SCOPE_LEVELS = 8 };

/* The scopes that a thread had open: a value, to be copied and forgotten freely. */
struct suture_scope {
	uint64_t word[2 + 3 * SUTURE_SCOPE_LEVELS]; /* the agent's; all zero: no scope */
};

#pragma GCC visibility push(default)
/* What the functions below call where there is an agent. */
void suture_agent_scope_enter(const char *key, const char *value) __attribute__((weak));
void suture_agent_scope_leave(void) __attribute__((weak));
void suture_agent_scope_current(struct suture_scope *scope) __attribute__((weak));
void suture_agent_scope_adopt(const struct suture_scope *scope) __attribute__((weak));
void suture_agent_scope_end(const char *key, const char *value) __attribute__((weak));
#pragma GCC visibility pop

static inline void suture_scope_enter(const char *key, const char *value)
{
	void (*enter)(const char *, const char *) = SUTURE_FOUND(suture_agent_scope_enter);

	if (enter)
		enter(key, value);
}

static inline void suture_scope_leave(void)
{
	void (*leave)(void) = SUTURE_FOUND(suture_agent_scope_leave);

	if (leave)
		leave();
}

/*
 * For work that is handed to another thread: what was decided here holds there, from adopt to the
 * leave that ends it. One value may be adopted by several threads, at once or later. Where the
 * patch was reverted in between, or widened to all calls, the work gets what all get. A thread that
 * has scopes of its own open stays with those: its adopt decides nothing.
 */
static inline struct suture_scope suture_scope_current(void)
{
	struct suture_scope scope = {{0}};
	void (*current)(struct suture_scope *) = SUTURE_FOUND(suture_agent_scope_current);

	if (current)
		current(&scope);
	return scope;
}

static inline void suture_scope_adopt(const struct suture_scope *scope)
{
	void (*adopt)(const struct suture_scope *) = SUTURE_FOUND(suture_agent_scope_adopt);

	if (adopt)
		adopt(scope);
}

/*
 * What the value stood for is over (the match has ended, the player has gone): should it be entered
 * again, it is a new one. The agent remembers 32,768 values that have not ended, so that `--new
 * KEY` can tell those seen before; while so many are known, further ones count as seen before. A
 * scope of that value that is open somewhere goes on as it was decided.
 */
static inline void suture_scope_end(const char *key, const char *value)
{
	void (*end)(const char *, const char *) = SUTURE_FOUND(suture_agent_scope_end);

	if (end)
		end(key, value);
}

#ifdef __cplusplus
}
#endif

#endif
