/* SPDX-License-Identifier: MIT */
/*
 * The plan of a transaction: everything that may fail, done before the first thread is stopped, and
 * in a form that the commit needs no memory for. Making a plan changes nothing that the
 * application can see; plan_fini() takes back what was not committed.
 *
 * One plan serves apply, revert and replace: `remove` patches go, `add` comes, in one commit.
 */
#ifndef AGENT_PLAN_H
#define AGENT_PLAN_H

#include "agent/agent.h"
#include "stop/stop.h"

/*
 * What happens at one entry. Where several patches come back to it there is one of these for each,
 * the lowest first, and the last one's jump is written.
 */
struct plan_site {
	struct site *site;
	struct site_version version; /* to be pushed, if version.patch is set */
	bool turns;		     /* the version that is in force gets version.trampoline */
	bool covered;		     /* another one of this plan lies on it: nothing to write */
	const struct trampoline *before;
	const struct trampoline *after; /* NULL: the original code comes back */
};

struct plan {
	struct agent *agent;
	struct image image;
	struct patch *add; /* NULL for a revert */
	/* Owned array: patches that were in force before and come back behind add. */
	struct patch **more;
	size_t more_count;
	enum patch_state was; /* add's state, before the commit was tried */
	bool fresh;	      /* add is not on the agent's list, and goes with the plan */
	bool loaded;	      /* add was loaded by this plan, and is unloaded with it */
	bool count;	      /* calls of its functions are counted */
	bool recount;	      /* instead: they are of those for which they were before */
	bool unasked;	      /* pre_revert of what goes is not asked */
	bool hookless;	      /* hooks of what goes are not run */
	const char *missing;  /* what add must wait for, a name in its file; else NULL */
	void **holds;	      /* owned: modules that stay loaded as long as the plan lives */
	size_t hold_count;
	struct scoping *scope;	   /* owned: which calls get add; NULL: all */
	struct scope_rules *rules; /* owned: to be put with the commit */
	/*
	 * A patch that is in force and whose entries get another jump: to stubs, or past them. Then
	 * nothing comes and nothing goes.
	 */
	struct patch *turn;
	struct migration *migrations; /* owned; migration.h */
	const struct scoping *stubs; /* borrowed: add or turn goes by stubs of its slot; NULL: no */
	struct patch **remove;	     /* owned array */
	size_t remove_count;

	struct plan_site *sites; /* owned */
	size_t site_count;
	struct code_edit_set edits;
	struct stop_range *busy; /* owned, sorted and disjoint once planned */
	const char **busy_names; /* owned array of borrowed names, by tag */
	size_t busy_count;
	size_t busy_capacity;
	bool committed;
};

void plan_init(struct plan *plan, struct agent *agent);
void plan_fini(struct plan *plan);

/* The patches that go, if any; before plan_add(). Copies the array. Their modules are held. */
int plan_remove(struct plan *plan, struct patch *const *patches, size_t count,
		struct suture_error *err);

/*
 * Verifies and loads what comes. *file is taken over on success. A patch of the same bytes that is
 * known already is used again. With plan->missing set afterwards it can't be put in now: no
 * plan_build() then.
 */
int plan_add(struct plan *plan, struct patch_file *file, struct suture_error *err);
/* The same for a patch on the agent's list. */
int plan_add_known(struct plan *plan, struct patch *patch, struct suture_error *err);

/*
 * Further patches on the agent's list, behind plan->add and on it if need be: such as were in
 * force a moment ago, at the same places. UNSUPPORTED for what can only come alone.
 */
int plan_add_more(struct plan *plan, struct patch *const *patches, size_t count,
		  struct suture_error *err);

/* How many patches come, and the i-th of them, the lowest first. */
size_t plan_comes_count(const struct plan *plan);
struct patch *plan_comes(const struct plan *plan, size_t i);

/* Are the calls of one that comes counted? */
bool plan_counts(const struct plan *plan, const struct patch *patch);

/* Decides every entry's trampoline, builds edits and the idle set, prefaults. */
int plan_build(struct plan *plan, struct suture_error *err);

/* Is it one of those that go? */
bool plan_goes(const struct plan *plan, const struct patch *patch);

/* The topmost version on a site that stays when what goes is gone, or NULL. */
const struct trampoline *plan_staying(const struct plan *plan, const struct site *site);

/*
 * The trampoline of a function of plan->add, by its place in the file; NULL: it has none. After
 * plan_build().
 */
const struct trampoline *plan_trampoline_of(const struct plan *plan, size_t function);

#endif
