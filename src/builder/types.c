/* SPDX-License-Identifier: MIT */
/*
 * The walk over an object's debug information; see types.h. Names of types without one come from
 * the typedef that holds them; those inside a member are spelled out in the member's type.
 */
#include "builder/types.h"

#include "builder/closures.h"
#include "builder/debuginfo.h"
#include "builder/mangled.h"
#include "builder/scopes.h"
#include "builder/typemember.h"
#include "builder/typename.h"

#include "base/error.h"
#include "base/file.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

void type_fini(struct type *type)
{
	for (size_t i = 0; i < type->member_count; i++) {
		free(type->members[i].name);
		free(type->members[i].type);
	}
	free(type->members);
	free(type->name);
	free(type->file);
	free(type->used_by);
}

void types_fini(struct types *types)
{
	for (size_t i = 0; i < types->count; i++)
		type_fini(&types->list[i]);
	free(types->list);
	*types = (struct types){0};
}

/* Who uses a type: noted by the type's place in the debug information. */
struct use {
	Dwarf_Off type;
	bool of_library; /* in a header of the system, which the reader did not write */
	int line;
	char *text; /* owned */
};

struct walk {
	struct types *types;
	struct type_reader reader;
	struct use *uses;
	size_t use_count;
	size_t use_room;
};

static struct type *add_type(struct walk *walk, Dwarf_Die *die, char *name)
{
	struct types *types = walk->types;
	const char *file = debuginfo_file(die);
	struct type *type;
	int line = 0;

	if (name && types->count == types->room) {
		size_t room = types->room ? 2 * types->room : 64;
		struct type *list = reallocarray(types->list, room, sizeof(*list));

		if (list) {
			types->list = list;
			types->room = room;
		}
	}
	if (!name || types->count == types->room) {
		free(name);
		types->failed = true;
		return NULL;
	}
	dwarf_decl_line(die, &line);
	type = &types->list[types->count++];
	*type = (struct type){.name = name,
			      .place = dwarf_dieoffset(die),
			      .file = strdup(file ? file : ""),
			      .line = (unsigned)line};
	types->failed |= !type->file;
	return type;
}

static struct type *read_type(struct walk *walk, Dwarf_Die *die, char *name)
{
	struct type *type = add_type(walk, die, name);
	Dwarf_Word size = 0;

	if (!type)
		return NULL;
	dwarf_aggregate_size(die, &size);
	type->size = size;
	type->is_union = dwarf_tag(die) == DW_TAG_union_type;
	type->is_enum = dwarf_tag(die) == DW_TAG_enumeration_type;
	type_read_members(&walk->reader, type, die);
	return type;
}

static void read_signature(struct walk *walk, Dwarf_Die *die, const char *scope)
{
	Dwarf_Attribute attribute;
	const char *linkage =
		dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute));
	struct type *type;
	char *name = NULL;

	if (!dwarf_diename(die))
		return;
	if (linkage)
		name = strdup(linkage);
	else if (asprintf(&name, "%s%s()", scope, dwarf_diename(die)) < 0)
		name = NULL;
	type = add_type(walk, die, name);
	if (!type)
		return;
	type->is_function = true;
	type_read_signature(&walk->reader, type, die);
}

/* What a lambda makes: a class without a proper name that can be called. */
static bool is_closure(Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	Dwarf_Die child;

	if (name || dwarf_child(die, &child))
		return name && *name == '<';
	do {
		name = dwarf_tag(&child) == DW_TAG_subprogram ? dwarf_diename(&child) : NULL;
		if (name && strcmp(name, "operator()") == 0)
			return true;
	} while (!dwarf_siblingof(&child, &child));
	return false;
}

