/* SPDX-License-Identifier: MIT */
/* From hunks to functions; see causes.h. What can't be told is left as the comparison has it. */
#include "builder/causes.h"

#include "builder/debuginfo.h"
#include "builder/lexer.h"
#include "builder/numbers.h"
#include "builder/path.h"

#include "base/error.h"
#include "base/file.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64, ORIGINS_MAX = 8 };

/* Where the search stands: one function of the patch, and the one inlined into it at hand. */
struct search {
	const struct plan *plan;
	struct build_result *result;
	const struct compile_unit *unit;
	Dwfl_Module *module; /* of its patched object */
	Dwarf_Addr bias;
};

static size_t line_start(const char *text, size_t size, unsigned line)
{
	size_t at = 0;

	for (unsigned i = 1; i < line && at < size; i++) {
		const char *newline = memchr(text + at, '\n', size - at);

		at = newline ? (size_t)(newline + 1 - text) : size;
	}
	return at;
}

/* The last line of the function whose name stands on `line`: where its braces close. */
static unsigned last_line(const char *text, size_t size, unsigned line)
{
	size_t from = line_start(text, size, line);
	unsigned parentheses = 0, braces = 0;
	struct lexer_token token;
	struct lexer lexer;

	lexer_init(&lexer, text + from, size - from);
	while ((token = lexer_next(&lexer)).kind != LEXER_END) {
		if (lexer.in_directive || token.kind != LEXER_PUNCTUATOR)
			continue;
		if (lexer_is(&lexer, token, "("))
			parentheses++;
		else if (lexer_is(&lexer, token, ")"))
			parentheses -= parentheses > 0;
		else if (lexer_is(&lexer, token, "{"))
			braces++;
		else if (lexer_is(&lexer, token, "}") && braces)
			braces--;
		else if (!lexer_is(&lexer, token, ";") || braces)
			continue;
		if (!braces && !parentheses && !lexer_is(&lexer, token, ")"))
			break;
	}
	for (size_t i = 0; i < token.start; i++)
		line += text[from + i] == '\n';
	return line;
}

/* The edited line of the file that lies in a function: 0 where there is none. */
static unsigned edited_line(const struct plan *plan, const char *file, unsigned line)
{
	for (size_t i = 0; i < plan->changes.count && file && line; i++) {
		const struct diff_change *change = &plan->changes.list[i];
		unsigned end;

		if (strcmp(path_base(change->path), path_base(file)) != 0 || !change->old_text ||
		    !change->new_text)
			continue;
		/* Its name stands on an added line. */
		if (change->line_base && line > change->line_base)
			return (unsigned)numbers_real(change->line_base, line);
		end = last_line(change->old_text, change->old_size, line);
		for (size_t k = 0; k < change->hunks.count; k++) {
			const struct hunk *hunk = &change->hunks.list[k];
			size_t start = hunk->old_start, count = hunk->old_count;

			/* Hunks count from 0; what is only added stands behind line `start`. */
			if (count ? start < end && start + count >= line
				  : start >= line && start < end)
				return (unsigned)hunk->old_start + 1;
		}
	}
	return 0;
}

static const char *keep(struct build_result *result, char *text)
{
	strings_take(&result->texts, text);
	return strings_ok(&result->texts) ? result->texts.items[result->texts.count - 1] : NULL;
}

/* An inlined function as the sources have it. */
struct origin {
	const char *name;
	const char *file;
	unsigned line;
};

static unsigned declared_line(Dwarf_Die *die)
{
	int line = 0;

	return dwarf_decl_line(die, &line) || line < 0 ? 0 : (unsigned)line;
}

/* gcc says of a lambda's function neither file nor line, but of the class without a name. */
static void take_closure(Dwarf_Die *function, struct origin *origin)
{
	Dwarf_Die *scopes = NULL;
	int count = dwarf_getscopes_die(function, &scopes);

	if (count > 1 && !dwarf_diename(&scopes[1])) {
		if (!origin->line) {
			origin->file = debuginfo_file(&scopes[1]);
			origin->line = declared_line(&scopes[1]);
		}
		origin->name = "a lambda";
	}
	free(scopes);
}

static struct origin find_origin(Dwarf_Die *inlined)
{
	struct origin origin = {dwarf_diename(inlined), debuginfo_file(inlined),
				declared_line(inlined)};
	Dwarf_Die function = *inlined, next;
	Dwarf_Attribute attribute;

	if (!origin.name || strcmp(origin.name, "operator()") != 0)
		return origin;
	for (unsigned i = 0; i < ORIGINS_MAX; i++) {
		if ((!dwarf_attr(&function, DW_AT_abstract_origin, &attribute) &&
		     !dwarf_attr(&function, DW_AT_specification, &attribute)) ||
		    !dwarf_formref_die(&attribute, &next))
			break;
		function = next;
	}
	take_closure(&function, &origin);
	return origin;
}

/* Not of the tree that the diff belongs to: nothing that its author would know. */
static bool is_of_library(const struct plan *plan, const char *file)
{
	return file && *file == '/' && !path_inside(file, plan->root);
}

