/* SPDX-License-Identifier: MIT */
/*
 * Type identities; see typename.h. Two base types of one size and encoding are one type: long and
 * long long may be swapped. A struct with a name is its name, whose layout is compared by itself;
 * one without is spelled out, and so is a template of such a one.
 */
#include "builder/typename.h"

#include "builder/nameless.h"

#include "base/bytes.h"

#include <dwarf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 24 };

/* A text under construction. */
struct spelling {
	struct bytes text;
	const struct scopes *scopes;
	unsigned behind; /* pointers and functions: what they lead to isn't spelled out */
};

static bool is_qualifier(int tag)
{
	return tag == DW_TAG_typedef || tag == DW_TAG_const_type || tag == DW_TAG_volatile_type ||
	       tag == DW_TAG_restrict_type || tag == DW_TAG_atomic_type;
}

static bool next_type(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Die type;

	if (!dwarf_attr_integrate(die, DW_AT_type, &attribute) ||
	    !dwarf_formref_die(&attribute, &type))
		return false;
	*die = type;
	return true;
}

bool typename_strip(Dwarf_Die *type, bool pointers)
{
	for (unsigned i = 0; i < 4 * DEPTH_MAX; i++) {
		int tag = dwarf_tag(type);
		bool pointer = tag == DW_TAG_pointer_type || tag == DW_TAG_array_type ||
			       tag == DW_TAG_reference_type || tag == DW_TAG_rvalue_reference_type;

		if (!is_qualifier(tag) && !(pointers && pointer))
			return true;
		if (!next_type(type))
			return false;
	}
	return false;
}

const char *typename_last(const char *name)
{
	const char *space = strrchr(name, ' ');
	const char *scope = strstr(space ? space : name, "::");

	for (const char *next = scope; next; next = strstr(next + 2, "::"))
		scope = next;
	if (scope)
		return scope + 2;
	return space ? space + 1 : name;
}

const char *typename_keyword(Dwarf_Die *type)
{
	switch (dwarf_tag(type)) {
	case DW_TAG_union_type:
		return "union";
	case DW_TAG_enumeration_type:
		return "enum";
	case DW_TAG_class_type:
		return "class";
	default:
		return "struct";
	}
}

static void describe(struct spelling *to, Dwarf_Die *type, unsigned depth);

static void describe_array(struct spelling *to, Dwarf_Die *type, unsigned depth)
{
	Dwarf_Die element = *type, child;
	Dwarf_Attribute attribute;

	if (next_type(&element))
		describe(to, &element, depth + 1);
	if (dwarf_child(type, &child))
		return;
	do {
		Dwarf_Word count = 0;

		if (dwarf_tag(&child) != DW_TAG_subrange_type)
			continue;
		if (dwarf_attr(&child, DW_AT_count, &attribute))
			dwarf_formudata(&attribute, &count);
		else if (dwarf_attr(&child, DW_AT_upper_bound, &attribute) &&
			 !dwarf_formudata(&attribute, &count))
			count++;
		bytes_add_format(&to->text, "[%" PRIu64 "]", count);
	} while (!dwarf_siblingof(&child, &child));
}

/* Members with their places, bases among them. */
static void describe_members(struct spelling *to, Dwarf_Die *type, unsigned depth)
{
	Dwarf_Attribute attribute;
	Dwarf_Die child, member;

	bytes_add_format(&to->text, " {");
	if (!dwarf_child(type, &child)) {
		do {
			Dwarf_Word place = 0, bits = 0;

			if (dwarf_tag(&child) == DW_TAG_enumerator) {
				if (dwarf_attr(&child, DW_AT_const_value, &attribute))
					dwarf_formudata(&attribute, &place);
				bytes_add_format(&to->text, " %s=%" PRIu64, dwarf_diename(&child),
						 place);
				continue;
			}
			if (dwarf_tag(&child) != DW_TAG_member &&
			    dwarf_tag(&child) != DW_TAG_inheritance)
				continue;
			if (dwarf_attr(&child, DW_AT_data_bit_offset, &attribute))
				dwarf_formudata(&attribute, &place);
			else if (dwarf_attr(&child, DW_AT_data_member_location, &attribute) &&
				 !dwarf_formudata(&attribute, &place))
				place *= 8;
			if (dwarf_attr(&child, DW_AT_bit_size, &attribute))
				dwarf_formudata(&attribute, &bits);
			bytes_add_format(&to->text, " %s@%" PRIu64 ":%" PRIu64 " ",
					 dwarf_diename(&child) ? dwarf_diename(&child) : "", place,
					 bits);
			member = child;
			if (next_type(&member))
				describe(to, &member, depth + 1);
			bytes_add_format(&to->text, ";");
		} while (!dwarf_siblingof(&child, &child));
	}
	bytes_add_format(&to->text, " }");
}

