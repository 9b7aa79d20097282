/* SPDX-License-Identifier: MIT */
/* The closure over what changed functions need; see needs.h. */
#include "needs.h"

#include "bind.h"
#include "libraries.h"
#include "path.h"
#include "storage.h"

#include <elf.h>
#include <string.h>

/* A part that is about to enter the patch: may it? */
static void enter(struct session *session, struct unit *unit, struct part *part)
{
	const struct binary_symbol *symbols;
	size_t count;

	if (part->kind != PART_DATA && part->kind != PART_FUNCTION)
		return;
	if (part->kind == PART_DATA && part->tls && !part_exists(part)) {
		session_refuse(session, SUTURE_E_NEW_TLS, unit, part,
			       "use suture_shadow_get() with the thread as its key",
			       "is a new thread-local variable");
		return;
	}
	if (part_exists(part) || !part->global || part->weak)
		return;
	symbols = binary_symbols(&session->binary, part->name, &count);
	if (count && symbols[0].defined && symbols[0].bind != STB_LOCAL)
		session_refuse(session, SUTURE_E_UNSUPPORTED, unit, part,
			       "leave it where it is, or give the new one another name",
			       "is new in this file, but the binary has one from another file");
}

static bool keep(struct session *session, struct unit *unit, uint32_t section)
{
	struct part_set *set = &unit->patched;

	if (section == OBJECT_COMMON || unit->kept[section])
		return false;
	unit->kept[section] = true;
	for (size_t i = set->first[section]; i < set->first[section + 1]; i++) {
		struct part *part = set->list[i];

		enter(session, unit, part);
		if (part->lsda_section)
			keep(session, unit, part->lsda_section);
	}
	return true;
}

static void keep_roots(struct session *session, struct unit *unit)
{
	for (size_t i = 0; i < unit->patched.count; i++)
		if (unit->patched.list[i]->replaced)
			keep(session, unit, unit->patched.list[i]->section);
	for (size_t i = 0; i < unit->constructor_count; i++)
		keep(session, unit, unit->constructors[i]->section);
}

static void keep_notes(struct session *session)
{
	for (size_t i = 0; i < session->hook_count; i++)
		keep(session, session->hooks[i].unit, session->hooks[i].part->section);
	for (size_t i = 0; i < session->migration_count; i++) {
		const struct migration *migration = &session->migrations[i];

		keep(session, migration->unit, migration->forward->section);
		if (migration->reverse)
			keep(session, migration->unit, migration->reverse->section);
	}
	for (size_t i = 0; i < session->original_count; i++)
		keep(session, session->originals[i].unit, session->originals[i].slot->section);
}

static bool follow(struct session *session, struct unit *unit, uint32_t index)
{
	const struct object_section *section = &unit->p.sections[index];
	bool progress = false;

	for (size_t i = 0; i < section->reloc_count; i++) {
		struct bound bound = bind_reference(session, unit, index, &section->relocs[i]);
		struct part *part = bound.reference.part;

		if (bound.kind == BOUND_OWN && bound.reference.kind == REFERENCE_PART)
			progress |= keep(session, unit, part->section);
		else if (bound.kind == BOUND_OWN && bound.reference.kind == REFERENCE_MERGED)
			progress |= keep(session, unit, bound.reference.section);
		if (bound.kind == BOUND_OWN && part && part->section == OBJECT_COMMON &&
		    part->because == NULL)
			part->because = "new";
		if (bound.kind == BOUND_UNIT) {
			progress |= keep(session, bound.unit, bound.part->section);
			bound.unit->exported[bound.part->symbol] = true;
		}
	}
	return progress;
}

/* The unwinder's routine and the tables of a kept function are reached through .eh_frame. */
static bool is_frames(const struct object_section *section)
{
	return strcmp(section->name, ".eh_frame") == 0;
}

static bool follow_personality(struct session *session, struct unit *unit, uint32_t index)
{
	const struct object_section *section = &unit->p.sections[index];
	bool progress = false;

	for (size_t i = 0; i < section->reloc_count; i++) {
		struct reference ref = part_reference(&unit->patched, index, &section->relocs[i]);

		if (ref.kind == REFERENCE_PART && ref.part->kind == PART_CONTENT &&
		    strncmp(ref.part->name, "DW.ref.", 7) == 0)
			progress |= keep(session, unit, ref.part->section);
	}
	return progress;
}

