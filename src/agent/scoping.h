/* SPDX-License-Identifier: MIT */
/*
 * The scope of a patch, as an operator asked for it: which calls get the new code. src/scope knows
 * it as a rule of hashes; here are the texts, and what has to happen around a commit so that no
 * call chain sees both codes:
 *
 *	apply      the entries lead to stubs; then the rule is put into force, for scopes that
 *	           are entered later
 *	revert,    the rule is withdrawn; when no open scope has the new code any more, the
 *	replace    jumps go
 *
 * Narrower or wider later: rescope.h.
 *
 * Threads: the worker; patch->scope and what it points to is changed under agent->lock.
 */
#ifndef AGENT_SCOPING_H
#define AGENT_SCOPING_H

#include "agent/plan.h"
#include "scope/rules.h"

#include <json-c/json.h>

enum { SCOPING_KEY = 63, SCOPING_VALUE = 255 }; /* bytes of text */

struct scoping {
	char key[SCOPING_KEY + 1]; /* "": that of the outermost scope, whatever it is */
	unsigned share;		   /* ten-thousandths of the values */
	bool fresh;		   /* values first seen since */
	uint64_t new_since;	   /* these rules; set when they are prepared */
	char **values;		   /* owned texts, in the order in which they were named */
	size_t value_count;
	unsigned slot;
	bool in_force; /* false: the patch went, this is how it was */
};

/* What an operator asks for. One is set. */
struct scope_wish {
	const char *value; /* "room=42" */
	bool by_share;
	uint64_t share;	   /* ten-thousandths, where by_share */
	const char *fresh; /* the key */
	const char *key;   /* for the share: of this key; NULL: of the one it has, or any */
	bool all;
	bool clear;
};

bool scope_wish_is_empty(const struct scope_wish *wish);

/*
 * A scope that has what `from` has (NULL: nothing) and what is wished besides; `clear` gives an
 * empty one. *changed is false where from had that already. USAGE for texts that are none, and for
 * a second key: a patch is scoped by one.
 */
int scoping_make(const struct scoping *from, const struct scope_wish *wish, struct scoping **made,
		 bool *changed, struct suture_error *err);
int scoping_copy(const struct scoping *from, struct scoping **made, struct suture_error *err);
void scoping_destroy(struct scoping *scope);

/* Do only some calls get the patch, as it is applied now? */
bool scoping_is_in_force(const struct patch *patch);

/* The rule's key: 0 for any. */
uint64_t scoping_key(const struct scoping *scope);

/* Rules with the scope's, to be put. Settles new_since. */
int scoping_prepare(struct scoping *scope, struct scope_rules **rules, struct suture_error *err);

/* Refuses what can't be for a part of the calls only: data, migrations. */
int scoping_permits(const struct patch_file *file, struct suture_error *err);

/*
 * What comes with the plan is for the calls that are wished alone: takes a slot. Before
 * plan_build().
 */
int scoping_plan(struct plan *plan, const struct patch_file *file, const struct scope_wish *wish,
		 struct suture_error *err);

/* The same for a patch that comes back, as it was scoped when it went, if it was. */
int scoping_plan_again(struct plan *plan, const struct patch *patch, struct suture_error *err);

/* Is an applied patch scoped as wished? NAME_TAKEN, which says what to do, where it isn't. */
int scoping_is_met(const struct patch *patch, const struct scope_wish *wish,
		   struct suture_error *err);

/* Waits until `blocker` names no thread. BUSY_STACK with its name when the time is over. */
int scoping_wait(pid_t (*blocker)(const void *arg), const void *arg, uint64_t deadline_ns,
		 const char *what, struct suture_error *err);
uint64_t scoping_deadline(uint64_t timeout_ns);

/*
 * Around the commit of a plan: drains the scopes of what goes, prepares that of what comes; then
 * puts it into force, or everything back. Between the two nothing else is prepared.
 */
int scoping_begin(struct plan *plan, uint64_t timeout_ns, struct suture_error *err);
void scoping_end(struct plan *plan, int rc);

/* With the plan: what did not come into force gives its slot back. */
void scoping_finish_plan(struct plan *plan);

/* Under agent->lock: {"key","values","percent","new","values_new","values_left","old_in_use"}. */
struct json_object *scoping_json(const struct patch *patch);

/* The same for people, cut to size: "for room=42, room=43"; "for all calls". Under agent->lock. */
void scoping_describe(const struct patch *patch, char *text, size_t size);

/* Before the patch is destroyed. */
void scoping_forget(struct patch *patch);

#endif