static void note_use(struct walk *walk, Dwarf_Die *variable, Dwarf_Die *function)
{
	Dwarf_Attribute attribute;
	const char *file, *name;
	Dwarf_Die *place = function;
	struct use *use;
	Dwarf_Die type;
	int line = 0;

	if (!function || !dwarf_attr_integrate(variable, DW_AT_type, &attribute) ||
	    !dwarf_formref_die(&attribute, &type) || !typename_strip(&type, true))
		return;
	name = dwarf_diename(function);
	file = debuginfo_file(place);
	/* gcc says of a lambda's function neither file nor line, but of its class. */
	if (!file && is_closure(&type)) {
		place = &type;
		file = debuginfo_file(place);
	}
	if (!name || !file)
		return;
	if (walk->use_count == walk->use_room) {
		size_t room = walk->use_room ? 2 * walk->use_room : 256;
		struct use *uses = reallocarray(walk->uses, room, sizeof(*uses));

		if (!uses)
			return; /* only a nicer message is lost */
		walk->uses = uses;
		walk->use_room = room;
	}
	dwarf_decl_line(place, &line);
	use = &walk->uses[walk->use_count];
	use->type = dwarf_dieoffset(&type);
	use->line = line;
	use->of_library = strncmp(file, "/usr/", 5) == 0 && strstr(file, "/include/");
	if (asprintf(&use->text, "%s() at %s:%d", name,
		     strrchr(file, '/') ? strrchr(file, '/') + 1 : file, line) >= 0)
		walk->use_count++;
}

static void walk_children(struct walk *walk, Dwarf_Die *parent, const char *scope,
			  Dwarf_Die *function, unsigned depth);

/* Types inside a named thing: its name goes in front. */
static void walk_inside(struct walk *walk, Dwarf_Die *die, const char *scope, const char *name,
			Dwarf_Die *function, unsigned depth)
{
	cleanup_memory char *inner = NULL;

	if (asprintf(&inner, "%s%s::", scope, name) < 0) {
		inner = NULL;
		walk->types->failed = true;
		return;
	}
	walk_children(walk, die, inner, function, depth + 1);
}

/*
 * C++'s typedef struct { … } name: code that only casts to it leaves no typedef behind, but the
 * name that it has for the linker. Where there is one as well, the type is told twice, alike.
 */
static void name_by_linkage(struct walk *walk, Dwarf_Die *die, const char *scope)
{
	Dwarf_Attribute attribute;
	const char *linkage = dwarf_formstring(dwarf_attr(die, DW_AT_linkage_name, &attribute));
	cleanup_memory char *own = linkage ? mangled_type(linkage) : NULL;
	char *full = NULL;

	if (!linkage)
		return;
	if (!own || asprintf(&full, "%s%s", scope, own) < 0)
		full = NULL;
	read_type(walk, die, full);
}

/*
 * A struct, class, union or enum. Closures, and anonymous ones inside a function, are told by their
 * line; several on one line are compared in any order.
 */
static void walk_type(struct walk *walk, Dwarf_Die *die, const char *scope, Dwarf_Die *function,
		      unsigned depth)
{
	const char *name = dwarf_diename(die);
	bool is_lambda = closures_is_closure(die);
	bool is_enum = dwarf_tag(die) == DW_TAG_enumeration_type;
	struct type *type;
	char *full = NULL;
	int line = 0;

	if (type_has_flag(die, DW_AT_declaration))
		return;
	if (name && !is_lambda) {
		if (asprintf(&full, "%s %s%s", typename_keyword(die), scope, name) < 0)
			full = NULL;
		read_type(walk, die, full);
	} else if (is_lambda || (function && !is_enum)) {
		dwarf_decl_line(die, &line);
		if (asprintf(&full, "%s %s%s at line %d", typename_keyword(die), scope,
			     is_lambda ? "closure" : "(anonymous)", line) < 0)
			full = NULL;
		type = read_type(walk, die, full);
		if (type)
			type->is_closure = is_lambda;
	} else if (!is_enum) {
		name_by_linkage(walk, die, scope);
	} else if (!name) {
		/* Known by its first enumerator: constants, mostly. */
		Dwarf_Die child;

		if (!dwarf_child(die, &child) && dwarf_diename(&child)) {
			if (asprintf(&full, "enum %s(with %s)", scope, dwarf_diename(&child)) < 0)
				full = NULL;
			read_type(walk, die, full);
		}
	}
	walk_inside(walk, die, scope, name ? name : "(anonymous)", function, depth);
}

/*
 * typedef struct { … } name; but not what templates call a closure that they got: all of one
 * function are called alike.
 */
