/* SPDX-License-Identifier: MIT */
/* Following a type wherever it leads; each struct is told once. See typelayout.h. */
#include "builder/typelayout.h"

#include "builder/typemember.h"
#include "builder/typename.h"

#include "base/bytes.h"

#include <dwarf.h>
#include <inttypes.h>
#include <stdlib.h>

enum { DEPTH_MAX = 200 };

struct telling {
	struct bytes text;
	Dwarf_Off *told; /* owned */
	size_t told_count;
	struct scopes scopes;
	struct type_reader reader;
};

static void tell(struct telling *to, Dwarf_Die *type, unsigned depth);

/* True the first time. */
static bool begin(struct telling *to, Dwarf_Die *type)
{
	Dwarf_Off place = dwarf_dieoffset(type);
	Dwarf_Off *told;

	for (size_t i = 0; i < to->told_count; i++)
		if (to->told[i] == place)
			return false;
	told = reallocarray(to->told, to->told_count + 1, sizeof(*told));
	if (!told) {
		to->reader.failed = true;
		return false;
	}
	to->told = told;
	to->told[to->told_count++] = place;
	return true;
}

static void tell_what_it_is_of(struct telling *to, Dwarf_Die *die, unsigned depth)
{
	Dwarf_Attribute attribute;
	Dwarf_Die type;

	if (dwarf_attr_integrate(die, DW_AT_type, &attribute) &&
	    dwarf_formref_die(&attribute, &type))
		tell(to, &type, depth + 1);
}

static void tell_members(struct telling *to, Dwarf_Die *type, unsigned depth)
{
	struct type members = {0};
	Dwarf_Word size = 0;
	Dwarf_Die child;

	dwarf_aggregate_size(type, &size);
	bytes_add_format(&to->text, " {%" PRIu64, (uint64_t)size);
	type_read_members(&to->reader, &members, type);
	for (size_t i = 0; i < members.member_count; i++)
		bytes_add_format(&to->text, "; %s @%" PRId64 ":%" PRIu64 " %s",
				 members.members[i].name, members.members[i].offset,
				 members.members[i].size, members.members[i].type);
	bytes_add_format(&to->text, "}\n");
	type_fini(&members);
	if (dwarf_child(type, &child))
		return;
	do {
		if (dwarf_tag(&child) == DW_TAG_member || dwarf_tag(&child) == DW_TAG_inheritance)
			tell_what_it_is_of(to, &child, depth);
	} while (!dwarf_siblingof(&child, &child));
}

static void tell(struct telling *to, Dwarf_Die *type, unsigned depth)
{
	Dwarf_Die stripped = *type;
	char *identity;

	if (depth > DEPTH_MAX || !typename_strip(&stripped, true) || !begin(to, &stripped))
		return;
	identity = typename_identity(&stripped, &to->scopes);
	bytes_add_format(&to->text, "%s", identity ? identity : "");
	to->reader.failed |= !identity;
	free(identity);
	switch (dwarf_tag(&stripped)) {
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
		tell_members(to, &stripped, depth);
		break;
	default:
		bytes_add_format(&to->text, "\n");
	}
}

char *typelayout_text(Dwarf_Die *type)
{
	struct telling to = {.reader = {.scopes = &to.scopes}};
	char *identity = typename_identity(type, &to.scopes);

	/* What the variable itself is, with its pointers and arrays; then what that leads to. */
	bytes_add_format(&to.text, "%s\n", identity ? identity : "");
	tell(&to, type, 0);
	bytes_add(&to.text, "", 1);
	free(to.told);
	if (!identity || to.reader.failed || !bytes_ok(&to.text)) {
		bytes_fini(&to.text);
		free(identity);
		return NULL;
	}
	free(identity);
	return (char *)to.text.data;
}
