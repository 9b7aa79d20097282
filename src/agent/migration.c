/* SPDX-License-Identifier: MIT */
/* See migration.h. Functions that end in _stopped run while threads stand or are stopped. */
#include "agent/migration.h"

#include "agent/plan.h"
#include "base/error.h"
#include "stop/stop.h"

#include <stdlib.h>
#include <string.h>

enum why { FINE, SHORT_OF_MEMORY, WRONG_REFERENCE, NO_REFERENCE, HOOK_SAID_NO };

/* One type of one patch, one way. */
struct migration {
	const struct patch *patch;
	const char *type; /* in the patch's file */
	struct suture_objects_type how;
	size_t from_size;
	size_t to_size;
	int (*hook)(const void *from, void *to);
	struct suture_objects list;
	void **fresh; /* owned array of owned memory: one for each object there is room for */
	size_t fresh_count;
	bool moved;  /* references lead to fresh */
	bool filled; /* in place: fresh has the old contents */
	enum why why;
	int said; /* by the hook */
	struct migration *next;
};

/* ---- which ---------------------------------------------------------------------------------- */

bool migration_wanted(const struct plan *plan)
{
	bool wanted = plan->add && plan->add->file.migrations.count > 0;

	for (size_t i = 0; i < plan->remove_count; i++)
		wanted = wanted || plan->remove[i]->file.migrations.count > 0;
	return wanted;
}

static int refuse_one_way(const struct patch *patch, const char *type, struct suture_error *err)
{
	error_set(err, SUTURE_E_UNSUPPORTED,
		  "%s changes the layout of %s one way: there is no way back", patch->name, type);
	return error_next(err, "mend it by a further patch built --on %s", patch->name);
}

static int add(struct plan *plan, const struct patch *patch, const struct format_migration *record,
	       bool forward, struct suture_error *err)
{
	const char *type = patch_file_string(&patch->file, record->type_ref);
	uint64_t address = forward ? record->forward_address : record->reverse_address;
	struct migration *migration;

	if (address == FORMAT_NONE)
		return refuse_one_way(patch, type, err);
	migration = calloc(1, sizeof(*migration));
	if (!migration)
		return error_no_memory(err);
	migration->patch = patch;
	migration->type = type;
	migration->from_size = forward ? record->old_size : record->new_size;
	migration->to_size = forward ? record->new_size : record->old_size;
	migration->hook = (int (*)(const void *, void *))patch_address(patch, address);
	migration->next = plan->migrations;
	plan->migrations = migration;
	if (objects_find(type, &migration->how))
		return 0;
	error_set(err, SUTURE_E_UNSUPPORTED, "%s migrates objects of %s, which nobody enumerates",
		  patch->name, type);
	return error_next(err, "the application calls suture_objects_register(\"%s\", …)", type);
}

static int add_all(struct plan *plan, const struct patch *patch, bool forward,
		   struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < patch->file.migrations.count; i++)
		rc = add(plan, patch, &patch->file.migrations.records[i], forward, err);
	return rc;
}

/* ---- memory --------------------------------------------------------------------------------- */

static void *allocate(const struct migration *migration)
{
	void *memory = migration->how.allocate ? migration->how.allocate(migration->to_size)
					       : malloc(migration->to_size);

	if (memory)
		memset(memory, 0, migration->to_size);
	return memory;
}

static void release(const struct migration *migration, void *object)
{
	if (migration->how.release)
		migration->how.release(object);
	else
		free(object);
}

/* Memory of ours for objects that stay where they are, the application's for those that move. */
static bool stays(const struct migration *migration)
{
	return migration->from_size == migration->to_size;
}

static void release_fresh(struct migration *migration)
{
	for (size_t i = 0; i < migration->fresh_count; i++) {
		if (stays(migration))
			free(migration->fresh[i]);
		else if (migration->fresh[i])
			release(migration, migration->fresh[i]);
	}
	free(migration->fresh);
	migration->fresh = NULL;
	migration->fresh_count = 0;
}

static int reserve(struct migration *migration, struct suture_error *err)
{
	/* Some more than there are now: they are born while it is prepared. */
	size_t objects = migration->list.count + migration->list.count / 8 + 64;
	size_t references =
		migration->list.reference_count + migration->list.reference_count / 8 + 128;
	int rc = objects_reserve(&migration->list, objects, references, err);

	release_fresh(migration);
	if (!rc) {
		migration->fresh = calloc(objects, sizeof(*migration->fresh));
		rc = migration->fresh ? 0 : error_no_memory(err);
	}
	while (!rc && migration->fresh_count < objects) {
		void *memory =
			stays(migration) ? calloc(1, migration->to_size) : allocate(migration);

		if (!memory)
			return error_no_memory(err);
		migration->fresh[migration->fresh_count++] = memory;
	}
	return rc;
}

static void count_at_safepoint(void *arg)
{
	for (struct migration *migration = arg; migration; migration = migration->next)
		objects_take_stopped(&migration->list, migration->how.iterate);
}

