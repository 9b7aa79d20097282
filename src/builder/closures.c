/* SPDX-License-Identifier: MIT */
/* Closure types in DWARF, and the names of functions that are about just one of them. */
#include "closures.h"

#include "base/error.h"
#include "builder/debuginfo.h"
#include "builder/scopes.h"
#include "builder/typemember.h"
#include "builder/typename.h"
#include "mangled.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64, MAX_ARGUMENT_DEPTH = 8 };

/* What a function is about: the closure whose member it is, or the one that is its argument. */
struct subject {
	struct closure_place member;
	struct closure_place argument;
	unsigned arguments;
	bool of_lambda; /* its name, or that of its class, has a closure in it */
};

/* A function as it is declared. */
struct declared {
	Dwarf_Off place;
	struct subject subject;
};

/* A function with code. */
struct compiled {
	Dwarf_Off declaration;
	const char *name;
};

struct reading {
	struct closures *closures;
	const struct object *object;
	Dwfl_Module *module;
	struct scopes scopes;
	struct declared *declared; /* by rising place */
	size_t declared_count;
	size_t declared_capacity;
	struct compiled *compiled;
	size_t compiled_count;
	size_t compiled_capacity;
};

struct closure *closures_find(const struct closures *closures, const char *key, unsigned number)
{
	for (size_t i = 0; i < closures->count; i++)
		if (closures->list[i].number == number && strcmp(closures->list[i].key, key) == 0)
			return &closures->list[i];
	return NULL;
}

static void add_mentioned(struct closures *closures, const char *name)
{
	struct mangled_closure *list;
	size_t count;

	if (!mangled_closures(closures->arena, name, &list, &count))
		closures->unreadable = true;
	for (size_t i = 0; i < count; i++) {
		if (!list[i].key || closures_find(closures, list[i].key, list[i].number))
			continue;
		closures->list = arena_grow(closures->arena, closures->list, closures->count,
					    &closures->capacity, sizeof(*closures->list));
		if (!closures->list) {
			closures->count = 0; /* noted in the arena */
			return;
		}
		closures->list[closures->count++] = (struct closure){.key = list[i].key,
								     .by_unit = list[i].by_unit,
								     .number = list[i].number,
								     .other = list[i].number};
	}
}

static bool is_class(Dwarf_Die *die)
{
	return dwarf_tag(die) == DW_TAG_structure_type || dwarf_tag(die) == DW_TAG_class_type;
}

/*
 * clang leaves operator() out where nothing is left of it: what has no name and no function at all
 * would be of no use as a class that somebody wrote, whose members are private.
 */
bool closures_is_closure(Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	bool has_functions = false;
	Dwarf_Die child;

	if (!is_class(die) || (name && *name != '<'))
		return false;
	if (name && strncmp(name, "<lambda", 7) == 0)
		return true;
	if (dwarf_child(die, &child) == 0) {
		do {
			if (dwarf_tag(&child) != DW_TAG_subprogram)
				continue;
			has_functions = true;
			name = dwarf_diename(&child);
			if (name && (strncmp(name, "operator()", 10) == 0 ||
				     strncmp(name, "<lambda", 7) == 0))
				return true;
		} while (dwarf_siblingof(&child, &child) == 0);
	}
	return !has_functions && !dwarf_diename(die) && dwarf_tag(die) == DW_TAG_class_type &&
	       !dwarf_hasattr(die, DW_AT_linkage_name);
}

struct closure_place closures_place(struct arena *arena, Dwarf_Die *die)
{
	struct closure_place place = {0};
	const char *file = debuginfo_file(die);
	const char *slash = file ? strrchr(file, '/') : NULL;

	if (!file || dwarf_decl_line(die, &place.line))
		return (struct closure_place){0};
	if (dwarf_decl_column(die, &place.column))
		place.column = 0;
	place.file = arena_text(arena, slash ? slash + 1 : file);
	return place;
}

static int compare_places(const void *left, const void *right)
{
	const struct closure_place *a = left;
	const struct closure_place *b = right;
	int order = strcmp(a->file, b->file);

	if (!order)
		order = (a->line > b->line) - (a->line < b->line);
	return order ? order : (a->column > b->column) - (a->column < b->column);
}

/* All places, each once: templates repeat theirs. */
static void sort_places(struct closures *closures)
{
	size_t kept = 0;

	if (!closures->place_count)
		return;
	qsort(closures->places, closures->place_count, sizeof(*closures->places), compare_places);
	for (size_t i = 0; i < closures->place_count; i++)
		if (!kept || compare_places(&closures->places[kept - 1], &closures->places[i]))
			closures->places[kept++] = closures->places[i];
	closures->place_count = kept;
}

