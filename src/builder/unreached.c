/* SPDX-License-Identifier: MIT */
/*
 * Changed files that no compiler reads. A source without a command may be a test or another
 * platform's: said. A grammar is more dangerous to pass over in silence: the diff changes the
 * program, but only what a generator wrote is compiled. Where such a source is in the binary and
 * not in the diff, a patch would lack the change, and "nothing to patch" would be a lie: refused.
 */
#include "builder/unreached.h"

#include "builder/generated.h"
#include "builder/mentions.h"
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

/* Does the diff change what the program is made from, and leave out what is made from it? */
static int report_input(struct generated *search, const struct diff_change *change,
			struct build_result *result, struct suture_error *err)
{
	const char *input = change->name;
	const char *made;
	int rc = generated_find(search, change, &made, err);

	if (rc)
		return rc;
	if (made)
		refusals_add(
			&result->refusals, SUTURE_E_UNSUPPORTED, made, 0,
			"put what changes in that into the diff, too, or take the change of the "
			"other out of it",
			"%s is not compiled itself, but %s is made from it, and that is not in "
			"the diff",
			input, path_base(made));
	else if (generated_is_input(input))
		strings_add_format(&result->notes,
				   "%s is not compiled itself: sources that are made from it are "
				   "part of the patch only where the diff has them",
				   input);
	return 0;
}

/*
 * What the binary's command for another file reads is what the source's own command wrote: a C++20
 * module as clang compiles it, or text that was preprocessed first.
 */
static const char *find_step(const struct plan *plan, const bool *wanted, const char *real)
{
	for (size_t i = 0; i < plan->db.count; i++) {
		cleanup_memory char *file = path_real("/", plan->db.entries[i].file);
		const char *output = plan->db.entries[i].output;
		cleanup_memory char *made =
			output && file && strcmp(file, real) == 0 ? path_real("/", output) : NULL;

		for (size_t k = 0; made && k < plan->db.count; k++) {
			cleanup_memory char *read =
				wanted[k] ? path_real("/", plan->db.entries[k].file) : NULL;

			if (read && strcmp(read, made) == 0)
				return plan->db.entries[k].file;
		}
	}
	return NULL;
}

static void report_source(struct plan *plan, struct generated *search,
			  const struct diff_change *change, const char *real,
			  struct build_result *result)
{
	const char *step = find_step(plan, search->wanted, real);

	if (step) {
		refusals_add(&result->refusals, SUTURE_E_UNSUPPORTED, change->path, 0,
			     "change functions in files that are compiled in one step",
			     "%s is compiled in two steps, by way of %s: what the first one makes "
			     "can't be compared",
			     change->name, path_base(step));
		return;
	}
	if (has_command(plan, real)) {
		strings_add(&result->absent, change->name);
		return;
	}
	if (generated_reads(search, real)) /* a unity build's */
		return;
	if (change->new_text)
		plan->uncompiled[plan->uncompiled_count++] =
			(struct core_uncompiled){change->name, change->new_text, change->new_size};
	strings_add_format(&result->notes, "%s has no compile command: it is not part of the patch",
			   change->name);
}

int unreached_report(struct plan *plan, const struct deps_options *deps, const bool *wanted,
		     struct build_result *result, struct suture_error *err)
{
	struct generated search = {.plan = plan, .deps = deps, .wanted = wanted};
	int rc = 0;

	plan->uncompiled = calloc(plan->changes.count + 1, sizeof(*plan->uncompiled));
	if (!plan->uncompiled)
		return error_no_memory(err);
	for (size_t i = 0; i < plan->changes.count && !rc; i++) {
		const struct diff_change *change = &plan->changes.list[i];
		cleanup_memory char *real = path_real("/", change->path);

		if (change->same_tokens || !real)
			continue;
		if (generated_is_input(change->name) || !mentions_expected(change->name))
			rc = report_input(&search, change, result, err);
		else if (path_is_source(change->name) && !is_compiled(plan, real))
			report_source(plan, &search, change, real, result);
	}
	strings_fini(&search.included);
	return rc;
}
