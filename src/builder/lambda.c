/* SPDX-License-Identifier: MIT */
/* Closure types in DWARF: unnamed classes with an operator(), in the order of their lines. */
#include "lambda.h"

#include "base/error.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

struct lambda {
	const char *owner; /* function around it, "" for none */
	int line;
	int column;
	size_t order; /* in DWARF, which is that of the source: lines of new code say nothing */
};

struct lambdas {
	struct arena *arena;
	struct lambda *list; /* by owner, then order */
	size_t count;
	size_t capacity;
};

static bool is_class(Dwarf_Die *die)
{
	return dwarf_tag(die) == DW_TAG_structure_type || dwarf_tag(die) == DW_TAG_class_type;
}

static bool is_closure(Dwarf_Die *die)
{
	Dwarf_Die child;

	if (!is_class(die) || dwarf_diename(die) || dwarf_child(die, &child) != 0)
		return false;
	do {
		const char *name = dwarf_diename(&child);

		if (dwarf_tag(&child) == DW_TAG_subprogram && name &&
		    (strcmp(name, "operator()") == 0 || strcmp(name, "<lambda>") == 0))
			return true;
	} while (dwarf_siblingof(&child, &child) == 0);
	return false;
}

static void note(struct lambdas *lambdas, Dwarf_Die *die, const char *owner)
{
	struct lambda lambda = {.owner = arena_text(lambdas->arena, owner)};

	if (dwarf_decl_line(die, &lambda.line))
		return;
	if (dwarf_decl_column(die, &lambda.column))
		lambda.column = 0;
	lambdas->list = arena_grow(lambdas->arena, lambdas->list, lambdas->count,
				   &lambdas->capacity, sizeof(*lambdas->list));
	lambda.order = lambdas->count;
	if (lambdas->list && lambda.owner)
		lambdas->list[lambdas->count++] = lambda;
}

/* The name of the function, also where this DIE only says how it was compiled. */
static const char *function_name(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	const char *name = NULL;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute))
		name = dwarf_formstring(&attribute);
	if (!name && dwarf_attr_integrate(die, DW_AT_name, &attribute))
		name = dwarf_formstring(&attribute);
	return name ? name : "";
}

static void walk(struct lambdas *lambdas, Dwarf_Die *parent, const char *owner, int depth)
{
	Dwarf_Die die;

	if (depth > MAX_DEPTH || dwarf_child(parent, &die) != 0)
		return;
	do {
		if (is_closure(&die))
			note(lambdas, &die, owner);
		walk(lambdas, &die,
		     dwarf_tag(&die) == DW_TAG_subprogram ? function_name(&die) : owner, depth + 1);
	} while (dwarf_siblingof(&die, &die) == 0);
}

static int by_order(const void *left, const void *right)
{
	const struct lambda *a = left;
	const struct lambda *b = right;
	int order = strcmp(a->owner, b->owner);

	return order ? order : (a->order > b->order) - (a->order < b->order);
}

/* Sorts by function, and drops what instances of one template repeat. */
static void sort(struct lambdas *lambdas)
{
	size_t kept = 0;

	if (!lambdas->count)
		return;
	qsort(lambdas->list, lambdas->count, sizeof(*lambdas->list), by_order);
	for (size_t i = 0; i < lambdas->count; i++) {
		const struct lambda *lambda = &lambdas->list[i];
		bool known = false;

		for (size_t k = 0; k < kept && !known; k++)
			known = strcmp(lambdas->list[k].owner, lambda->owner) == 0 &&
				lambdas->list[k].line == lambda->line &&
				lambdas->list[k].column == lambda->column;
		if (!known)
			lambdas->list[kept++] = *lambda;
	}
	lambdas->count = kept;
}