static void describe_function(struct spelling *to, Dwarf_Die *type, unsigned depth)
{
	Dwarf_Die result = *type, child, parameter;

	if (next_type(&result))
		describe(to, &result, depth + 1);
	else
		bytes_add_format(&to->text, "void");
	bytes_add_format(&to->text, " (");
	if (!dwarf_child(type, &child)) {
		do {
			if (dwarf_tag(&child) == DW_TAG_unspecified_parameters)
				bytes_add_format(&to->text, "...");
			if (dwarf_tag(&child) != DW_TAG_formal_parameter)
				continue;
			parameter = child;
			if (next_type(&parameter))
				describe(to, &parameter, depth + 1);
			bytes_add_format(&to->text, ",");
		} while (!dwarf_siblingof(&child, &child));
	}
	bytes_add_format(&to->text, ")");
}

static void describe_struct(struct spelling *to, Dwarf_Die *type, const char *holder,
			    unsigned depth)
{
	const char *name = dwarf_diename(type);

	if (!name && holder) {
		bytes_add_format(&to->text, "%s", holder);
		return;
	}
	bytes_add_format(&to->text, "%s", typename_keyword(type));
	if (name) {
		bytes_add_format(&to->text, " %s", scopes_of(to->scopes, type));
		nameless_add(&to->text, name);
	}
	if (!name || (!to->behind && nameless_in(name)))
		describe_members(to, type, depth);
}

static void describe_base(struct spelling *to, Dwarf_Die *type)
{
	Dwarf_Attribute attribute;
	Dwarf_Word encoding = 0, size = 0;

	dwarf_aggregate_size(type, &size);
	if (dwarf_attr(type, DW_AT_encoding, &attribute))
		dwarf_formudata(&attribute, &encoding);
	switch (encoding) {
	case DW_ATE_signed:
		bytes_add_format(&to->text, "signed %" PRIu64 " bytes", size);
		break;
	case DW_ATE_unsigned:
		bytes_add_format(&to->text, "unsigned %" PRIu64 " bytes", size);
		break;
	case DW_ATE_float:
		bytes_add_format(&to->text, "float %" PRIu64 " bytes", size);
		break;
	default:
		bytes_add_format(&to->text, "%s %" PRIu64 " bytes",
				 dwarf_diename(type) ? dwarf_diename(type) : "base", size);
	}
}

/* The innermost typedef on the way to the type: what one without a name is known by. */
static const char *typedef_of(Dwarf_Die type)
{
	const char *name = NULL;

	for (unsigned i = 0; i < DEPTH_MAX && is_qualifier(dwarf_tag(&type)); i++) {
		if (dwarf_tag(&type) == DW_TAG_typedef)
			name = dwarf_diename(&type);
		if (!next_type(&type))
			break;
	}
	return name;
}

static void describe(struct spelling *to, Dwarf_Die *type, unsigned depth)
{
	Dwarf_Die stripped = *type;
	const char *name, *holder;

	if (depth > DEPTH_MAX) {
		bytes_add_format(&to->text, "…");
		return;
	}
	holder = typedef_of(*type);
	if (!typename_strip(&stripped, false)) {
		bytes_add_format(&to->text, "void");
		return;
	}
	switch (dwarf_tag(&stripped)) {
	case DW_TAG_base_type:
		describe_base(to, &stripped);
		break;
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
	case DW_TAG_ptr_to_member_type:
		to->behind++;
		if (next_type(&stripped))
			describe(to, &stripped, depth + 1);
		else
			bytes_add_format(&to->text, "void");
		to->behind--;
		bytes_add_format(&to->text, " *");
		break;
	case DW_TAG_array_type:
		describe_array(to, &stripped, depth);
		break;
	case DW_TAG_subroutine_type:
		to->behind++;
		describe_function(to, &stripped, depth);
		to->behind--;
		break;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
		describe_struct(to, &stripped, holder, depth);
		break;
	default:
		name = dwarf_diename(&stripped);
		bytes_add_format(&to->text, "%s", name ? name : "?");
	}
}

char *typename_identity(Dwarf_Die *type, const struct scopes *scopes)
{
	struct spelling to = {.scopes = scopes};

	describe(&to, type, 0);
	bytes_add(&to.text, "", 1);
	if (!bytes_ok(&to.text)) {
		bytes_fini(&to.text);
		return NULL;
	}
	return (char *)to.text.data;
}
