/* SPDX-License-Identifier: MIT */
/* Where the source has the class of each method of a local class: from DWARF. */
#include "localclass.h"

#include "base/error.h"
#include "base/file.h"
#include "builder/debuginfo.h"
#include "classnumber.h"
#include "closures.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

/* Of the Itanium C++ ABI, in every C++ runtime. */
extern char *__cxa_demangle(const char *mangled, char *buffer, size_t *size, int *status);

struct local_method {
	const char *name;     /* mangled, with the number: _ZZ4itemjEN5Local2goE_0j */
	const char *readable; /* without the number */
	bool nameless;	      /* its class has no name */
	const char *file;     /* of its class; or, where nothing says which that is, its own */
	int line;
};

struct local_place {
	const char *file;
	int line;
	Dwarf_Off type;
};

/* A method as its class has it. */
struct declared {
	Dwarf_Off place;
	const char *file;
	int line;
};

/* The code of a function, or a static variable in it. */
struct compiled {
	Dwarf_Off declaration;
	const char *name;
	const char *file; /* of the variable */
	int line;
};

struct reading {
	struct local_classes *classes;
	const struct object *object;
	bool by_file; /* clang's numbers: $_0, which are lambdas' too */
	Dwfl_Module *module;
	Dwarf_Off *aliased; /* classes that a typedef gives a name */
	size_t aliased_count;
	size_t aliased_capacity;
	struct declared *declared; /* by rising place */
	size_t declared_count;
	size_t declared_capacity;
	struct compiled *compiled;
	size_t compiled_count;
	size_t compiled_capacity;
};

static const char *place_of(struct arena *arena, Dwarf_Die *die, int *line)
{
	const char *file = debuginfo_file(die);
	const char *slash = file ? strrchr(file, '/') : NULL;

	if (!file || dwarf_decl_line(die, line))
		return NULL;
	return arena_text(arena, slash ? slash + 1 : file);
}