int migration_begin(struct plan *plan, uint64_t timeout_ns, struct suture_error *err)
{
	struct stop_result counted;
	int rc = 0;

	if (!plan->migrations) {
		for (size_t i = 0; !rc && i < plan->remove_count; i++)
			rc = add_all(plan, plan->remove[i], false, err);
		if (!rc && plan->add)
			rc = add_all(plan, plan->add, true, err);
		/* Without room anything that is yielded is counted. */
		for (struct migration *each = plan->migrations; !rc && each; each = each->next)
			rc = objects_reserve(&each->list, 0, 0, err);
	}
	if (!rc)
		rc = stop_at_safepoint(count_at_safepoint, plan->migrations, timeout_ns, &counted,
				       err);
	for (struct migration *each = plan->migrations; !rc && each; each = each->next)
		rc = reserve(each, err);
	return rc;
}

/* ---- in the stop ---------------------------------------------------------------------------- */

static int give_up_stopped(struct migration *migration, enum why why)
{
	migration->why = why;
	return -1;
}

static int enumerate_stopped(struct migration *migration)
{
	const struct suture_objects *list = &migration->list;

	if (!objects_take_stopped(&migration->list, migration->how.iterate))
		return give_up_stopped(migration, SHORT_OF_MEMORY);
	if (list->wrong)
		return give_up_stopped(migration, WRONG_REFERENCE);
	for (size_t i = 0; !stays(migration) && i < list->reference_count; i++)
		if (!list->references[i].where)
			return give_up_stopped(migration, NO_REFERENCE);
	return 0;
}

/* First the references, then the contents: a reference may be kept inside an object. */
static void point_stopped(const struct migration *migration, bool to_fresh)
{
	const struct suture_objects *list = &migration->list;

	for (size_t i = 0; i < list->reference_count; i++) {
		size_t object = list->references[i].object;

		*list->references[i].where =
			to_fresh ? migration->fresh[object] : list->objects[object];
	}
}

static int fill_stopped(struct migration *migration)
{
	for (size_t i = 0; i < migration->list.count; i++) {
		memset(migration->fresh[i], 0, migration->to_size);
		migration->said = migration->hook(migration->list.objects[i], migration->fresh[i]);
		if (migration->said)
			return give_up_stopped(migration, HOOK_SAID_NO);
	}
	return 0;
}

static void swap_contents_stopped(struct migration *migration)
{
	for (size_t i = 0; i < migration->list.count; i++) {
		uint8_t *a = migration->list.objects[i], *b = migration->fresh[i];

		for (size_t k = 0; k < migration->to_size; k++) {
			uint8_t byte = a[k];

			a[k] = b[k];
			b[k] = byte;
		}
	}
	migration->filled = !migration->filled;
}

static int migrate_stopped(struct migration *migration)
{
	int rc;

	if (!stays(migration)) {
		point_stopped(migration, true);
		migration->moved = true;
	}
	rc = fill_stopped(migration);
	if (!rc && stays(migration))
		swap_contents_stopped(migration);
	return rc;
}

int migration_enumerate_stopped(struct plan *plan)
{
	int rc = 0;

	for (struct migration *each = plan->migrations; each; each = each->next)
		each->why = FINE;
	for (struct migration *each = plan->migrations; !rc && each; each = each->next)
		rc = enumerate_stopped(each);
	return rc;
}

int migration_run_stopped(struct plan *plan)
{
	int rc = 0;

	for (struct migration *each = plan->migrations; !rc && each; each = each->next)
		rc = migrate_stopped(each);
	if (rc)
		migration_undo_stopped(plan);
	return rc;
}

void migration_undo_stopped(struct plan *plan)
{
	for (struct migration *each = plan->migrations; each; each = each->next) {
		if (each->filled)
			swap_contents_stopped(each);
		if (each->moved)
			point_stopped(each, false);
		each->moved = false;
	}
}

/* ---- afterwards ----------------------------------------------------------------------------- */

bool migration_was_short(const struct plan *plan)
{
	for (const struct migration *each = plan->migrations; each; each = each->next)
		if (each->why == SHORT_OF_MEMORY)
			return true;
	return false;
}

int migration_explain(const struct plan *plan, struct suture_error *err)
{
	const struct migration *each = plan->migrations;

	while (each && each->why == FINE)
		each = each->next;
	if (!each)
		return 0;
	switch (each->why) {
	case SHORT_OF_MEMORY:
		error_set(err, SUTURE_E_BUSY_STACK,
			  "more and more objects of %s are born: %zu by now", each->type,
			  each->list.count);
		break;
	case WRONG_REFERENCE:
		error_set(err, SUTURE_E_UNSUPPORTED,
			  "what enumerates %s yields a reference that leads elsewhere", each->type);
		break;
	case NO_REFERENCE:
		error_set(err, SUTURE_E_UNSUPPORTED,
			  "objects of %s can't move: what enumerates them yields no references",
			  each->type);
		break;
	default:
		error_set(err, SUTURE_E_HOOK_VETO, "the migration of %s by %s returned %d",
			  each->type, each->patch->name, each->said);
	}
	return error_context(err, "no object was changed");
}

static void release_old(const struct migration *migration)
{
	for (size_t i = 0; i < migration->list.count; i++)
		release(migration, migration->list.objects[i]);
}

void migration_end(struct plan *plan, bool committed)
{
	while (plan->migrations) {
		struct migration *migration = plan->migrations;

		plan->migrations = migration->next;
		if (committed && migration->moved) {
			/* The first ones are the application's now. */
			memset(migration->fresh, 0, migration->list.count * sizeof(void *));
			release_old(migration);
		}
		release_fresh(migration);
		objects_fini(&migration->list);
		free(migration);
	}
}