static int read_lambdas(const struct object *object, struct lambdas *lambdas,
			struct suture_error *err)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};
	Dwfl_Module *module;
	Dwarf_Die *unit = NULL;
	Dwarf_Addr bias;
	Dwfl *dwfl;

	if (!*object->path)
		return 0;
	dwfl = dwfl_begin(&callbacks);
	if (!dwfl)
		return error_no_memory(err);
	module = dwfl_report_offline(dwfl, object->path, object->path, -1);
	dwfl_report_end(dwfl, NULL, NULL);
	while (module && (unit = dwfl_module_nextcu(module, unit, &bias)))
		walk(lambdas, unit, "", 0);
	dwfl_end(dwfl);
	sort(lambdas);
	return arena_check(lambdas->arena, err);
}

static bool mangles(const struct object *object, const char *mark)
{
	for (size_t i = 1; i < object->symbol_count; i++)
		if (strncmp(object->symbols[i].name, "_Z", 2) == 0 &&
		    strstr(object->symbols[i].name, mark))
			return true;
	return false;
}

/* Those of one function: *count of them from the result on. */
static const struct lambda *of_owner(const struct lambdas *lambdas, const char *owner,
				     size_t *count)
{
	size_t first = 0;

	while (first < lambdas->count && strcmp(lambdas->list[first].owner, owner) != 0)
		first++;
	*count = 0;
	while (first + *count < lambdas->count &&
	       strcmp(lambdas->list[first + *count].owner, owner) == 0)
		++*count;
	return lambdas->list + first;
}

static bool stands_in(const struct lambda *list, size_t count, int line)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].line == line)
			return true;
	return false;
}

/*
 * Each of O's has its place in P's order, or one that was edited stands for it; new ones come
 * behind.
 */
static bool same_numbers(const struct lambda *before, size_t old_count, const struct lambda *after,
			 size_t new_count)
{
	if (new_count < old_count)
		return false;
	for (size_t i = 0; i < new_count; i++) {
		if (i < old_count && before[i].line == after[i].line)
			continue;
		if (stands_in(before, old_count, after[i].line) ||
		    (i < old_count && stands_in(after, new_count, before[i].line)))
			return false;
	}
	return true;
}

static void refuse(struct refusals *refusals, const struct lambda *lambda, const char *source)
{
	refusals_add(refusals, SUTURE_E_UNSUPPORTED, source, (unsigned)lambda->line,
		     "add new lambdas behind those that are there, and leave these in order",
		     "the lambdas of %s in %s are renumbered: live ones would get each other's "
		     "code",
		     *lambda->owner ? lambda->owner : "the file", source);
}

/* clang counts those of functions that only this unit knows through the whole unit, as it likes. */
static bool same_everywhere(const struct lambdas *before, const struct lambdas *after)
{
	if (before->count != after->count)
		return false;
	for (size_t i = 0; i < before->count; i++)
		if (strcmp(before->list[i].owner, after->list[i].owner) != 0)
			return false;
	return true;
}

int lambda_check(struct arena *arena, const struct object *original, const struct object *patched,
		 const char *source, struct refusals *refusals, struct suture_error *err)
{
	bool by_unit = mangles(original, "$_");
	struct lambdas before = {.arena = arena};
	struct lambdas after = {.arena = arena};
	int code;

	if (!by_unit && !mangles(original, "Ul")) /* C++ alone has closures */
		return 0;
	code = read_lambdas(original, &before, err);
	if (!code)
		code = read_lambdas(patched, &after, err);
	if (!code && by_unit && before.count && !same_everywhere(&before, &after)) {
		refuse(refusals, &before.list[0], source);
		return 0;
	}
	for (size_t i = 0; !code && i < before.count; i++) {
		const struct lambda *first = &before.list[i];
		size_t old_count;
		size_t new_count;
		const struct lambda *olds = of_owner(&before, first->owner, &old_count);
		const struct lambda *news = of_owner(&after, first->owner, &new_count);

		/* A function that went took its closures along. */
		if (olds == first && new_count && !same_numbers(olds, old_count, news, new_count))
			refuse(refusals, first, source);
	}
	return code;
}