static bool is_class(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

/* Lambdas are another matter. gcc gives them names, but not what else has an operator(). */
static bool is_lambda(const struct reading *reading, Dwarf_Die *class)
{
	const char *name = dwarf_diename(class);

	return name ? *name == '<' : reading->by_file && closures_is_closure(class);
}

static void note_nameless(struct reading *reading, Dwarf_Die *class)
{
	struct local_classes *classes = reading->classes;
	struct local_place place = {.type = dwarf_dieoffset(class)};

	if (dwarf_diename(class) || is_lambda(reading, class))
		return;
	place.file = place_of(classes->arena, class, &place.line);
	if (!place.file)
		return;
	classes->nameless = arena_grow(classes->arena, classes->nameless, classes->nameless_count,
				       &classes->nameless_capacity, sizeof(place));
	if (classes->nameless)
		classes->nameless[classes->nameless_count++] = place;
}

/* typedef struct { … } name; has that name for the linker. */
static void note_typedef(struct reading *reading, Dwarf_Die *alias)
{
	struct local_classes *classes = reading->classes;
	Dwarf_Attribute attribute;
	Dwarf_Die type;

	if (!dwarf_attr(alias, DW_AT_type, &attribute) || !dwarf_formref_die(&attribute, &type) ||
	    dwarf_diename(&type) || !is_class(&type))
		return;
	reading->aliased = arena_grow(classes->arena, reading->aliased, reading->aliased_count,
				      &reading->aliased_capacity, sizeof(*reading->aliased));
	if (reading->aliased)
		reading->aliased[reading->aliased_count++] = dwarf_dieoffset(&type);
}

static bool is_aliased(const struct reading *reading, Dwarf_Off type)
{
	for (size_t i = 0; i < reading->aliased_count; i++)
		if (reading->aliased[i] == type)
			return true;
	return false;
}

static int by_file_and_line(const void *left, const void *right)
{
	const struct local_place *a = left;
	const struct local_place *b = right;
	int order = strcmp(a->file, b->file);

	return order ? order : (a->line > b->line) - (a->line < b->line);
}

static void sort_nameless(struct reading *reading)
{
	struct local_classes *classes = reading->classes;
	size_t kept = 0;

	for (size_t i = 0; i < classes->nameless_count; i++)
		if (!is_aliased(reading, classes->nameless[i].type))
			classes->nameless[kept++] = classes->nameless[i];
	classes->nameless_count = kept;
	kept = 0;

	if (classes->nameless_count)
		qsort(classes->nameless, classes->nameless_count, sizeof(*classes->nameless),
		      by_file_and_line);
	for (size_t i = 0; i < classes->nameless_count; i++)
		if (!kept ||
		    by_file_and_line(&classes->nameless[kept - 1], &classes->nameless[i]) != 0)
			classes->nameless[kept++] = classes->nameless[i];
	classes->nameless_count = kept;
}

static void note_declared(struct reading *reading, Dwarf_Die *class, Dwarf_Die *method)
{
	struct arena *arena = reading->classes->arena;
	struct declared declared = {.place = dwarf_dieoffset(method)};

	if (is_lambda(reading, class))
		return;
	declared.file = place_of(arena, class, &declared.line);
	if (!declared.file)
		return;
	reading->declared = arena_grow(arena, reading->declared, reading->declared_count,
				       &reading->declared_capacity, sizeof(*reading->declared));
	if (reading->declared)
		reading->declared[reading->declared_count++] = declared;
}

/* Methods of local classes are of one file or function: DWARF has no names for the linker of them.
 */
static void note_symbols(struct reading *reading, Dwarf_Die *function, Dwarf_Die *variable,
			 Dwarf_Addr address)
{
	struct compiled compiled = {.declaration = debuginfo_declaration(function)};
	size_t number = debuginfo_section(reading->module, &address);

	if (!number || number >= reading->object->section_count)
		return;
	if (variable)
		compiled.file = place_of(reading->classes->arena, variable, &compiled.line);
	for (size_t i = 0; i < reading->object->sections[number].symbol_count; i++) {
		size_t index = reading->object->sections[number].symbols[i];
		const struct object_symbol *symbol = &reading->object->symbols[index];

		if (symbol->value != address || (strncmp(symbol->name, "_ZZ", 3) != 0 &&
						 !classnumber_is_of_nameless(symbol->name)))
			continue;
		reading->compiled = arena_grow(reading->classes->arena, reading->compiled,
					       reading->compiled_count, &reading->compiled_capacity,
					       sizeof(*reading->compiled));
		compiled.name = symbol->name;
		if (reading->compiled)
			reading->compiled[reading->compiled_count++] = compiled;
	}
}

static void note_function(struct reading *reading, Dwarf_Die *function)
{
	Dwarf_Addr base, address, end;

	if (!dwarf_lowpc(function, &address) ||
	    dwarf_ranges(function, 0, &base, &address, &end) > 0)
		note_symbols(reading, function, NULL, address);
}

/* A static variable says which method it is in, where that one itself has no code. */
static void note_variable(struct reading *reading, Dwarf_Die *die, Dwarf_Die *function)
{
	Dwarf_Addr address;

	if (debuginfo_variable(die, &address))
		note_symbols(reading, function, die, address);
}

static void walk(struct reading *reading, Dwarf_Die *parent, Dwarf_Die *function, bool is_local,
		 int depth)
{
	bool in_class = is_class(parent);
	Dwarf_Die die;

	if (depth > MAX_DEPTH || dwarf_child(parent, &die) != 0)
		return;
	do {
		bool is_function = dwarf_tag(&die) == DW_TAG_subprogram;

		/* A member's class has no number. */
		if (is_class(&die) && !in_class)
			note_nameless(reading, &die);
		if (dwarf_tag(&die) == DW_TAG_typedef)
			note_typedef(reading, &die);
		if (is_function) {
			if (in_class && (is_local || !dwarf_diename(parent)))
				note_declared(reading, parent, &die);
			note_function(reading, &die);
		}
		if (dwarf_tag(&die) == DW_TAG_variable && function)
			note_variable(reading, &die, function);
		walk(reading, &die,
		     is_function			       ? &die
		     : dwarf_tag(&die) == DW_TAG_lexical_block ? function
							       : NULL,
		     is_local || is_function, depth + 1);
	} while (dwarf_siblingof(&die, &die) == 0);
}

static int by_place(const void *left, const void *right)
{
	const struct declared *a = left;
	const struct declared *b = right;

	return (a->place > b->place) - (a->place < b->place);
}

/* Its object code has several of one constructor, or fewer than it has in the source. */
static bool is_structor(const char *name)
{
	return strstr(name, "C1E") || strstr(name, "C2E") || strstr(name, "D0E") ||
	       strstr(name, "D1E") || strstr(name, "D2E");
}

/* Where a file has no such class, all its $_0 are lambdas. */
static bool has_nameless_number(const struct local_classes *classes, const char *name)
{
	return classes->nameless_count && classnumber_is_of_nameless(name);
}

static void conclude(struct local_classes *classes, const char *name, const char *file, int line)
{
	cleanup_memory char *readable = is_structor(name) || classnumber_is_in_lambda(name)
						? NULL
						: __cxa_demangle(name, NULL, NULL, NULL);
	struct local_method method = {.name = name,
				      .file = file,
				      .line = line,
				      .nameless = has_nameless_number(classes, name)};

	if (!readable)
		return;
	classnumber_drop(readable);
	method.readable = arena_text(classes->arena, readable);
	classes->list = arena_grow(classes->arena, classes->list, classes->count,
				   &classes->capacity, sizeof(*classes->list));
	if (classes->list && method.readable)
		classes->list[classes->count++] = method;
}

static bool same_place(const struct local_method *a, const struct local_method *b)
{
	return a->line == b->line && strcmp(a->file, b->file) == 0;
}

static const struct local_method *find(const struct local_classes *classes, const char *name,
				       const struct local_method *place)
{
	for (size_t i = 0; i < classes->count; i++)
		if (strcmp(classes->list[i].name, name) == 0 &&
		    (!place || same_place(&classes->list[i], place)))
			return &classes->list[i];
	return NULL;
}

/* Instances of a template share the places of what is in it. */
static bool is_placed(const struct local_classes *classes, const char *name)
{
	const struct local_method *found = find(classes, name, NULL);

	for (size_t i = 0; found && i < classes->count; i++) {
		const struct local_method *other = &classes->list[i];

		if (strcmp(other->name, name) != 0 && same_place(other, found) &&
		    strcmp(other->readable, found->readable) == 0)
			return false;
	}
	return found;
}

/* Destructors, tables, and templates of a class without a name have its number, and no place. */
static void find_loose(struct local_classes *classes, const struct object *object)
{
	for (size_t i = 1; i < object->symbol_count && !classes->loose; i++) {
		const char *name = object->symbols[i].name;

		if (has_nameless_number(classes, name) && !classnumber_is_in_lambda(name) &&
		    !is_placed(classes, name))
			classes->loose = name;
	}
}

int localclass_read(struct arena *arena, const struct object *object, struct local_classes *classes,
		    struct suture_error *err)
{
	struct reading reading = {.classes = classes, .object = object};
	Dwarf_Die *unit = NULL;
	Dwarf_Addr bias;
	Dwfl *dwfl;

	*classes = (struct local_classes){.arena = arena};
	if (!*object->path)
		return 0;
	for (size_t i = 1; i < object->symbol_count; i++)
		reading.by_file |= strstr(object->symbols[i].name, "$_") != NULL;
	dwfl = debuginfo_open(object->path, &reading.module);
	if (!dwfl)
		return error_no_memory(err);
	while (reading.module && (unit = dwfl_module_nextcu(reading.module, unit, &bias)))
		walk(&reading, unit, NULL, false, 0);
	dwfl_end(dwfl);
	sort_nameless(&reading);
	if (reading.declared_count)
		qsort(reading.declared, reading.declared_count, sizeof(*reading.declared),
		      by_place);
	for (size_t i = 0; i < reading.declared_count; i++) {
		bool again = false;

		for (size_t k = 0; k < i && !again; k++)
			again = reading.declared[k].line == reading.declared[i].line &&
				strcmp(reading.declared[k].file, reading.declared[i].file) == 0;
		classes->places += !again;
	}
	for (size_t i = 0; i < reading.compiled_count; i++) {
		struct declared key = {.place = reading.compiled[i].declaration};
		const struct declared *found = NULL;

		if (reading.declared_count)
			found = bsearch(&key, reading.declared, reading.declared_count, sizeof(key),
					by_place);
		if (found)
			conclude(classes, reading.compiled[i].name, found->file, found->line);
		else if (reading.compiled[i].file &&
			 (strncmp(reading.compiled[i].name, "_ZZZ", 4) == 0 ||
			  has_nameless_number(classes, reading.compiled[i].name)))
			conclude(classes, reading.compiled[i].name, reading.compiled[i].file,
				 reading.compiled[i].line);
	}
	find_loose(classes, object);
	return arena_check(arena, err);
}

bool localclass_has_numbers(const struct object *object)
{
	for (size_t i = 1; i < object->symbol_count; i++)
		if (classnumber_is_in(object->symbols[i].name))
			return true;
	return false;
}

/* How many are told apart by their numbers alone. */
static size_t namesakes(const struct local_classes *classes, const struct local_method *method)
{
	size_t count = 0;

	for (size_t i = 0; i < classes->count; i++) {
		bool again = strcmp(classes->list[i].readable, method->readable) != 0;

		for (size_t k = 0; k < i && !again; k++)
			again = strcmp(classes->list[k].name, classes->list[i].name) == 0;
		count += !again;
	}
	return count;
}

/*
 * Whether its name may be another one's now. That there are fewer may be inlining; but which of
 * them came or went a diff does not say: where they begin with the same lines it has those of the
 * one for the other's.
 */
static bool is_renumbered(const struct local_classes *before, const struct local_classes *after,
			  const struct local_method *method)
{
	size_t here = namesakes(before, method), there = namesakes(after, method);

	if (there && here != there && before->places != after->places)
		return true;
	/* clang numbers those without a name through the whole file. */
	return there > (method->nameless ? 0 : 1) && !find(after, method->name, method);
}

static bool has_nameless(const struct local_classes *classes)
{
	for (size_t i = 0; i < classes->count; i++)
		if (classes->list[i].nameless)
			return true;
	return false;
}

static bool same_nameless(const struct local_classes *before, const struct local_classes *after)
{
	bool same = before->nameless_count == after->nameless_count;

	for (size_t i = 0; same && i < before->nameless_count; i++)
		same = by_file_and_line(&before->nameless[i], &after->nameless[i]) == 0;
	return same;
}

void localclass_compare(const struct local_classes *before, const struct local_classes *after,
			const char *source, struct refusals *refusals)
{
	/* Where the running code has no such number, new ones take none over. */
	const char *loose = before->loose	   ? before->loose
			    : has_nameless(before) ? after->loose
						   : NULL;

	if (loose && !same_nameless(before, after)) {
		cleanup_memory char *readable = __cxa_demangle(loose, NULL, NULL, NULL);

		refusals_add(
			refusals, SUTURE_E_UNSUPPORTED, source, 0,
			"give a new class a name, and leave those without in number and order",
			"classes without a name in %s are renumbered, and %s has such a number",
			source, readable ? readable : loose);
		return;
	}
	for (size_t i = 0; i < before->count; i++) {
		const struct local_method *method = &before->list[i];

		if (!is_renumbered(before, after, method))
			continue;
		refusals_add(refusals, SUTURE_E_UNSUPPORTED, method->file, (unsigned)method->line,
			     "give a new class a name of its own, and leave those of one name in "
			     "number and order",
			     "%s in %s are renumbered (%s): objects and statics of one would get "
			     "another's code",
			     method->nameless ? "classes without a name"
					      : "local classes of one name",
			     source, method->readable);
		return;
	}
}