static void note_place(struct closures *closures, const struct closure_place *place)
{
	if (!place->file)
		return;
	closures->places = arena_grow(closures->arena, closures->places, closures->place_count,
				      &closures->place_capacity, sizeof(*closures->places));
	if (closures->places)
		closures->places[closures->place_count++] = *place;
}

bool closures_same_place(const struct closure_place *left, const struct closure_place *right)
{
	return left->file && right->file && compare_places(left, right) == 0;
}

size_t closures_on_line(const struct closures *closures, const struct closure_place *place,
			size_t *before)
{
	size_t count = 0;

	*before = 0;
	for (size_t i = 0; i < closures->place_count; i++) {
		const struct closure_place *other = &closures->places[i];

		if (!place->file || other->line != place->line ||
		    strcmp(other->file, place->file) != 0)
			continue;
		*before += other->column < place->column;
		count++;
	}
	return count;
}

/* The names of all parameters and variables of a function, each between blanks. */
static const char *names_in(struct arena *arena, Dwarf_Die *function, const char *names, int depth)
{
	Dwarf_Die child;

	if (depth > MAX_DEPTH || dwarf_child(function, &child) != 0)
		return names;
	do {
		int tag = dwarf_tag(&child);
		const char *name = dwarf_diename(&child);

		if (tag == DW_TAG_lexical_block)
			names = names_in(arena, &child, names, depth + 1);
		else if (name && names &&
			 (tag == DW_TAG_variable || tag == DW_TAG_formal_parameter))
			names = arena_format(arena, "%s%s ", names, name);
	} while (dwarf_siblingof(&child, &child) == 0);
	return names;
}

static void note_captures(struct reading *reading, struct closure_layout *layout, Dwarf_Die *die)
{
	struct arena *arena = reading->closures->arena;
	struct type_reader reader = {.scopes = &reading->scopes};
	struct type type = {0};

	type_read_members(&reader, &type, die);
	layout->captures = arena_array(arena, type.member_count, sizeof(*layout->captures));
	for (size_t i = 0; layout->captures && i < type.member_count && !reader.failed; i++) {
		const struct type_member *member = &type.members[i];
		const char *name = member->name;

		if (strncmp(name, "__", 2) == 0) /* gcc's */
			name += 2;
		if (member->kind == TYPE_FIELD || member->kind == TYPE_BASE)
			layout->captures[layout->capture_count++] = (struct closure_capture){
				arena_text(arena, name), member->offset, member->size,
				arena_text(arena, member->type)};
	}
	arena->failed |= reader.failed;
	type_fini(&type);
}

/* function is what it is declared in, or NULL. */
static void note_layout(struct reading *reading, Dwarf_Die *die, const struct closure_place *place,
			Dwarf_Die *function)
{
	struct closures *closures = reading->closures;
	const char *name = function ? dwarf_diename(function) : NULL;
	struct closure_layout *layout;
	Dwarf_Word size = 0;

	if (!place->file)
		return;
	closures->layouts = arena_grow(closures->arena, closures->layouts, closures->layout_count,
				       &closures->layout_capacity, sizeof(*closures->layouts));
	if (!closures->layouts) {
		closures->layout_count = 0;
		return;
	}
	layout = &closures->layouts[closures->layout_count++];
	dwarf_aggregate_size(die, &size);
	*layout = (struct closure_layout){
		.place = *place,
		.function = arena_text(closures->arena, name ? name : ""),
		.around = function ? names_in(closures->arena, function, " ", 0) : " ",
		.size = size};
	note_captures(reading, layout, die);
}

static void add_inside(struct reading *reading, Dwarf_Die *parent, struct subject *subject,
		       int depth);

/*
 * A closure, or an instance of a template whose name has one. clang leaves operator() out of
 * closures that it optimised away: what has no name, in a template whose name has a closure, is
 * that.
 */
