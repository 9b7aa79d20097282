/* SPDX-License-Identifier: MIT */
/* Changed functions and constructors; see change.h. */
#include "change.h"

#include "accept.h"
#include "author.h"
#include "base/error.h"
#include "compare.h"
#include "copies.h"
#include "datum.h"
#include "folded.h"
#include "guards.h"
#include "linkset.h"
#include "returns.h"
#include "startup.h"
#include "storage.h"

#include <elf.h>
#include <string.h>

static bool is_function(const struct part *part)
{
	return part->kind == PART_FUNCTION || part->kind == PART_CHILD;
}

static enum returns how_it_returns(const struct session *session, const struct unit *unit,
				   const struct part *old)
{
	const struct part *cold = NULL;

	for (size_t i = 0; i < unit->original.count && !cold; i++)
		if (unit->original.list[i]->parent == old && unit->original.list[i]->has_target)
			cold = unit->original.list[i];
	return returns_of(&session->binary, old->target, old->target_size, cold ? cold->target : 0,
			  cold ? cold->target_size : 0);
}

/*
 * main is on the stack for good, and so is a loop without a way out. One that leaves by exit() may
 * be a thread's body, or a tool's main that the server has inside and never runs.
 */
static void check_leaves(struct session *session, struct unit *unit, struct part *part)
{
	enum returns returns = how_it_returns(session, unit, part->twin);

	if (strcmp(part->name, "main") == 0 || returns == RETURNS_NEVER)
		session_refuse(session, SUTURE_E_NEVER_IDLE, unit, part,
			       "move the change into a function that it calls",
			       "never returns while the program runs");
	else if (returns == RETURNS_BY_EXIT)
		strings_add_format(&session->result->notes,
				   "%s in %s never returns, it ends by exit(): while a thread is "
				   "inside, apply answers BUSY_STACK",
				   part->name, unit->source);
}

/* The body of a coroutine, as gcc and clang name its pieces. */
static bool is_coroutine(const char *name)
{
	static const char *const pieces[] = {".actor", ".resume", ".destroy", ".cleanup"};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		const char *at = strstr(name, pieces[i]);

		if (at && (at[strlen(pieces[i])] == '\0' || at[strlen(pieces[i])] == '.'))
			return true;
	}
	return false;
}

/* Where the function that a part belongs to ends by its symbol: labels inside split it into parts.
 */
static uint64_t declared_end(const struct part_set *set, const struct part *part)
{
	return part->start + (part->symbol ? set->object->symbols[part->symbol].size : 0);
}

/* Hand-written code enters it at a second place, so that one jump can't replace it. */
static bool has_second_entry(const struct part_set *set, const struct part *part)
{
	if (declared_end(set, part) > part->start + part->size)
		return true;
	for (size_t i = 0; i < set->count; i++) {
		const struct part *other = set->list[i];

		if (other->section == part->section && other->start < part->start &&
		    declared_end(set, other) > part->start)
			return true;
	}
	return false;
}

/* What ran at start can't be repeated; a function that was only handed out there may be called yet.
 */
static void check_start(struct session *session, struct unit *unit, struct part *part)
{
	enum startup startup = startup_of(&unit->original, part->twin);

	if (startup == STARTUP_HANDS_OUT)
		strings_add_format(&session->result->notes,
				   "%s in %s is only used by what runs at start, which gives its "
				   "address away: calls from now on are of the new code, what it "
				   "did at start stays",
				   part->name, unit->source);
	if (startup != STARTUP_RUNS)
		return;
	if (!startup_constructs(part))
		session_refuse(session, SUTURE_E_CONSTRUCTOR_CHANGED, unit, part,
			       "its effects at start can't be repeated: leave it as it is",
			       "runs at start, and changes");
	else if (!session->options->relaid_count) /* else the layout is the cause, and refused */
		refusals_add(&session->result->refusals, SUTURE_E_CONSTRUCTOR_CHANGED, unit->source,
			     0,
			     "they have run: leave what initialises these objects as it is, and "
			     "make a new one static in a function, which constructs it when it is "
			     "called",
			     "constructors of global objects in %s change (%s)", unit->source,
			     part->name);
}

