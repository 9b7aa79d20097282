/* SPDX-License-Identifier: MIT */
/* By the names in object files, as the linker goes by them; see removed.h. */
#include "builder/removed.h"

#include "builder/binary.h"
#include "builder/identity.h"
#include "builder/libraries.h"
#include "builder/path.h"
#include "builder/verify.h"

#include "base/error.h"
#include "base/file.h"

#include <elf.h>
#include <string.h>

enum { OBJECT_SIZE_MAX = 1 << 30 };

/* A unit before and after the diff. */
struct pair {
	const char *source; /* as reports name it */
	bool reached;	    /* else `after` is what the build tree has, and `before` nothing */
	struct object before;
	struct object after;
};

/* A name that a unit had, and that none has with the diff. */
struct gone {
	const char *name;
	const struct pair *pair;
	uint32_t symbol; /* of pair->before */
	bool weak;
	bool used;
	bool elsewhere; /* a unit that the diff does not reach has it as well */
};

struct search {
	struct build *build;
	struct arena arena;
	struct binary binary;
	struct pair *pairs;
	size_t pair_count;
	struct gone *gone;
	size_t gone_count;
	size_t gone_capacity;
	struct libraries *libraries; /* NULL: not asked for, or not known */
	const char *unshown;	     /* a unit of the binary without an object file, or NULL */
	struct suture_error *err;
};

/* For other units: common symbols and numbers too. */
static bool offers(const struct object_symbol *symbol)
{
	return symbol->section != OBJECT_UNDEFINED && symbol->bind != STB_LOCAL && *symbol->name;
}

static bool defines(const struct object *object, const char *name)
{
	for (size_t i = 1; i < object->symbol_count; i++)
		if (offers(&object->symbols[i]) && strcmp(object->symbols[i].name, name) == 0)
			return true;
	return false;
}

