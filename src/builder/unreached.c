/* SPDX-License-Identifier: MIT */
/*
 * Changed files that no compiler reads. A source without a command may be a test or another
 * platform's: said. A grammar is more dangerous to pass over in silence: the diff changes the
 * program, but only what a generator wrote is compiled. Where such a source is in the binary and
 * not in the diff, a patch would lack the change, and "nothing to patch" would be a lie: refused.
 */
#include "builder/unreached.h"

#include "builder/path.h"

#include "base/error.h"
#include "base/file.h"

#include <string.h>

/* True when the source belongs to one of the affected units. */
static bool is_compiled(const struct plan *plan, const char *real)
{
	for (size_t i = 0; i < plan->unit_count; i++) {
		cleanup_memory char *file = path_real("/", plan->units[i].entry->file);

		if (file && strcmp(file, real) == 0)
			return true;
	}
	return false;
}

static bool has_command(const struct plan *plan, const char *real)
{
	for (size_t i = 0; i < plan->db.count; i++) {
		cleanup_memory char *file = path_real("/", plan->db.entries[i].file);

		if (file && strcmp(file, real) == 0)
			return true;
	}
	return false;
}

/* Grammars, scanners, tables and interfaces that sources are made from. */
static bool is_generator_input(const char *name)
{
	static const char *const extensions[] = {".y",	".yy",	  ".ypp", ".yxx", ".Y",	 ".l",
						 ".ll", ".lpp",	  ".lex", ".rl",  ".re", ".gperf",
						 ".m4", ".proto", ".idl", ".in"};
	const char *dot = strrchr(path_base(name), '.');

	for (size_t i = 0; dot && i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (strcmp(dot, extensions[i]) == 0)
			return true;
	return false;
}

/* "config.y" makes config.c, config.tab.cc, …; "version.c.in" makes version.c. */
static bool is_made_from(const char *source, const char *input)
{
	const char *name = path_base(input);
	const char *dot = strrchr(name, '.');
	size_t stem = dot ? (size_t)(dot - name) : 0;

	source = path_base(source);
	return stem && strncmp(source, name, stem) == 0 && (source[stem] == '.' || !source[stem]);
}

static bool is_changed(const struct plan *plan, const char *real)
{
	for (size_t i = 0; i < plan->changes.count; i++) {
		cleanup_memory char *path = path_real("/", plan->changes.list[i].path);

		if (path && strcmp(path, real) == 0)
			return true;
	}
	return false;
}

/* A source of the binary that is made from the input and that the diff leaves alone; or NULL. */
static const char *find_made(const struct plan *plan, const bool *wanted, const char *input)
{
	for (size_t i = 0; i < plan->db.count; i++) {
		const char *source = plan->db.entries[i].file;
		cleanup_memory char *real = path_real("/", source);

		if (real && wanted[i] && is_made_from(source, input) && !is_changed(plan, real))
			return source;
	}
	return NULL;
}

static void report_input(const struct plan *plan, const bool *wanted, const char *input,
			 struct build_result *result)
{
	const char *made = find_made(plan, wanted, input);

	if (made)
		refusals_add(
			&result->refusals, SUTURE_E_UNSUPPORTED, made, 0,
			"put what changes in that into the diff, too, or take the change of the "
			"other out of it",
			"%s is not compiled itself, but %s is made from it, and that is not in "
			"the diff",
			input, path_base(made));
	else
		strings_add_format(&result->notes,
				   "%s is not compiled itself: sources that are made from it are "
				   "part of the patch only where the diff has them",
				   input);
}

static void report_source(struct plan *plan, const struct diff_change *change, const char *real,
			  struct build_result *result)
{
	if (has_command(plan, real)) {
		strings_add(&result->absent, change->name);
		return;
	}
	if (change->new_text)
		plan->uncompiled[plan->uncompiled_count++] =
			(struct core_uncompiled){change->name, change->new_text, change->new_size};
	strings_add_format(&result->notes, "%s has no compile command: it is not part of the patch",
			   change->name);
}

int unreached_report(struct plan *plan, const bool *wanted, struct build_result *result,
		     struct suture_error *err)
{
	plan->uncompiled = calloc(plan->changes.count + 1, sizeof(*plan->uncompiled));
	if (!plan->uncompiled)
		return error_no_memory(err);
	for (size_t i = 0; i < plan->changes.count; i++) {
		const struct diff_change *change = &plan->changes.list[i];
		cleanup_memory char *real = path_real("/", change->path);

		if (change->same_tokens || !real)
			continue;
		if (is_generator_input(change->name))
			report_input(plan, wanted, change->name, result);
		else if (path_is_source(change->name) && !is_compiled(plan, real))
			report_source(plan, change, real, result);
	}
	return 0;
}