static void check_replaceable(struct session *session, struct unit *unit, struct part *part)
{
	const struct object_symbol *symbol = &unit->p.symbols[part->symbol];

	if (!part->twin->replaceable)
		session_refuse(session, SUTURE_E_VERIFY_MISMATCH, unit, part,
			       "pass the units that define it too",
			       "is in the binary in a form that this unit did not make");
	if (has_second_entry(&unit->original, part->twin)) {
		session_refuse(session, SUTURE_E_UNSUPPORTED, unit, part,
			       "leave it as it is, and change who calls it",
			       "has a second entry: another symbol lies inside of it");
		return; /* it is only a piece of a function, of which nothing else can be said */
	}
	if (symbol->type == STT_GNU_IFUNC)
		session_refuse(session, SUTURE_E_UNSUPPORTED, unit, part,
			       "leave the resolver as it is; change what it chooses from",
			       "is the resolver of an indirect function: it has run already");
	check_leaves(session, unit, part);
	if (is_coroutine(part->name))
		session_refuse(
			session, SUTURE_E_UNSUPPORTED, unit, part,
			"change a function that it calls and that is not inlined into it",
			"is the body of a coroutine: suspended ones resume in the middle of it");
	check_start(session, unit, part);
}

static void mark_changed(struct session *session, struct unit *unit, struct part *part,
			 const char *because)
{
	part = part_family(part);
	if (part->changed || part->elsewhere)
		return;
	part->elsewhere = copies_elsewhere(unit, part);
	part->because = because;
	if (part->elsewhere)
		return;
	part->changed = true;
	if (part_in_binary(part) && !part->twin->lost) {
		part->replaced = true;
		check_replaceable(session, unit, part);
	}
}

static void find_functions(struct session *session, struct unit *unit)
{
	struct comparer comparer = {
		.arena = &session->arena, .original = &unit->original, .patched = &unit->patched};

	for (size_t i = 0; i < unit->patched.count; i++) {
		struct part *part = unit->patched.list[i];

		if (!is_function(part) || !part->symbol)
			continue;
		if (part->twin && !compare_parts(&comparer, part->twin, part))
			mark_changed(session, unit, part, comparer.reason);
		else if (!part->twin && part->kind == PART_CHILD && part->parent->twin)
			mark_changed(session, unit, part, "its cold part is new");
	}
}

/* New entries of .init_array become constructors; new ones of .fini_array would never run. */
static int find_constructors(struct session *session, struct unit *unit)
{
	const struct object *p = &unit->p;
	size_t capacity = 0;

	for (uint32_t i = 1; i < p->section_count; i++) {
		const struct object_section *section = &p->sections[i];

		for (size_t k = 0; startup_is_list(section) && k < section->reloc_count; k++) {
			struct part *part =
				part_reference(&unit->patched, i, &section->relocs[k]).part;

			if (!part || (part->twin && startup_lists(&unit->original, part->twin)))
				continue;
			if (section->type != SHT_INIT_ARRAY) {
				session_refuse(session, SUTURE_E_CONSTRUCTOR_CHANGED, unit, part,
					       "call it from the code instead",
					       "is new and runs at exit");
				continue;
			}
			unit->constructors = arena_grow(&session->arena, unit->constructors,
							unit->constructor_count, &capacity,
							sizeof(struct part *));
			if (!unit->constructors)
				return error_no_memory(session->err);
			unit->constructors[unit->constructor_count++] = part;
		}
	}
	return 0;
}

static void check_shared(struct session *session, struct unit *unit, struct part *part)
{
	const char *other = folded_with(session, unit, part);

	if (other)
		refusals_add(&session->result->refusals, SUTURE_E_SHARED_ENTRY, unit->source,
			     part->identity.line,
			     "link without identical code folding, or change both alike",
			     "%s shares its entry in %s with %s", part->name, session->binary.name,
			     other);
}

