/* SPDX-License-Identifier: MIT */
/* Marks in libraries; see mark.h. */
#include "agent/mark.h"

#include <elf.h>
#include <string.h>

enum { MARK_SIZE = EI_NIDENT - EI_PAD };

static const uint8_t mark[MARK_SIZE] = "suture";
static const uint8_t no_mark[MARK_SIZE];

/* Libraries alone: the main program stays where it is. */
static bool has_changed_data(const struct patch *patch, size_t module)
{
	const struct format_module *modules = patch->file.modules.records;

	if (modules[module].flags & FORMAT_MODULE_EXECUTABLE)
		return false;
	for (size_t i = 0; i < patch->file.data.count; i++)
		if (patch_data_is_written(&patch->file.data.records[i]) &&
		    patch->file.data.records[i].module_ref / sizeof(*modules) == module)
			return true;
	return false;
}

/* False: there is no ELF header, or other bytes are where the mark would be. */
static bool read_mark(const struct agent *agent, uintptr_t start, bool *marked)
{
	uint8_t ident[EI_NIDENT];

	if (code_writer_read_stopped(&agent->writer, CODE_WRITER_READ, start, ident,
				     sizeof(ident)) ||
	    memcmp(ident, ELFMAG, SELFMAG) != 0)
		return false;
	*marked = memcmp(ident + EI_PAD, mark, MARK_SIZE) == 0;
	return *marked || memcmp(ident + EI_PAD, no_mark, MARK_SIZE) == 0;
}

bool mark_is_missing(const struct agent *agent, const struct patch *patch, size_t module)
{
	bool marked;

	return has_changed_data(patch, module) &&
	       read_mark(agent, patch->modules[module].start, &marked) && !marked;
}

static bool changes_data_at(const struct patch *patch, uintptr_t start)
{
	for (size_t i = 0; i < patch->file.modules.count; i++)
		if (patch->modules[i].start == start && !patch->modules[i].gone &&
		    has_changed_data(patch, i))
			return true;
	return false;
}

/* When the plan is carried out, will there be one in force that has changed data of that library?
 */
static bool is_wanted(const struct plan *plan, uintptr_t start)
{
	for (size_t c = 0; c < plan_comes_count(plan); c++)
		if (changes_data_at(plan_comes(plan, c), start))
			return true;
	for (const struct patch *patch = plan->agent->patches; patch; patch = patch->next)
		if (patch->state == PATCH_APPLIED && !plan_goes(plan, patch) &&
		    changes_data_at(patch, start))
			return true;
	return false;
}

static int plan_libraries(struct plan *plan, const struct patch *patch, struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < patch->file.modules.count; i++) {
		uintptr_t start = patch->modules[i].start;
		bool wanted, marked;

		if (!changes_data_at(patch, start) ||
		    code_edit_set_has(&plan->edits, start + EI_PAD) ||
		    !read_mark(plan->agent, start, &marked))
			continue;
		wanted = is_wanted(plan, start);
		if (wanted != marked)
			rc = code_edit_set_add(&plan->edits, CODE_EDIT_DATA, start + EI_PAD,
					       marked ? mark : no_mark, wanted ? mark : no_mark,
					       MARK_SIZE, err);
	}
	return rc;
}

int mark_plan(struct plan *plan, struct suture_error *err)
{
	int rc = 0;

	for (size_t c = 0; !rc && c < plan_comes_count(plan); c++)
		rc = plan_libraries(plan, plan_comes(plan, c), err);
	for (size_t i = 0; !rc && i < plan->remove_count; i++)
		rc = plan_libraries(plan, plan->remove[i], err);
	return rc;
}
