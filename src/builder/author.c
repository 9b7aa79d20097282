/* SPDX-License-Identifier: MIT */
/* Notes of the macros of <suture/patch.h>, one section for each kind; see author.h. */
#include "author.h"

#include "base/error.h"
#include "patch/format.h"

#include <elf.h>
#include <string.h>

/* X(macro, name): in the order of enum format_hook_kind. */
#define HOOKS(X)                    \
	X(PRE_APPLY, pre_apply)     \
	X(ON_SWITCH, on_switch)     \
	X(POST_APPLY, post_apply)   \
	X(PRE_REVERT, pre_revert)   \
	X(ON_UNSWITCH, on_unswitch) \
	X(POST_REVERT, post_revert)

/* One note: a variable in a section of P. */
struct note {
	struct session *session;
	struct unit *unit;
	const struct part *part;
	const struct object_section *section;
};

static void refuse(const struct note *note, enum suture_code code, const char *next,
		   const char *macro, const char *name, const char *text)
{
	refusals_add(&note->session->result->refusals, code,
		     note->part->identity.file ? note->part->identity.file : note->unit->source,
		     note->part->identity.line, next, "%s(%s) in %s: %s", macro, name,
		     note->unit->source, text);
}

/* What the word at an offset of the note refers to. */
static struct reference word(const struct note *note, uint64_t offset)
{
	uint64_t at = note->part->start + offset;
	size_t count;
	const struct object_reloc *relocs = object_relocs(note->section, at, at + 8, &count);

	return count ? part_reference(&note->unit->patched, note->part->section, relocs)
		     : (struct reference){.kind = REFERENCE_NONE};
}

static const char *name_of(const struct reference *ref)
{
	if (ref->kind == REFERENCE_PART && ref->part)
		return ref->part->name;
	return ref->symbol && *ref->symbol->name ? ref->symbol->name : "?";
}

static struct part *function_of(const struct reference *ref)
{
	return ref->kind == REFERENCE_PART && ref->part && ref->part->kind == PART_FUNCTION &&
			       ref->offset == 0
		       ? ref->part
		       : NULL;
}

static int read_hook(const struct note *note)
{
	struct session *session = note->session;
	struct reference ref = word(note, 0);
	struct part *part = function_of(&ref);
	uint64_t kind = 0;
	static const char *const macros[] = {
#define HOOK_MACRO(macro, name) [FORMAT_HOOK_##macro] = "SUTURE_" #macro,
		HOOKS(HOOK_MACRO)
#undef HOOK_MACRO
	};
	const char *macro;

	if (note->section->data && note->part->size >= 16)
		memcpy(&kind, note->section->data + note->part->start + 8, sizeof(kind));
	if (kind < FORMAT_HOOK_PRE_APPLY || kind > FORMAT_HOOK_POST_REVERT) {
		refuse(note, SUTURE_E_UNSUPPORTED, "use the <suture/patch.h> of this version",
		       "a hook", name_of(&ref), "of an unknown kind");
		return 0;
	}
	macro = macros[kind];
	if (!part) {
		refuse(note, SUTURE_E_UNRESOLVED_SYMBOL,
		       "define the hook in the same file, and the macro behind it", macro,
		       name_of(&ref), "this file defines no such function");
		return 0;
	}
	if (part_exists(part) && !part->replaced) {
		refuse(note, SUTURE_E_UNSUPPORTED, "write a new function that calls it", macro,
		       part->name, "the program's own functions are no hooks");
		return 0;
	}
	session->hooks = arena_grow(&session->arena, session->hooks, session->hook_count,
				    &session->hook_capacity, sizeof(*session->hooks));
	if (!session->hooks)
		return error_no_memory(session->err);
	session->hooks[session->hook_count++] =
		(struct hook){.unit = note->unit, .part = part, .kind = (uint32_t)kind};
	return 0;
}

/* "f.constprop.0" is code of f, and so is f itself. */
static bool is_code_of(const struct part *part, const char *name, size_t length)
{
	return (part->kind == PART_FUNCTION || part->kind == PART_CHILD) &&
	       strncmp(part->name, name, length) == 0 &&
	       (part->name[length] == '\0' || part->name[length] == '.');
}

static bool holds_inlined(const struct part *part, const char *name)
{
	for (size_t i = 0; part->kind == PART_FUNCTION && i < part->identity.inlined_count; i++)
		if (part->identity.inlined[i] && strcmp(part->identity.inlined[i], name) == 0)
			return true;
	return false;
}

/* Why a function that the program had does not have a code of its own that could be called. */
static const char *why_no_code(const struct unit *unit, const char *name)
{
	const struct part_set *set = &unit->original;

	for (size_t i = 0; i < set->count; i++)
		if (is_code_of(set->list[i], name, strlen(name)))
			return "the program has only specialised copies of it, which take other "
			       "arguments";
	for (size_t i = 0; i < set->count; i++)
		if (holds_inlined(set->list[i], name))
			return "the program has no code of its own for it: it was inlined";
	return "the program has no such function: it is new";
}

