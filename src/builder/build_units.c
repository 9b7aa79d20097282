/* SPDX-License-Identifier: MIT */
/* What a build says of its units, once they are known or compiled; see build_units.h. */
#include "builder/build_units.h"

#include "builder/path.h"

#include <string.h>

void build_units_count(struct build *build)
{
	struct build_units *units = &build->result->units;

	for (size_t i = 0; i < build->plan.unit_count; i++) {
		const struct compile_unit *unit = &build->plan.units[i];

		units->affected += !unit->foreign;
		units->skipped += unit->skipped && !unit->foreign;
		units->compiled += !unit->skipped && unit->compiled;
		units->cached += !unit->skipped && !unit->compiled;
	}
}

void build_units_refuse_removed(struct build *build)
{
	for (size_t i = 0; i < build->plan.unit_count; i++) {
		const struct compile_unit *unit = &build->plan.units[i];

		if (unit->removed)
			refusals_add(&build->result->refusals, SUTURE_E_UNSUPPORTED,
				     unit->entry->file, 0, "empty the functions instead",
				     "%s: the diff removes a source of the running program",
				     unit->name);
	}
}

void build_units_refuse_unnumbered(struct build *build)
{
	for (size_t i = 0; i < build->plan.unit_count; i++)
		if (build->plan.units[i].unnumbered)
			refusals_add(&build->result->refusals, SUTURE_E_UNSUPPORTED,
				     build->plan.units[i].entry->file, 0,
				     "edit it so that no line moves",
				     "%s compiles with the diff, but not with the #line directives "
				     "that keep its line numbers",
				     build->plan.units[i].name);
}

static const struct compile_unit *find_escaped(const struct plan *plan)
{
	for (size_t i = 0; i < plan->unit_count; i++)
		if (plan->units[i].escape)
			return &plan->units[i];
	return NULL;
}

int build_units_look_deeper(struct build *build, struct suture_error *err)
{
	const struct compile_unit *unit = find_escaped(&build->plan);
	int rc;

	if (!unit)
		return 0;
	rc = plan_make_view(&build->plan, true, err);
	if (!rc)
		rc = compile_patched_again(&build->compile, build->plan.units,
					   build->plan.unit_count, &build->result->refusals, err);
	unit = rc ? NULL : find_escaped(&build->plan);
	if (unit && (strings_contain(&unit->command.argv, "-include-pch") ||
		     !strcmp(unit->escape, unit->entry->file)))
		refusals_add(&build->result->refusals, SUTURE_E_UNSUPPORTED, unit->entry->file, 0,
			     "keep the header that it is made from beside it",
			     "%s is compiled with a precompiled header, which holds headers as "
			     "they were before the diff",
			     unit->name);
	else if (unit)
		refusals_add(&build->result->refusals, SUTURE_E_UNSUPPORTED, unit->entry->file, 0,
			     "include it by a relative path, or through -I",
			     "%s includes %s by an absolute path: the patched file can't be put in "
			     "its place",
			     unit->name, unit->escape);
	return rc;
}

void build_units_list_elsewhere(struct build *build)
{
	const struct plan *plan = &build->plan;

	for (size_t i = 0; build->options->one_of_several && i < plan->unit_count; i++) {
		const char *name = plan->units[i].name;
		bool here = false;

		for (size_t k = 0; k < plan->unit_count; k++)
			here |= !plan->units[k].foreign && strcmp(plan->units[k].name, name) == 0;
		if (!here)
			strings_add_once(&build->result->elsewhere, name);
	}
}
