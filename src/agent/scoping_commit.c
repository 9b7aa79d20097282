/* SPDX-License-Identifier: MIT */
/* Scopes of patches around a commit; see scoping.h. */
#include "agent/scoping.h"

#include "base/error.h"
#include "scope/thread.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int take_slot(struct plan *plan, struct scoping *scope, struct suture_error *err)
{
	int rc = scope_slot_take(&scope->slot, err);

	if (rc) {
		scoping_destroy(scope);
		return rc;
	}
	plan->scope = scope;
	plan->stubs = scope;
	return 0;
}

int scoping_plan(struct plan *plan, const struct patch_file *file, const struct scope_wish *wish,
		 struct suture_error *err)
{
	struct scoping *scope;
	bool changed;
	int rc = scoping_permits(file, err);

	if (!rc)
		rc = scoping_make(NULL, wish, &scope, &changed, err);
	return rc ? rc : take_slot(plan, scope, err);
}

int scoping_plan_again(struct plan *plan, const struct patch *patch, struct suture_error *err)
{
	struct scoping *scope;
	int rc;

	if (!patch->scope)
		return 0;
	rc = scoping_copy(patch->scope, &scope, err);
	return rc ? rc : take_slot(plan, scope, err);
}

int scoping_is_met(const struct patch *patch, const struct scope_wish *wish,
		   struct suture_error *err)
{
	bool scoped = scoping_is_in_force(patch), changed = false;
	struct scoping *made;
	int rc;

	if (!scoped && scope_wish_is_empty(wish))
		return 0;
	if (scoped && !scope_wish_is_empty(wish)) {
		rc = scoping_make(patch->scope, wish, &made, &changed, err);
		if (rc)
			return rc;
		scoping_destroy(made);
		if (!changed)
			return 0;
	}
	error_set(err, SUTURE_E_NAME_TAKEN, "%s is applied already, to %s", patch->name,
		  scoped ? "other calls" : "all calls");
	return error_next(err, "suture scope %s changes which calls get it", patch->name);
}

/* ---- around a commit ------------------------------------------------------------------------ */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t scoping_deadline(uint64_t timeout_ns)
{
	return now_ns() + timeout_ns;
}

static void read_name(pid_t tid, char *name, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", (int)tid);
	file = fopen(path, "re");
	if (!file || !fgets(name, (int)size, file))
		snprintf(name, size, "?");
	name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
}

int scoping_wait(pid_t (*blocker)(const void *arg), const void *arg, uint64_t deadline_ns,
		 const char *what, struct suture_error *err)
{
	struct timespec nap = {.tv_nsec = 200000};
	char name[32];
	pid_t tid;

	while ((tid = blocker(arg))) {
		if (now_ns() >= deadline_ns) {
			read_name(tid, name, sizeof(name));
			error_set(err, SUTURE_E_BUSY_STACK, "thread %d (%s) is in a scope %s",
				  (int)tid, name, what);
			return error_next(err, "try again when it has been left, or with a longer "
					       "--timeout");
		}
		nanosleep(&nap, NULL);
		/* Scopes last from microseconds to hours: look less and less often, to 20 ms. */
		if (nap.tv_nsec < 20000000)
			nap.tv_nsec += nap.tv_nsec / 4;
	}
	return 0;
}

static pid_t holder(const void *slot)
{
	return scope_try_close(*(const unsigned *)slot);
}

int scoping_begin(struct plan *plan, uint64_t timeout_ns, struct suture_error *err)
{
	uint64_t deadline = scoping_deadline(timeout_ns);
	int rc = plan->scope ? scoping_prepare(plan->scope, &plan->rules, err) : 0;

	for (size_t i = 0; !rc && i < plan->remove_count; i++)
		if (scoping_is_in_force(plan->remove[i]))
			scope_withdraw(plan->remove[i]->scope->slot);
	for (size_t i = 0; !rc && i < plan->remove_count; i++)
		if (scoping_is_in_force(plan->remove[i]))
			rc = scoping_wait(holder, &plan->remove[i]->scope->slot, deadline,
					  "that has the new code", err);
	return rc;
}

static void take_effect(struct plan *plan)
{
	struct scoping *before;

	if (plan->rules)
		scope_put(plan->rules);
	plan->rules = NULL;
	pthread_mutex_lock(&plan->agent->lock);
	for (size_t i = 0; i < plan->remove_count; i++)
		if (scoping_is_in_force(plan->remove[i])) {
			plan->remove[i]->scope->in_force = false;
			scope_release(plan->remove[i]->scope->slot);
		}
	if (plan->add) {
		before = plan->add->scope;
		plan->add->scope = plan->scope;
		if (plan->scope)
			plan->scope->in_force = true;
		plan->scope = before; /* the plan's, to be destroyed with it */
	}
	pthread_mutex_unlock(&plan->agent->lock);
}

void scoping_end(struct plan *plan, int rc)
{
	if (!rc) {
		take_effect(plan);
		return;
	}
	scope_discard(plan->rules);
	plan->rules = NULL;
	/* Jumps may lead to its stubs: nobody's bit, for ever. */
	if (plan->scope && rc == -(int)SUTURE_E_UNCERTAIN)
		plan->scope = NULL;
	for (size_t i = 0; i < plan->remove_count; i++)
		if (scoping_is_in_force(plan->remove[i]))
			scope_restore(plan->remove[i]->scope->slot);
}

void scoping_finish_plan(struct plan *plan)
{
	/* After a commit it is what was before, whose slot went back when that ended. */
	if (plan->scope && !plan->committed)
		scope_release(plan->scope->slot);
	scoping_destroy(plan->scope);
	plan->scope = NULL;
}
