/* SPDX-License-Identifier: MIT */
/* Scopes of types; see scopes.h. */
#include "builder/scopes.h"

#include "base/file.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

void scopes_fini(struct scopes *scopes)
{
	for (size_t i = 0; i < scopes->count; i++)
		free(scopes->list[i].text);
	free(scopes->list);
	*scopes = (struct scopes){0};
}

static void add(struct scopes *scopes, Dwarf_Die *type, const char *text)
{
	struct scope *scope;

	if (scopes->count == scopes->room) {
		size_t room = scopes->room ? 2 * scopes->room : 256;
		struct scope *list = reallocarray(scopes->list, room, sizeof(*list));

		if (!list) {
			scopes->failed = true;
			return;
		}
		scopes->list = list;
		scopes->room = room;
	}
	scope = &scopes->list[scopes->count];
	*scope = (struct scope){dwarf_dieoffset(type), strdup(text)};
	scopes->failed |= !scope->text;
	scopes->count += scope->text != NULL;
}

static void walk(struct scopes *scopes, Dwarf_Die *parent, const char *text, unsigned depth)
{
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die))
		return;
	do {
		int tag = dwarf_tag(&die);
		cleanup_memory char *inner = NULL;
		const char *name;

		if (tag != DW_TAG_namespace && tag != DW_TAG_structure_type &&
		    tag != DW_TAG_class_type && tag != DW_TAG_union_type &&
		    tag != DW_TAG_enumeration_type)
			continue;
		if (tag != DW_TAG_namespace && *text)
			add(scopes, &die, text);
		name = dwarf_diename(&die);
		if (asprintf(&inner, "%s%s::", text, name ? name : "(anonymous)") < 0) {
			inner = NULL;
			scopes->failed = true;
			return;
		}
		walk(scopes, &die, inner, depth + 1);
	} while (!dwarf_siblingof(&die, &die));
}

void scopes_add_unit(struct scopes *scopes, Dwarf_Die *unit)
{
	walk(scopes, unit, "", 0);
}

static int by_offset(const void *left, const void *right)
{
	const struct scope *a = left, *b = right;

	return a->type < b->type ? -1 : a->type > b->type;
}

void scopes_sort(struct scopes *scopes)
{
	if (scopes->count)
		qsort(scopes->list, scopes->count, sizeof(*scopes->list), by_offset);
}

const char *scopes_of(const struct scopes *scopes, Dwarf_Die *type)
{
	struct scope key = {.type = dwarf_dieoffset(type)};
	const struct scope *found = scopes->count ? bsearch(&key, scopes->list, scopes->count,
							    sizeof(*scopes->list), by_offset)
						  : NULL;

	return found ? found->text : "";
}
