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
#include <string.h>

enum { DEPTH_MAX = 64 };

/* Where the search stands: one function of the patch, and the one inlined into it at hand. */
struct search {
	const struct plan *plan;
	struct build_result *result;
	const struct compile_unit *unit;
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

static unsigned declared_line(Dwarf_Die *die)
{
	int line = 0;

	return dwarf_decl_line(die, &line) || line < 0 ? 0 : (unsigned)line;
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
			name = dwarf_diename(&die);
			cause->line = edited_line(search->plan, debuginfo_file(&die),
						  declared_line(&die));
			if (cause->line && name) {
				cause->edited = keep(search->result, strdup(name));
				cause->file = keep(search->result, strdup(debuginfo_file(&die)));
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
		} else if (tag != DW_TAG_lexical_block) {
			continue;
		}
		if (find_inlined(search, &die, name, index, depth + 1))
			return true;
	} while (!dwarf_siblingof(&die, &die));
	return false;
}

static bool is_function(Dwarf_Die *die, const char *symbol)
{
	size_t length = strcspn(symbol, ".");
	Dwarf_Attribute attribute;
	const char *name = NULL;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute))
		name = dwarf_formstring(&attribute);
	if (!name)
		name = dwarf_diename(die);
	return name && strlen(name) == length && memcmp(name, symbol, length) == 0;
}

static void walk(const struct search *search, Dwarf_Die *parent, unsigned depth)
{
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die))
		return;
	do {
		struct core_result *core = &search->result->core;
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_namespace || tag == DW_TAG_structure_type ||
		    tag == DW_TAG_class_type)
			walk(search, &die, depth + 1);
		if (tag != DW_TAG_subprogram ||
		    (!dwarf_hasattr(&die, DW_AT_low_pc) && !dwarf_hasattr(&die, DW_AT_ranges)))
			continue;
		for (size_t i = 0; i < core->function_count; i++)
			if (!search->result->causes[i].edited &&
			    core->functions[i].kind != CORE_FUNCTION_NEW &&
			    strcmp(core->functions[i].unit, search->unit->name) == 0 &&
			    is_function(&die, core->functions[i].name))
				find_inlined(search, &die, NULL, i, 0);
	} while (!dwarf_siblingof(&die, &die));
}

/* P's debug information tells what was inlined where. */
static void look_into(const struct search *search)
{
	const char *path = search->unit->p_path;
	Dwfl_Module *module;
	Dwfl *dwfl = debuginfo_open(path, &module);
	Dwarf_Die *unit = NULL;
	Dwarf_Addr bias;

	if (!dwfl)
		return;
	while (module && (unit = dwfl_module_nextcu(module, unit, &bias)))
		walk(search, unit, 0);
	dwfl_end(dwfl);
}

int causes_find(const struct plan *plan, struct build_result *result, struct suture_error *err)
{
	struct core_result *core = &result->core;

	free(result->causes);
	result->causes = calloc(core->function_count + 1, sizeof(*result->causes));
	if (!result->causes)
		return error_no_memory(err);
	for (size_t i = 0; i < core->function_count; i++) {
		const struct core_function *function = &core->functions[i];
		unsigned line = edited_line(plan, function->file, function->line);

		if (line)
			result->causes[i] =
				(struct build_cause){function->name, function->file, line};
	}
	for (size_t i = 0; i < plan->unit_count; i++) {
		const struct search search = {plan, result, &plan->units[i]};

		if (!plan->units[i].skipped && plan->units[i].p_path)
			look_into(&search);
	}
	return strings_ok(&result->texts) ? 0 : error_no_memory(err);
}