static int read_original(const struct note *note)
{
	static const char macro[] = "SUTURE_ORIGINAL";
	struct session *session = note->session;
	struct reference slot = word(note, 0);
	struct reference ref = word(note, 8);
	struct part *part = function_of(&ref);

	if (slot.kind != REFERENCE_PART || !slot.part || !author_is_slot(note->unit, slot.part)) {
		refuse(note, SUTURE_E_UNSUPPORTED, "use the <suture/patch.h> of this version",
		       macro, name_of(&ref), "the note has no slot");
		return 0;
	}
	if (!part) {
		refuse(note, SUTURE_E_UNRESOLVED_SYMBOL,
		       "put it into the file that defines the function", macro, name_of(&ref),
		       "this file defines no such function");
		return 0;
	}
	if (!part_exists(part)) {
		refuse(note, SUTURE_E_UNRESOLVED_SYMBOL,
		       "call the function itself, or name a function that calls it", macro,
		       part->name, why_no_code(note->unit, part->name));
		return 0;
	}
	if (!part->replaced) {
		refuse(note, SUTURE_E_UNSUPPORTED,
		       part->changed ? "put it into the first file that has the function"
				     : "call the function itself",
		       macro, part->name,
		       part->changed ? "another file of the patch replaces it"
				     : "the diff does not change it");
		return 0;
	}
	session->originals =
		arena_grow(&session->arena, session->originals, session->original_count,
			   &session->original_capacity, sizeof(*session->originals));
	if (!session->originals)
		return error_no_memory(session->err);
	session->originals[session->original_count++] =
		(struct original){.unit = note->unit, .slot = slot.part, .part = part};
	return 0;
}

/* The text that the word at an offset of the note points to, or NULL. */
static const char *text_of(const struct note *note, uint64_t offset)
{
	struct reference ref = word(note, offset);
	uint32_t index = ref.kind == REFERENCE_PART && ref.part ? ref.part->section : ref.section;
	const struct object *p = &note->unit->p;
	int64_t at = ref.offset +
		     (ref.kind == REFERENCE_PART && ref.part ? (int64_t)ref.part->start : 0);

	if ((ref.kind != REFERENCE_PART && ref.kind != REFERENCE_MERGED) ||
	    index >= p->section_count || !p->sections[index].data || at < 0 ||
	    (uint64_t)at >= p->sections[index].size ||
	    !memchr(p->sections[index].data + at, '\0', p->sections[index].size - (uint64_t)at))
		return NULL;
	return (const char *)p->sections[index].data + at;
}

static int read_migrate(const struct note *note)
{
	struct session *session = note->session;
	struct reference forward = word(note, 8);
	struct reference reverse = word(note, 16);
	struct migration migration = {.unit = note->unit,
				      .type = text_of(note, 0),
				      .forward = function_of(&forward),
				      .reverse = function_of(&reverse)};
	const struct reference *missing = !migration.forward ? &forward : &reverse;

	if (!migration.type)
		migration.type = "?";
	if (!migration.forward || (!migration.reverse && reverse.kind != REFERENCE_NONE) ||
	    part_exists(migration.forward) ||
	    (migration.reverse && part_exists(migration.reverse))) {
		refuse(note, SUTURE_E_UNRESOLVED_SYMBOL,
		       "write new functions for it in the same file, and the macro behind them",
		       "SUTURE_MIGRATE", migration.type,
		       arena_format(&session->arena, "%s is no new function of this file",
				    name_of(missing)));
		return 0;
	}
	session->migrations =
		arena_grow(&session->arena, session->migrations, session->migration_count,
			   &session->migration_capacity, sizeof(*session->migrations));
	if (!session->migrations)
		return error_no_memory(session->err);
	session->migrations[session->migration_count++] = migration;
	return 0;
}

static int add_idle(const struct note *note, struct part *part, const char *because)
{
	struct session *session = note->session;

	session->idle = arena_grow(&session->arena, session->idle, session->idle_count,
				   &session->idle_capacity, sizeof(*session->idle));
	if (!session->idle)
		return error_no_memory(session->err);
	session->idle[session->idle_count++] =
		(struct idle){.unit = note->unit, .part = part, .because = because};
	return 0;
}