/* Looks through what was inlined into a function, the nearest first, for one that was edited. */
static bool find_inlined(const struct search *search, Dwarf_Die *parent, const char *into,
			 size_t index, unsigned depth)
{
	struct core_function *function = &search->result->core.functions[index];
	struct build_cause *cause = &search->result->causes[index];
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die))
		return false;
	do {
		int tag = dwarf_tag(&die);
		const char *name = into;
		char *because = NULL;

		if (tag == DW_TAG_inlined_subroutine) {
			struct origin origin = find_origin(&die);

			name = origin.name;
			cause->line = edited_line(search->plan, origin.file, origin.line);
			if (cause->line && name) {
				cause->edited = keep(search->result, strdup(name));
				cause->file = keep(search->result, strdup(origin.file));
				if (asprintf(&because,
					     into ? "%s was inlined into it, through %s"
						  : "%s was inlined into it",
					     name, into) < 0)
					because = NULL;
				function->because = keep(search->result, because);
				if (function->kind == CORE_FUNCTION_CHANGED)
					function->kind = CORE_FUNCTION_INLINED;
				return true;
			}
			if (is_of_library(search->plan, origin.file))
				name = into;
		} else if (tag != DW_TAG_lexical_block) {
			continue;
		}
		if (find_inlined(search, &die, name, index, depth + 1))
			return true;
	} while (!dwarf_siblingof(&die, &die));
	return false;
}

/* Where the code of a function begins, in a section of the object. */
static bool find_place(const struct search *search, Dwarf_Die *die, Elf32_Word *section,
		       Dwarf_Addr *start)
{
	int index;

	if (dwarf_entrypc(die, start))
		return false;
	*start += search->bias;
	index = dwfl_module_relocate_address(search->module, start);
	return index >= 0 && dwfl_module_relocation_info(search->module, (unsigned)index, section);
}

static void note_edit(const struct search *search, size_t index)
{
	const struct core_function *function = &search->result->core.functions[index];
	unsigned line = edited_line(search->plan, function->file, function->line);

	if (line)
		search->result->causes[index] =
			(struct build_cause){function->name, function->file, line};
}

static void place_lambda(const struct search *search, Dwarf_Die *die, size_t index)
{
	struct core_function *function = &search->result->core.functions[index];
	struct origin origin = find_origin(die);

	if (!origin.line || !origin.file)
		return;
	function->line = origin.line;
	function->file = keep(search->result, strdup(origin.file));
	note_edit(search, index);
}

static void look_at(const struct search *search, Dwarf_Die *die)
{
	const struct core_result *core = &search->result->core;
	Elf32_Word section = 0;
	Dwarf_Addr start;

	if (!find_place(search, die, &section, &start))
		return;
	for (size_t i = 0; i < core->function_count; i++) {
		const struct core_function *function = &core->functions[i];

		if (function->section != section || function->start != start ||
		    strcmp(function->unit, search->unit->name) != 0)
			continue;
		if (!function->line)
			place_lambda(search, die, i);
		if (!search->result->causes[i].edited && function->kind != CORE_FUNCTION_NEW)
			find_inlined(search, die, NULL, i, 0);
	}
}

static void walk(const struct search *search, Dwarf_Die *parent, unsigned depth)
{
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die))
		return;
	do {
		switch (dwarf_tag(&die)) {
		case DW_TAG_subprogram:
			if (dwarf_hasattr(&die, DW_AT_low_pc) || dwarf_hasattr(&die, DW_AT_ranges))
				look_at(search, &die);
			walk(search, &die, depth + 1); /* a class in it has functions */
			break;
		case DW_TAG_namespace:
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_lexical_block:
			walk(search, &die, depth + 1);
			break;
		default:
			break;
		}
	} while (!dwarf_siblingof(&die, &die));
}

/* P's debug information tells what was inlined where. */
static void look_into(struct search *search)
{
	const char *path = compile_unit_described(search->unit, search->unit->p_path);
	Dwfl *dwfl = debuginfo_open(path, &search->module);
	Dwarf_Die *unit = NULL;

	if (!dwfl)
		return;
	while (search->module && (unit = dwfl_module_nextcu(search->module, unit, &search->bias)))
		walk(search, unit, 0);
	dwfl_end(dwfl);
}

/* "main never returns" does not say why main: the diff may only touch what was inlined into it. */
static int explain_refusals(struct build_result *result, struct suture_error *err)
{
	for (size_t i = 0; i < result->refusals.count; i++) {
		struct refusal *refusal = &result->refusals.list[i];

		for (size_t k = 0; k < result->core.function_count; k++) {
			const struct core_function *function = &result->core.functions[k];
			const struct build_cause *cause = &result->causes[k];
			char *message;

			if (refusal->code != SUTURE_E_NEVER_IDLE || !refusal->file ||
			    !function->file || refusal->line != function->line ||
			    strcmp(refusal->file, function->file) != 0 || !cause->edited ||
			    strcmp(cause->edited, function->name) == 0)
				continue;
			if (asprintf(&message,
				     "%s\n%s, which changes at %s:%u, was inlined into it",
				     refusal->message, cause->edited, path_base(cause->file),
				     cause->line) < 0)
				return error_no_memory(err);
			free(refusal->message);
			refusal->message = message;
			break;
		}
	}
	return 0;
}

int causes_find(const struct plan *plan, struct build_result *result, struct suture_error *err)
{
	struct core_result *core = &result->core;
	struct search search = {.plan = plan, .result = result};

	free(result->causes);
	result->causes = calloc(core->function_count + 1, sizeof(*result->causes));
	if (!result->causes)
		return error_no_memory(err);
	for (size_t i = 0; i < core->function_count; i++)
		note_edit(&search, i);
	for (size_t i = 0; i < plan->unit_count; i++) {
		search.unit = &plan->units[i];
		if (!plan->units[i].skipped && plan->units[i].p_path)
			look_into(&search);
	}
	return strings_ok(&result->texts) ? explain_refusals(result, err) : error_no_memory(err);
}
