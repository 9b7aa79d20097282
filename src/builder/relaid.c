/* SPDX-License-Identifier: MIT */
/* From a variable to all that lies in it; see relaid.h. */
#include "relaid.h"

#include "base/file.h"
#include "closures.h"
#include "identity.h"
#include "mangled.h"
#include "typename.h"

#include <dwarf.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

static bool is_relaid_closure(const struct core_options *options, Dwarf_Die *type)
{
	char place[64];
	int line = 0;

	dwarf_decl_line(type, &line);
	snprintf(place, sizeof(place), "closure at line %d", line);
	for (size_t i = 0; i < options->relaid_count; i++) {
		const char *name = options->relaid[i];
		size_t length = strlen(name);

		if (length >= strlen(place) && strcmp(name + length - strlen(place), place) == 0)
			return true;
	}
	return false;
}

static bool is_relaid(const struct core_options *options, Dwarf_Die *type)
{
	Dwarf_Attribute attribute;
	const char *linkage = dwarf_formstring(dwarf_attr(type, DW_AT_linkage_name, &attribute));
	const char *name = dwarf_diename(type);
	cleanup_memory char *own = name || !linkage ? NULL : mangled_type(linkage);

	if (closures_is_closure(type))
		return is_relaid_closure(options, type);
	name = name ? name : own;
	for (size_t i = 0; name && i < options->relaid_count; i++)
		if (strcmp(typename_last(options->relaid[i]), name) == 0)
			return true;
	return false;
}

/* By the names on the way to the type, then by those of what it is made of. */
static bool holds(const struct core_options *options, Dwarf_Die *of, unsigned depth)
{
	Dwarf_Attribute attribute;
	Dwarf_Die type = *of, child;

	for (unsigned i = 0; i < DEPTH_MAX; i++) {
		if (!dwarf_attr_integrate(&type, DW_AT_type, &attribute))
			break;
		if (!dwarf_formref_die(&attribute, &type) ||
		    dwarf_tag(&type) == DW_TAG_pointer_type)
			return false;
		if (is_relaid(options, &type))
			return true;
	}
	if (depth > DEPTH_MAX || dwarf_child(&type, &child))
		return false;
	do {
		if ((dwarf_tag(&child) == DW_TAG_member ||
		     dwarf_tag(&child) == DW_TAG_inheritance) &&
		    holds(options, &child, depth + 1))
			return true;
	} while (!dwarf_siblingof(&child, &child));
	return false;
}

static void mark(void *context, Dwarf_Die *die, struct part *part)
{
	if (part && !part->relaid)
		part->relaid = holds(context, die, 0);
}

int relaid_mark(struct session *session, struct unit *unit)
{
	const struct core_options *options = session->options;

	if (!options->relaid_count)
		return 0;
	return identity_variables(&session->arena, &unit->patched, mark, (void *)options,
				  session->err);
}