/* A function of another file, known by the binary's symbols. */
static int require_elsewhere(const struct note *note, const char *name, bool *found)
{
	struct session *session = note->session;
	size_t count;
	const struct binary_symbol *symbols = binary_symbols(&session->binary, name, &count);
	struct part *part;

	for (size_t i = 0; i < count && !*found; i++) {
		if (!symbols[i].defined || symbols[i].type != STT_FUNC || !symbols[i].size ||
		    symbols[i].bind == STB_LOCAL)
			continue;
		part = arena_array(&session->arena, 1, sizeof(*part));
		if (!part)
			return error_no_memory(session->err);
		*part = (struct part){.kind = PART_FUNCTION,
				      .name = symbols[i].name,
				      .has_target = true,
				      .target = symbols[i].address,
				      .target_size = symbols[i].size};
		*found = true;
		return add_idle(note, part, "SUTURE_REQUIRE_IDLE names it");
	}
	return 0;
}

static int require_idle(const struct note *note, const char *name)
{
	const struct part_set *set = &note->unit->original;
	size_t length = strlen(name);
	bool found = false;
	int code = 0;

	for (size_t i = 0; !code && i < set->count; i++) {
		struct part *part = set->list[i];
		const char *because = NULL;

		if (!part->has_target || !part->target_size)
			continue;
		if (is_code_of(part, name, length))
			because = "SUTURE_REQUIRE_IDLE names it";
		else if (holds_inlined(part, name))
			because = arena_format(&note->session->arena,
					       "SUTURE_REQUIRE_IDLE names %s, which was inlined "
					       "into it",
					       name);
		else if (part->unlike && part->kind == PART_FUNCTION)
			because = arena_format(&note->session->arena,
					       "SUTURE_REQUIRE_IDLE names %s, which may be inlined "
					       "into it",
					       name);
		if (!because)
			continue;
		found |= !part->unlike || is_code_of(part, name, length);
		code = add_idle(note, part, because);
	}
	if (!code && !found)
		code = require_elsewhere(note, name, &found);
	if (!code && !found)
		refuse(note, SUTURE_E_UNRESOLVED_SYMBOL,
		       "name a function that the running program has", "SUTURE_REQUIRE_IDLE", name,
		       "the program has no code of that name");
	return code;
}

/* By its name, as C has it. */
static int read_idle(const struct note *note)
{
	const char *name =
		note->section->data ? (const char *)note->section->data + note->part->start : "";

	if (!memchr(name, '\0', note->section->data ? note->part->size : 1))
		return 0;
	return require_idle(note, name);
}

/* By reference, as C++ has it. */
static int read_require(const struct note *note)
{
	struct reference ref = word(note, 0);

	if (ref.kind == REFERENCE_NONE) {
		refuse(note, SUTURE_E_UNSUPPORTED,
		       "name it by its symbol: extern int name(…) __asm__(\"_ZN…\")",
		       "SUTURE_REQUIRE_IDLE", "a virtual function",
		       "it does not say which function is meant");
		return 0;
	}
	return require_idle(note, name_of(&ref));
}

static int read_notes(struct session *session, struct unit *unit, uint32_t index,
		      int read(const struct note *note))
{
	const struct part_set *set = &unit->patched;
	struct note note = {.session = session, .unit = unit, .section = &unit->p.sections[index]};
	int code = 0;

	for (size_t i = set->first[index]; !code && i < set->first[index + 1]; i++) {
		note.part = set->list[i];
		if (note.part->symbol && !note.part->twin)
			code = read(&note);
	}
	return code;
}

int author_read(struct session *session, struct unit *unit)
{
	static const struct {
		const char *section;
		int (*read)(const struct note *note);
	} kinds[] = {
		{".suture.author.hooks", read_hook},
		{".suture.author.originals", read_original},
		{".suture.author.idle", read_idle},
		{".suture.author.require", read_require},
		{".suture.author.migrate", read_migrate},
	};
	int code = 0;

	for (uint32_t i = 1; !code && i < unit->p.section_count; i++) {
		const char *name = unit->p.sections[i].name;
		bool known = false;

		if (strncmp(name, ".suture.", strlen(".suture.")) != 0)
			continue;
		for (size_t k = 0; !code && k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			if (strcmp(name, kinds[k].section) != 0)
				continue;
			known = true;
			code = read_notes(session, unit, i, kinds[k].read);
		}
		/* A note that silently does nothing would be worse than no patch. */
		if (!known)
			refusals_add(&session->result->refusals, SUTURE_E_UNSUPPORTED, unit->source,
				     0, "use the <suture/patch.h> of this version",
				     "%s has a section %s, which this version does not know",
				     unit->source, name);
	}
	return code;
}

bool author_is_slot(const struct unit *unit, const struct part *part)
{
	return part->kind == PART_DATA && part->section < unit->p.section_count &&
	       strcmp(unit->p.sections[part->section].name, ".data.suture.original") == 0;
}

const char *author_hook_name(uint32_t kind)
{
	static const char *const names[] = {
#define HOOK_NAME(macro, name) [FORMAT_HOOK_##macro] = #name,
		HOOKS(HOOK_NAME)
#undef HOOK_NAME
	};

	return names[kind];
}
