/* SPDX-License-Identifier: MIT */
/*
 * Apply, revert, check: plan, commit, retire. Either everything that was asked for is in force
 * afterwards, or the process is as it was before; only UNCERTAIN says that neither could be had.
 *
 * Threads: the worker, one transaction at a time.
 */
#ifndef AGENT_TRANSACTION_H
#define AGENT_TRANSACTION_H

#include "agent/plan.h"
#include "agent/scoping.h"

struct transaction_options {
	uint64_t timeout_ns;   /* for the commit, all attempts together */
	uint64_t max_pause_ns; /* 0: no limit */
	enum stop_rung rung;
	bool replace; /* apply: take out all patches that are applied, in the same commit */
	bool count;   /* apply: count the calls of what comes */
	struct scope_wish scope; /* apply: for these calls alone; empty: for all */
	bool kept; /* apply: it waits in every case; pending_settle() puts it in, and tries again */
	bool persists; /* apply: so does what fails for a reason that passes */
	bool at_once;  /* apply: a patch that would have to wait for a module is refused */
};

enum { TRANSACTION_BLOCKER_FRAMES = 24, TRANSACTION_FRAME_TEXT = 160 };

/* Who was in the way, in words: made while the plan still knew the names. */
struct transaction_blocker {
	pid_t tid;
	char thread[STOP_COMM_SIZE];
	enum stop_reason reason;
	char function[TRANSACTION_FRAME_TEXT];
	uint64_t since_us;
	unsigned depth;
	unsigned busy_frame; /* the entry of backtrace that blocks, where there is one */
	char backtrace[TRANSACTION_BLOCKER_FRAMES][TRANSACTION_FRAME_TEXT];
};

struct transaction_result {
	bool changed;	  /* false: it was so already */
	bool pending;	  /* apply, check: it waits; revert: it did */
	bool already;	  /* check: in force already, apply would change nothing */
	bool scope_given; /* which calls get it is worth a word in the record */
	bool post_apply_failed;
	char waits[256]; /* for what: a module's name, or a patch's */
	char name[PATCH_NAME_LIMIT + 1];
	char hash[65];
	enum stop_rung rung;
	unsigned threads;
	unsigned attempts;
	size_t functions;
	size_t data;				/* variables that are changed in place */
	char (*replaced)[PATCH_NAME_LIMIT + 1]; /* apply: what went for it; owned */
	size_t replaced_count;
	uint64_t prepare_us;
	uint64_t pause_us; /* rounded up */
	uint64_t total_us;
	uint64_t predicted_pause_us; /* check */
	size_t tier_count;	     /* check: tiers of functions; owned */
	struct transaction_tier *tiers;
	unsigned blocker_count;
	struct transaction_blocker *blockers; /* owned */
};

struct transaction_tier {
	char name[TRANSACTION_FRAME_TEXT];
	char module[TRANSACTION_FRAME_TEXT];
	enum trampoline_tier tier;
	bool lazy; /* its entry can be closed while threads run */
};

void transaction_result_fini(struct transaction_result *result);

/*
 * *file is taken over in every case. result is valid and to be finished in every case. Where a
 * module of the patch is not loaded, it is kept and waits: success, with result->pending.
 */
int transaction_apply(struct agent *agent, struct patch_file *file,
		      const struct transaction_options *options, struct transaction_result *result,
		      struct suture_error *err);

int transaction_revert(struct agent *agent, const char *name,
		       const struct transaction_options *options, struct transaction_result *result,
		       struct suture_error *err);

/*
 * Takes `out` back, and puts those `in` back into force which were before, the lowest first, in one
 * commit. Other patches stay as they are. UNSUPPORTED where one of several can only come alone.
 */
int transaction_swap(struct agent *agent, struct patch *out, struct patch *const *in, size_t count,
		     const struct transaction_options *options, struct transaction_result *result,
		     struct suture_error *err);

/*
 * Names are the operators' handles: NAME_TAKEN where another patch of the file's name, but not the
 * one that goes (or NULL), is in force or waits.
 */
int transaction_check_name(const struct agent *agent, const struct patch_file *file,
			   const struct patch *goes, struct suture_error *err);

/* Applies a patch on the agent's list: one that waits, or that was taken out. */
int transaction_resume(struct agent *agent, struct patch *patch,
		       const struct transaction_options *options, struct transaction_result *result,
		       struct suture_error *err);

/*
 * Takes out patches in force, as far as their modules are still there, whatever their pre_revert
 * would say and whoever depends on them. hooks: on_unswitch and post_revert are run; not where a
 * module is gone, which they could not know.
 */
int transaction_withdraw(struct agent *agent, struct patch *const *patches, size_t count,
			 bool hooks, const struct transaction_options *options,
			 struct suture_error *err);

/* Everything that apply would do, short of doing it. Busy threads are an error like for apply. */
int transaction_check(struct agent *agent, struct patch_file *file,
		      const struct transaction_options *options, struct transaction_result *result,
		      struct suture_error *err);

#endif