static void add_type(struct reading *reading, Dwarf_Die *holder, struct subject *subject, int depth)
{
	struct closure_place place;
	Dwarf_Attribute attribute;
	const char *name;
	Dwarf_Die type;

	if (!dwarf_attr(holder, DW_AT_type, &attribute) || !dwarf_formref_die(&attribute, &type) ||
	    !typename_strip(&type, true))
		return;
	name = dwarf_diename(&type);
	if (!closures_is_closure(&type) && (name || !is_class(&type) || !subject->of_lambda)) {
		if (is_class(&type) && name && strstr(name, "lambda"))
			add_inside(reading, &type, subject, depth + 1);
		return;
	}
	place = closures_place(reading->closures->arena, &type);
	note_place(reading->closures, &place);
	if (subject->arguments && place.file && subject->argument.file &&
	    compare_places(&place, &subject->argument) == 0)
		return;
	subject->argument = place;
	subject->arguments++;
}

/*
 * Closures among the arguments of a template, and of templates among these; gcc leaves packs empty:
 *
 *	class tuple<f()::<lambda()> >		its base has the closure as an argument
 *		GNU_template_parameter_pack
 */
static void add_inside(struct reading *reading, Dwarf_Die *parent, struct subject *subject,
		       int depth)
{
	const char *name = dwarf_diename(parent);
	Dwarf_Die child;

	subject->of_lambda |= name && strstr(name, "lambda");
	if (depth > MAX_ARGUMENT_DEPTH || dwarf_child(parent, &child) != 0)
		return;
	do {
		switch (dwarf_tag(&child)) {
		case DW_TAG_GNU_template_parameter_pack:
			add_inside(reading, &child, subject, depth + 1);
			break;
		case DW_TAG_template_type_parameter:
			add_type(reading, &child, subject, depth);
			break;
		case DW_TAG_inheritance:
			if (depth > 0)
				add_type(reading, &child, subject, depth);
			break;
		default:
			break;
		}
	} while (dwarf_siblingof(&child, &child) == 0);
}

static void note_compiled(struct reading *reading, Dwarf_Die *die, const char *name)
{
	if (!mangled_may_have_closures(name))
		return;
	reading->compiled =
		arena_grow(reading->closures->arena, reading->compiled, reading->compiled_count,
			   &reading->compiled_capacity, sizeof(*reading->compiled));
	name = arena_text(reading->closures->arena, name);
	if (reading->compiled && name)
		reading->compiled[reading->compiled_count++] =
			(struct compiled){debuginfo_declaration(die), name};
}

/* The symbols at an address: names of the function, or of a static variable in it. */
static void note_symbols(struct reading *reading, Dwarf_Die *function, Dwarf_Addr address)
{
	const struct object_section *section;
	size_t number = debuginfo_section(reading->module, &address);

	if (!number || number >= reading->object->section_count)
		return;
	section = &reading->object->sections[number];
	for (size_t i = 0; i < section->symbol_count; i++) {
		const struct object_symbol *symbol = &reading->object->symbols[section->symbols[i]];

		if (symbol->value == address)
			note_compiled(reading, function, symbol->name);
	}
}

/* The names that a function has: of its symbols, and as DWARF says it. */
static void note_names(struct reading *reading, Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	const char *linkage = dwarf_formstring(dwarf_attr(die, DW_AT_linkage_name, &attribute));
	Dwarf_Addr base, start, end;

	if (linkage) {
		if (mangled_may_have_closures(linkage))
			add_mentioned(reading->closures, linkage);
		note_compiled(reading, die, linkage);
	}
	if (!dwarf_lowpc(die, &start) || dwarf_ranges(die, 0, &base, &start, &end) > 0)
		note_symbols(reading, die, start);
}

/* A static variable says which function it is in, where that one itself has no code. */
static void note_variable(struct reading *reading, Dwarf_Die *die, Dwarf_Die *function)
{
	Dwarf_Addr address;

	if (debuginfo_variable(die, &address))
		note_symbols(reading, function, address);
}

static void walk(struct reading *reading, Dwarf_Die *parent, const struct subject *around,
		 Dwarf_Die *function, int depth)
{
	struct arena *arena = reading->closures->arena;
	Dwarf_Die die;

	if (depth > MAX_DEPTH || dwarf_child(parent, &die) != 0)
		return;
	do {
		bool is_function = dwarf_tag(&die) == DW_TAG_subprogram;
		struct subject subject = {0};

		if (is_class(&die)) {
			subject = *around;
			subject.member = (struct closure_place){0};
			if (closures_is_closure(&die)) {
				subject.member = closures_place(arena, &die);
				note_place(reading->closures, &subject.member);
				note_layout(reading, &die, &subject.member, function);
			}
			add_inside(reading, &die, &subject, 0);
		} else if (is_function) {
			subject = *around;
			add_inside(reading, &die, &subject, 0);
			note_names(reading, &die);
			reading->declared =
				arena_grow(arena, reading->declared, reading->declared_count,
					   &reading->declared_capacity, sizeof(*reading->declared));
			if (reading->declared)
				reading->declared[reading->declared_count++] =
					(struct declared){dwarf_dieoffset(&die), subject};
			subject = (struct subject){0};
		}
		if (dwarf_tag(&die) == DW_TAG_variable && function)
			note_variable(reading, &die, function);
		walk(reading, &die, &subject,
		     is_function			       ? &die
		     : dwarf_tag(&die) == DW_TAG_lexical_block ? function
							       : NULL,
		     depth + 1);
	} while (dwarf_siblingof(&die, &die) == 0);
}