static int read_pairs(struct search *search)
{
	const struct plan *plan = &search->build->plan;
	int rc = 0;

	search->pairs = arena_array(&search->arena, plan->unit_count, sizeof(*search->pairs));
	if (!search->pairs)
		return error_no_memory(search->err);
	for (size_t i = 0; i < plan->unit_count && !rc; i++) {
		struct pair *pair = &search->pairs[search->pair_count];
		const struct compile_unit *unit = &plan->units[i];

		if (unit->skipped || unit->foreign || !unit->p_path)
			continue;
		pair->source = unit->name;
		pair->reached = true;
		if (unit->o_path)
			rc = object_read(&search->arena, compile_unit_before(unit), &pair->before,
					 search->err);
		if (!rc)
			rc = object_read(&search->arena, unit->p_path, &pair->after, search->err);
		search->pair_count++;
	}
	return rc;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All names that the patched units offer, sorted: a hundred units have a hundred thousand. */
static const char **patched_names(struct search *search, size_t *count)
{
	const char **names;
	size_t room = 0;

	*count = 0;
	for (size_t i = 0; i < search->pair_count; i++)
		room += search->pairs[i].after.symbol_count;
	names = arena_array(&search->arena, room, sizeof(*names));
	for (size_t i = 0; names && i < search->pair_count; i++) {
		const struct object *object = &search->pairs[i].after;

		for (size_t k = 1; k < object->symbol_count; k++)
			if (offers(&object->symbols[k]))
				names[(*count)++] = object->symbols[k].name;
	}
	if (names)
		qsort(names, *count, sizeof(*names), compare_names);
	return names;
}

static int find_gone(struct search *search)
{
	size_t count;
	const char **names = patched_names(search, &count);

	for (size_t i = 0; names && i < search->pair_count; i++) {
		const struct object *object = &search->pairs[i].before;

		for (size_t k = 1; k < object->symbol_count; k++) {
			const struct object_symbol *symbol = &object->symbols[k];
			struct gone *list;

			if (!offers(symbol) ||
			    bsearch(&symbol->name, names, count, sizeof(*names), compare_names))
				continue;
			list = arena_grow(&search->arena, search->gone, search->gone_count,
					  &search->gone_capacity, sizeof(*list));
			if (!list)
				return error_no_memory(search->err);
			search->gone = list;
			list[search->gone_count++] =
				(struct gone){.name = symbol->name,
					      .pair = &search->pairs[i],
					      .symbol = (uint32_t)k,
					      .weak = symbol->bind == STB_WEAK};
		}
	}
	return names ? 0 : error_no_memory(search->err);
}

/* The part of an object that refers to a name which it needs from elsewhere, or NULL. */
static const struct part *find_user(const struct part_set *set, const char *name)
{
	const struct object *object = set->object;

	for (uint32_t i = 1; i < object->section_count; i++) {
		const struct object_section *section = &object->sections[i];

		if (!(section->flags & SHF_ALLOC))
			continue;
		for (size_t k = 0; k < section->reloc_count; k++) {
			const struct object_reloc *reloc = &section->relocs[k];
			const struct object_symbol *symbol = &object->symbols[reloc->symbol];
			const struct part *part;

			if (symbol->section != OBJECT_UNDEFINED || symbol->bind != STB_GLOBAL ||
			    strcmp(symbol->name, name) != 0)
				continue;
			part = part_at(set, i, (int64_t)reloc->offset);
			if (part)
				return part;
		}
	}
	return NULL;
}

/*
 * Is it in the binary as it is in the object? What the linker dropped may refer to anything, and
 * the object may be another program's, of a source by the same name.
 */
static int is_linked(struct search *search, const struct object *object, const struct part *user,
		     bool *linked)
{
	struct proof proof;
	int rc = verify_object(&search->arena, &search->binary, object->path, &proof, search->err);

	*linked = false;
	for (size_t i = 1; !rc && proof.object && i < proof.object->symbol_count; i++)
		if (!user->symbol || i == user->symbol)
			*linked |= proof.functions[i] == FUNCTION_EXACT ||
				   proof.functions[i] == FUNCTION_EQUIVALENT;
	return rc;
}

/* Of a unit of the diff: new, or in the binary. */
static bool is_used(const struct search *search, const struct object *before,
		    const struct part *user)
{
	bool is_new = true;
	size_t count;

	for (size_t i = 1; i < before->symbol_count; i++)
		is_new &= strcmp(before->symbols[i].name, user->name) != 0;
	binary_symbols(&search->binary, user->name, &count);
	return is_new || user->kind == PART_CONTENT || count > 0;
}

static void refuse(struct search *search, struct gone *gone, const char *source,
		   const struct part *user, const struct part *old)
{
	const char *file = user->identity.file ? user->identity.file : source;
	const char *place = gone->pair->source;

	if (old && old->identity.file && old->identity.line)
		place = arena_format(&search->arena, "%s:%u", path_base(old->identity.file),
				     old->identity.line);
	gone->used = true;
	refusals_add(&search->build->result->refusals, SUTURE_E_UNRESOLVED_SYMBOL, file,
		     user->identity.line, "leave it in, or change what uses it in the same diff",
		     "%s is taken out of %s, and %s in %s still uses it: %s", gone->name,
		     place ? place : "", *user->name ? user->name : "data", source,
		     search->libraries && libraries_define(search->libraries, gone->name)
			     ? "the running program would not go over to the one that a library of "
			       "it has"
			     : "the program would not link");
}

/* Parts with where they stand in the sources, as far as the object says. */
static int read_parts(struct search *search, const struct object *object, struct part_set *set)
{
	int rc = part_set_build(&search->arena, search->binary.arch, object, set, search->err);

	return rc ? rc : identity_read(&search->arena, set, search->err);
}

static int look_into(struct search *search, const struct pair *pair)
{
	struct part_set set = {0}, old = {0};
	int rc = 0;

	for (size_t i = 0; i < search->gone_count && !rc; i++) {
		struct gone *gone = &search->gone[i];
		const struct part *user;
		bool linked;

		if (gone->elsewhere ||
		    proof_wrapped_name(&search->binary, gone->name, (char[PROOF_NAME_SIZE]){0}))
			continue;
		if (!set.object)
			rc = read_parts(search, &pair->after, &set);
		user = rc ? NULL : find_user(&set, gone->name);
		if (!user)
			continue;
		if (pair->reached)
			linked = is_used(search, &pair->before, user);
		else
			rc = is_linked(search, &pair->after, user, &linked);
		if (rc || !linked)
			continue;
		rc = read_parts(search, &gone->pair->before, &old);
		if (!rc)
			refuse(search, gone, pair->source, user, old.by_symbol[gone->symbol]);
	}
	return rc;
}

/* Does the object need one of the names, or have it? Before more of it is looked at. */
static bool mentions(const struct search *search, const char *path)
{
	cleanup_memory uint8_t *data = NULL;
	size_t size;

	if (file_read(path, OBJECT_SIZE_MAX, &data, &size, NULL))
		return false;
	for (size_t i = 0; i < search->gone_count; i++) {
		const char *name = search->gone[i].name;

		if (memmem(data, size, name, strlen(name) + 1))
			return true;
	}
	return false;
}

/* Objects of the units that the diff leaves alone, which mention a name. */
static int read_others(struct search *search, struct pair *others, size_t *count)
{
	const struct plan *plan = &search->build->plan;

	*count = 0;
	for (size_t i = 0; i < plan->db.count; i++) {
		const struct compdb_entry *entry = &plan->db.entries[i];
		cleanup_memory char *path = NULL;
		cleanup_memory char *name = NULL;
		struct suture_error unsaid;

		if (!plan_is_unreached(plan, entry))
			continue;
		path = compile_built_object(entry);
		if (!path)
			search->unshown = entry->file;
		/* One that can't be read is none. */
		if (!path || !mentions(search, path) ||
		    object_read(&search->arena, arena_text(&search->arena, path),
				&others[*count].after, &unsaid))
			continue;
		for (size_t k = 0; k < search->gone_count; k++)
			search->gone[k].elsewhere |=
				defines(&others[*count].after, search->gone[k].name);
		name = plan_unit_name(plan, entry->file);
		others[(*count)++].source = arena_text(&search->arena, name ? name : entry->file);
	}
	return arena_check(&search->arena, search->err);
}

/* Inline functions go and come with their uses: one matters where a unit of the diff lacks it. */
static void drop_unused_inline(struct search *search)
{
	size_t kept = 0;

	for (size_t i = 0; i < search->gone_count; i++) {
		bool wanted = !search->gone[i].weak;

		for (size_t k = 0; k < search->pair_count && !wanted; k++) {
			const struct object *object = &search->pairs[k].after;

			for (size_t s = 1; s < object->symbol_count && !wanted; s++)
				wanted = object->symbols[s].section == OBJECT_UNDEFINED &&
					 object->symbols[s].bind == STB_GLOBAL &&
					 strcmp(object->symbols[s].name, search->gone[i].name) == 0;
		}
		if (wanted)
			search->gone[kept++] = search->gone[i];
	}
	search->gone_count = kept;
}

static void note_unshown(struct search *search)
{
	for (size_t i = 0; search->unshown && i < search->gone_count; i++) {
		const struct gone *gone = &search->gone[i];

		if (!gone->used && !gone->elsewhere)
			strings_add_format(&search->build->result->notes,
					   "%s is taken out of %s: whether all other files do "
					   "without it is not known, since %s has no object file",
					   gone->name, gone->pair->source,
					   path_base(search->unshown));
	}
}

static int find_users(struct search *search)
{
	const struct plan *plan = &search->build->plan;
	struct pair *others = arena_array(&search->arena, plan->db.count, sizeof(*others));
	size_t count = 0;
	int rc = others ? read_others(search, others, &count) : error_no_memory(search->err);

	if (!rc)
		rc = libraries_open(search->build->options->binary, plan->work_dir,
				    &search->libraries, search->err);
	for (size_t i = 0; i < search->pair_count && !rc; i++)
		rc = look_into(search, &search->pairs[i]);
	for (size_t i = 0; !rc && i < count; i++)
		rc = look_into(search, &others[i]);
	if (!rc)
		note_unshown(search);
	return rc;
}

int removed_refuse(struct build *build, struct suture_error *err)
{
	struct search search = {.build = build, .err = err};
	int rc = read_pairs(&search);

	if (!rc)
		rc = find_gone(&search);
	if (!rc)
		drop_unused_inline(&search);
	if (!rc && search.gone_count)
		rc = binary_read(&search.arena, build->options->binary, NULL, &search.binary, err);
	if (!rc && search.gone_count)
		rc = find_users(&search);
	libraries_close(search.libraries);
	arena_fini(&search.arena);
	return rc;
}