static void check_aliases(struct session *session)
{
	for (size_t i = 0; i < session->unit_count; i++) {
		struct unit *unit = &session->units[i];

		for (size_t k = 0; k < unit->patched.count; k++)
			if (unit->patched.list[k]->replaced)
				check_shared(session, unit, unit->patched.list[k]);
	}
}

static bool replaces(const struct part *part, uint64_t target)
{
	return part->replaced && part->twin && part->twin->target == target;
}

/* An inline function that several units changed has one entry: the first unit's copy replaces it.
 */
static void drop_duplicates(struct session *session)
{
	for (size_t i = 1; i < session->unit_count; i++) {
		struct part_set *set = &session->units[i].patched;

		for (size_t k = 0; k < set->count; k++) {
			struct part *part = set->list[k];

			for (size_t j = 0; part->replaced && part->global && j < i; j++) {
				struct part_set *earlier = &session->units[j].patched;

				for (size_t n = 0; n < earlier->count; n++)
					if (replaces(earlier->list[n], part->twin->target))
						part->replaced = false;
			}
		}
	}
}

static bool is_replaced(const struct session *session, uint64_t target)
{
	for (size_t i = 0; i < session->unit_count; i++) {
		const struct part_set *set = &session->units[i].patched;

		for (size_t k = 0; k < set->count; k++)
			if (replaces(set->list[k], target))
				return true;
	}
	for (size_t i = 0; i < session->data_count; i++)
		if (session->data[i].part->twin && session->data[i].part->twin->target == target)
			return true;
	return false;
}

/* Changed, and not what runs: said, unless the one that runs changes along with it. */
static void note_lost(struct session *session, const struct unit *unit)
{
	for (size_t i = 0; i < unit->patched.count; i++) {
		const struct part *part = unit->patched.list[i];

		if (part->changed && part->twin && part->twin->lost &&
		    !is_replaced(session, part->twin->target))
			strings_add_format(&session->result->notes,
					   "%s in %s is a weak definition, and %s has another "
					   "file's: its change has no effect",
					   part->name, unit->source, session->binary.name);
	}
}

/*
 * A function that only a patch below has, and that changes, can't be replaced there: the new one is
 * another function, and whoever calls it changes too.
 */
static void part_from_below(struct session *session, struct unit *unit)
{
	struct comparer comparer = {
		.arena = &session->arena, .original = &unit->original, .patched = &unit->patched};
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < unit->patched.count; i++) {
			struct part *part = unit->patched.list[i];

			if (part->kind != PART_FUNCTION || !part_exists(part) ||
			    part_in_binary(part) || compare_parts(&comparer, part->twin, part))
				continue;
			part->twin->twin = NULL;
			part->twin = NULL;
			again = true;
		}
	}
}

int change_find(struct session *session)
{
	int code;

	for (size_t i = 0; i < session->unit_count; i++) {
		struct unit *unit = &session->units[i];

		part_from_below(session, unit);
		code = datum_find(session, unit);
		if (code)
			return code;
		linkset_check(session, unit);
		find_functions(session, unit);
		code = find_constructors(session, unit);
		if (!code)
			code = storage_check_old(session, unit);
		if (code)
			return code;
	}
	code = copies_settle(session);
	if (code)
		return code;
	drop_duplicates(session);
	for (size_t i = 0; i < session->unit_count; i++) {
		note_lost(session, &session->units[i]);
		guards_note(session, &session->units[i]);
	}
	check_aliases(session);
	for (size_t i = 0; i < session->unit_count; i++) {
		code = author_read(session, &session->units[i]);
		if (code)
			return code;
	}
	return accept_find(session);
}

bool change_any(const struct session *session)
{
	for (size_t i = 0; i < session->unit_count; i++) {
		const struct part_set *set = &session->units[i].patched;

		for (size_t k = 0; k < set->count; k++)
			if (set->list[k]->replaced)
				return true;
	}
	for (size_t i = 0; i < session->data_count; i++)
		if (session->data[i].kind != CORE_DATUM_KEEP)
			return true;
	return session->hook_count + session->migration_count > 0;
}