static int by_place(const void *left, const void *right)
{
	const struct declared *a = left;
	const struct declared *b = right;

	return (a->place > b->place) - (a->place < b->place);
}

static void say_place(struct closures *closures, const struct mangled_closure *mentioned,
		      const struct closure_place *place)
{
	struct closure *closure = closures_find(closures, mentioned->key, mentioned->number);

	if (!closure || !place->file)
		return;
	if (closure->file && (strcmp(closure->file, place->file) != 0 ||
			      closure->line != place->line || closure->column != place->column))
		closure->unsure = true;
	closure->file = place->file;
	closure->line = place->line;
	closure->column = place->column;
}

/* A function of a closure is named by it at the end; an argument is the only one in the name. */
static void conclude(struct closures *closures, const char *name, const struct subject *subject)
{
	const struct mangled_closure *only = NULL;
	struct mangled_closure *list;
	bool several = false;
	size_t count;

	if (!mangled_closures(closures->arena, name, &list, &count))
		return;
	if (subject->member.file) {
		for (size_t i = count; i-- > 0;)
			if (list[i].is_outer) {
				say_place(closures, &list[i], &subject->member);
				break;
			}
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (list[i].is_scope)
			continue;
		several |= only &&
			   (only->number != list[i].number || strcmp(only->key, list[i].key) != 0);
		only = &list[i];
	}
	if (only && !several && subject->arguments == 1)
		say_place(closures, only, &subject->argument);
}

static int read_places(struct reading *reading, struct suture_error *err)
{
	const char *path = reading->object->path;
	const struct subject nothing = {0};
	Dwarf_Die *unit = NULL;
	Dwarf_Addr bias;
	Dwfl *dwfl;

	if (!*path)
		return 0;
	dwfl = debuginfo_open(path, &reading->module);
	if (!dwfl)
		return error_no_memory(err);
	while (reading->module && (unit = dwfl_module_nextcu(reading->module, unit, &bias)))
		scopes_add_unit(&reading->scopes, unit);
	scopes_sort(&reading->scopes);
	while (reading->module && (unit = dwfl_module_nextcu(reading->module, unit, &bias)))
		walk(reading, unit, &nothing, NULL, 0);
	dwfl_end(dwfl);
	reading->closures->arena->failed |= reading->scopes.failed;
	scopes_fini(&reading->scopes);
	if (reading->declared_count)
		qsort(reading->declared, reading->declared_count, sizeof(*reading->declared),
		      by_place);
	for (size_t i = 0; i < reading->compiled_count; i++) {
		struct declared key = {.place = reading->compiled[i].declaration};
		const struct declared *found = bsearch(
			&key, reading->declared, reading->declared_count, sizeof(key), by_place);

		if (found)
			conclude(reading->closures, reading->compiled[i].name, &found->subject);
	}
	sort_places(reading->closures);
	return arena_check(reading->closures->arena, err);
}

int closures_read_all(struct arena *arena, const struct object *object, struct closures *closures,
		      struct suture_error *err)
{
	struct reading reading = {.closures = closures};

	if (object->description)
		object = object->description;
	reading.object = object;
	*closures = (struct closures){.arena = arena};
	for (size_t i = 1; i < object->symbol_count; i++)
		if (mangled_may_have_closures(object->symbols[i].name))
			add_mentioned(closures, object->symbols[i].name);
	return read_places(&reading, err);
}

int closures_read(struct arena *arena, const struct object *object, struct closures *closures,
		  struct suture_error *err)
{
	for (size_t i = 1; i < object->symbol_count; i++)
		if (mangled_may_have_closures(object->symbols[i].name))
			return closures_read_all(arena, object, closures, err);
	*closures = (struct closures){.arena = arena};
	return arena_check(arena, err);
}
