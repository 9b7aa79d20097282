/* SPDX-License-Identifier: MIT */
/* Stubs of scoped patches; see dispatch.h. Plan phase. */
#include "trampoline/dispatch.h"
#include "agent/agent.h"

#include "base/error.h"
#include "scope/thread.h"

#include <stdlib.h>

static struct dispatch *find(struct dispatch_table *table, const struct dispatch *wanted)
{
	for (size_t i = 0; i < table->count; i++) {
		struct dispatch *record = &table->records[i];

		if (record->patch == wanted->patch && record->entry == wanted->entry &&
		    record->slot == wanted->slot && record->set == wanted->set &&
		    (!record->otherwise || record->otherwise == wanted->otherwise))
			return record;
	}
	return NULL;
}

static int make(struct agent *agent, const struct dispatch *wanted, struct dispatch **made,
		struct suture_error *err)
{
	struct dispatch_table *table = &agent->dispatches;
	uintptr_t stub;
	int rc;

	if (table->count == table->capacity) {
		size_t room = table->capacity ? table->capacity * 2 : 16;
		void *grown = realloc(table->records, room * sizeof(*table->records));

		if (!grown)
			return error_no_memory(err);
		table->records = grown;
		table->capacity = room;
	}
	rc = dispatch_place(&agent->near, wanted->entry, &stub, err);
	if (rc)
		return rc;
	*made = &table->records[table->count++];
	**made = *wanted;
	(*made)->otherwise = 0;
	(*made)->stub = stub;
	agent->islands.stale = true;
	return 0;
}

int dispatch_begin(struct agent *agent, const struct dispatch *wanted, uintptr_t *stub,
		   struct suture_error *err)
{
	struct dispatch *record = find(&agent->dispatches, wanted);
	int rc = record ? 0 : make(agent, wanted, &record, err);

	if (!rc)
		*stub = record->stub;
	return rc;
}

int dispatch_finish(struct agent *agent, uintptr_t stub, uintptr_t otherwise,
		    struct suture_error *err)
{
	struct dispatch *record = agent->dispatches.records;
	struct arch_dispatch choice = {.word = scope_latch_offset(), .otherwise = otherwise};
	int rc;

	while (record->stub != stub)
		record++;
	if (record->otherwise)
		return 0;
	choice.bit = record->slot;
	choice.set = record->set;
	rc = dispatch_write(&agent->near, stub, &choice, err);
	if (!rc)
		record->otherwise = otherwise;
	return rc;
}

void dispatch_forget(struct agent *agent, const struct patch *patch)
{
	struct dispatch_table *table = &agent->dispatches;
	size_t kept = 0;

	for (size_t i = 0; i < table->count; i++) {
		if (table->records[i].patch == patch)
			dispatch_discard(&agent->near, table->records[i].stub);
		else
			table->records[kept++] = table->records[i];
	}
	agent->islands.stale = agent->islands.stale || kept != table->count;
	table->count = kept;
}

void dispatch_table_fini(struct dispatch_table *table)
{
	free(table->records);
	*table = (struct dispatch_table){0};
}