static void walk_typedef(struct walk *walk, Dwarf_Die *die, const char *scope)
{
	Dwarf_Attribute attribute;
	char *full = NULL;
	Dwarf_Die type;
	int tag;

	if (!dwarf_attr(die, DW_AT_type, &attribute) || !dwarf_formref_die(&attribute, &type) ||
	    dwarf_diename(&type) || closures_is_closure(&type))
		return;
	tag = dwarf_tag(&type);
	if (tag != DW_TAG_structure_type && tag != DW_TAG_class_type && tag != DW_TAG_union_type &&
	    tag != DW_TAG_enumeration_type)
		return;
	if (asprintf(&full, "%s%s", scope, dwarf_diename(die)) < 0)
		full = NULL;
	read_type(walk, &type, full);
}

static void walk_children(struct walk *walk, Dwarf_Die *parent, const char *scope,
			  Dwarf_Die *function, unsigned depth)
{
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die))
		return;
	do {
		const char *name = dwarf_diename(&die);

		switch (dwarf_tag(&die)) {
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_union_type:
		case DW_TAG_enumeration_type:
			walk_type(walk, &die, scope, function, depth);
			break;
		case DW_TAG_typedef:
			walk_typedef(walk, &die, scope);
			break;
		case DW_TAG_namespace:
			walk_inside(walk, &die, scope, name ? name : "(anonymous)", function,
				    depth);
			break;
		case DW_TAG_subprogram:
			/* Inlined and out-of-line instances refer to this one. */
			if (type_has_flag(&die, DW_AT_declaration) ||
			    dwarf_hasattr(&die, DW_AT_abstract_origin))
				break;
			read_signature(walk, &die, scope);
			walk_inside(walk, &die, scope, name ? name : "(anonymous)", &die, depth);
			break;
		case DW_TAG_lexical_block:
			walk_children(walk, &die, scope, function, depth + 1);
			break;
		case DW_TAG_formal_parameter:
		case DW_TAG_variable:
			note_use(walk, &die, function);
			break;
		default:
			break;
		}
	} while (!dwarf_siblingof(&die, &die));
}

static int compare_uses(const void *left, const void *right)
{
	const struct use *a = left, *b = right;

	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->of_library != b->of_library)
		return a->of_library ? 1 : -1;
	return a->line != b->line ? (a->line < b->line ? -1 : 1) : strcmp(a->text, b->text);
}

/* The first one by its line: of the user's own code where there is any. */
static const struct use *first_use(const struct walk *walk, Dwarf_Off type)
{
	size_t low = 0, high = walk->use_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (walk->uses[middle].type < type)
			low = middle + 1;
		else
			high = middle;
	}
	return low < walk->use_count && walk->uses[low].type == type ? &walk->uses[low] : NULL;
}

static int compare_types(const void *left, const void *right)
{
	const struct type *a = left, *b = right;

	return strcmp(a->name, b->name);
}

/* Gives each type its first user, then sorts. */
static void finish(struct walk *walk)
{
	struct types *types = walk->types;

	if (walk->use_count)
		qsort(walk->uses, walk->use_count, sizeof(*walk->uses), compare_uses);
	for (size_t i = 0; i < types->count; i++) {
		const struct use *use = first_use(walk, types->list[i].place);

		if (use)
			types->list[i].used_by = strdup(use->text);
	}
	if (types->count && !types->failed)
		qsort(types->list, types->count, sizeof(*types->list), compare_types);
}

int types_read(const char *path, struct types *types, struct suture_error *err)
{
	struct scopes scopes = {0};
	struct walk walk = {.types = types, .reader = {.scopes = &scopes}};
	Dwfl_Module *module;
	Dwfl *dwfl = debuginfo_open(path, &module);
	Dwarf_Die *unit = NULL;
	Dwarf_Addr bias;
	int rc = 0;

	if (!dwfl)
		return error_no_memory(err);
	if (!module) {
		rc = error_set(err, SUTURE_E_BAD_INPUT, "%s: %s", path, dwfl_errmsg(-1));
		dwfl_end(dwfl);
		return rc;
	}
	while ((unit = dwfl_module_nextcu(module, unit, &bias)))
		scopes_add_unit(&scopes, unit);
	scopes_sort(&scopes);
	while ((unit = dwfl_module_nextcu(module, unit, &bias)))
		walk_children(&walk, unit, "", NULL, 0);
	finish(&walk);
	for (size_t i = 0; i < walk.use_count; i++)
		free(walk.uses[i].text);
	free(walk.uses);
	types->failed |= scopes.failed || walk.reader.failed;
	scopes_fini(&scopes);
	dwfl_end(dwfl);
	return types->failed ? error_no_memory(err) : 0;
}