static void refuse_reference(struct session *session, struct unit *unit, uint32_t section,
			     const struct object_reloc *reloc, const struct bound *bound)
{
	const struct part *from = part_at(&unit->patched, section, (int64_t)reloc->offset);

	refusals_add(&session->result->refusals, SUTURE_E_UNRESOLVED_SYMBOL,
		     from && part_file(from) ? part_file(from) : unit->source,
		     from ? from->identity.line : 0,
		     bound->next
			     ? bound->next
			     : "give the variables different names, or leave their declarations "
			       "alone",
		     "%s in %s refers to %s: %s", from ? from->name : "code", unit->source,
		     bound->name && *bound->name ? bound->name : "something", bound->why);
}

/* A name that the program has not used so far, and that no library of it has. */
static bool is_nowhere(struct session *session, const struct unit *unit, const struct bound *bound,
		       int *code)
{
	const char *work_dir = session->options->work_dir;
	bool left_over;
	size_t known;

	/* What a library leaves open may be the program's that loads it, or another library's. */
	if (bound->kind != BOUND_IMPORT || !bound->name || bound->weak || bound->tls || !work_dir ||
	    !session->binary.executable)
		return false;
	left_over = bind_taken_out(unit, bound->name);
	/* The agent brings its own interface along; of another binary its build tells. */
	if (!left_over &&
	    (session->options->one_of_several || strncmp(bound->name, "suture_", 7) == 0))
		return false;
	binary_symbols(&session->binary, bound->name, &known);
	if (known && !left_over)
		return false;
	if (!session->libraries_asked)
		*code = libraries_open(session->options->binary, work_dir, &session->libraries,
				       session->err);
	session->libraries_asked = true;
	return session->libraries && !libraries_define(session->libraries, bound->name);
}

static void refuse_nowhere(struct session *session, struct unit *unit, struct bound *bound)
{
	const struct part *old = bind_taken_out(unit, bound->name);

	bound->next = "leave its definition in, or bring one, or mend the name";
	bound->why = arena_format(&session->arena,
				  "neither %s nor its libraries have it, and the diff brings none",
				  session->binary.name);
	if (!old)
		return;
	bound->next = "leave it in, or change what uses it in the same diff";
	bound->why = arena_format(&session->arena,
				  "the diff takes its definition out (%s:%u), and nothing else "
				  "has it",
				  path_base(part_file(old) ? part_file(old) : unit->source),
				  old->identity.line);
}

/* After the closure: what can't be bound. */
static int check_references(struct session *session, struct unit *unit)
{
	int code = 0;

	for (uint32_t i = 1; i < unit->p.section_count; i++) {
		const struct object_section *section = &unit->p.sections[i];
		const char *last = "";

		for (size_t k = 0; unit->kept[i] && k < section->reloc_count && !code; k++) {
			struct bound bound = bind_reference(session, unit, i, &section->relocs[k]);

			if (bound.name && strcmp(bound.name, last) == 0)
				continue;
			if (is_nowhere(session, unit, &bound, &code))
				refuse_nowhere(session, unit, &bound);
			else if (bound.kind != BOUND_REFUSED)
				continue;
			refuse_reference(session, unit, i, &section->relocs[k], &bound);
			last = bound.name ? bound.name : "";
		}
	}
	return code;
}

int needs_close(struct session *session)
{
	bool progress = true;

	for (size_t i = 0; i < session->unit_count; i++)
		keep_roots(session, &session->units[i]);
	keep_notes(session);
	for (size_t i = 0; i < session->data_count; i++)
		if (session->data[i].kind != CORE_DATUM_KEEP)
			keep(session, session->data[i].unit, session->data[i].part->section);
	while (progress) {
		progress = false;
		for (size_t i = 0; i < session->unit_count; i++) {
			struct unit *unit = &session->units[i];
			bool any = false;

			for (uint32_t k = 1; k < unit->p.section_count; k++) {
				if (!unit->kept[k])
					continue;
				any = true;
				progress |= follow(session, unit, k);
			}
			for (uint32_t k = 1; any && k < unit->p.section_count; k++)
				if (is_frames(&unit->p.sections[k]))
					progress |= follow_personality(session, unit, k);
		}
	}
	for (size_t i = 0; i < session->unit_count; i++) {
		int code = storage_check_new(session, &session->units[i]);

		if (!code)
			code = check_references(session, &session->units[i]);
		if (code)
			return code;
	}
	return refusals_check(&session->result->refusals, session->err);
}
