/* SPDX-License-Identifier: MIT */
/* What is inside a type: fields, bases, virtual functions, enumerators, parameters. */
#include "builder/typemember.h"

#include "builder/typename.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

static struct type_member *add_member(struct type_reader *reader, struct type *type,
				      enum type_member_kind kind, const char *name, char *identity)
{
	struct type_member *member;

	if (type->member_count == type->member_room) {
		size_t room = type->member_room ? 2 * type->member_room : 8;
		struct type_member *members = reallocarray(type->members, room, sizeof(*members));

		if (!members) {
			reader->failed = true;
			free(identity);
			return NULL;
		}
		type->members = members;
		type->member_room = room;
	}
	member = &type->members[type->member_count++];
	*member = (struct type_member){
		.kind = kind, .name = strdup(name ? name : ""), .type = identity};
	reader->failed |= !member->name || !member->type;
	return member;
}

bool type_has_flag(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	bool value = false;

	return dwarf_attr(die, name, &attribute) && !dwarf_formflag(&attribute, &value) && value;
}

static bool number(Dwarf_Die *die, unsigned name, uint64_t *value)
{
	Dwarf_Attribute attribute;
	Dwarf_Word word;

	if (!dwarf_attr(die, name, &attribute) || dwarf_formudata(&attribute, &word))
		return false;
	*value = word;
	return true;
}

/* A member's type, spelled out, and its size. */
static char *type_of(const struct type_reader *reader, Dwarf_Die *die, uint64_t *size)
{
	Dwarf_Attribute attribute;
	Dwarf_Die type;
	Dwarf_Word bytes;

	*size = 0;
	if (!dwarf_attr_integrate(die, DW_AT_type, &attribute) ||
	    !dwarf_formref_die(&attribute, &type))
		return strdup("void");
	if (!dwarf_aggregate_size(&type, &bytes))
		*size = bytes;
	return typename_identity(&type, reader->scopes);
}

static void read_field(struct type_reader *reader, struct type *type, Dwarf_Die *die)
{
	uint64_t bytes, place = 0, bits, from_top, storage;
	struct type_member *member;
	int line = 0;
	char *identity;
	bool is_base = dwarf_tag(die) == DW_TAG_inheritance;

	/* Static members are variables of their own. */
	if (type_has_flag(die, DW_AT_external) || type_has_flag(die, DW_AT_declaration))
		return;
	identity = type_of(reader, die, &bytes);
	member = add_member(reader, type, is_base ? TYPE_BASE : TYPE_FIELD, dwarf_diename(die),
			    identity);
	if (!member)
		return;
	dwarf_decl_line(die, &line);
	member->line = (unsigned)line;
	member->is_virtual = is_base && dwarf_hasattr(die, DW_AT_virtuality);
	member->size = bytes * 8;
	/* A virtual base has an expression instead of a number: 0 here, and its identity counts. */
	if (number(die, DW_AT_data_member_location, &place))
		member->offset = (int64_t)place * 8;
	if (!number(die, DW_AT_bit_size, &bits))
		return;
	member->size = bits;
	if (number(die, DW_AT_data_bit_offset, &place)) {
		member->offset = (int64_t)place;
	} else if (number(die, DW_AT_bit_offset, &from_top)) {
		/* DWARF 3: counted from the top of the storage unit. */
		if (!number(die, DW_AT_byte_size, &storage))
			storage = bytes;
		member->offset += (int64_t)(storage * 8 - from_top - bits);
	}
}

/* The place of a virtual function in the vtable: DW_OP_constu N, or a plain number. */
static void read_slot(struct type_reader *reader, struct type *type, Dwarf_Die *die)
{
	struct type_member *member;
	Dwarf_Attribute attribute;
	const char *name;
	uint64_t slot = 0;
	Dwarf_Op *ops;
	size_t count;
	int line = 0;

	if (!dwarf_hasattr(die, DW_AT_virtuality) ||
	    !dwarf_attr(die, DW_AT_vtable_elem_location, &attribute))
		return;
	if (!dwarf_getlocation(&attribute, &ops, &count) && count)
		slot = ops[0].atom >= DW_OP_lit0 && ops[0].atom <= DW_OP_lit31
			       ? (uint64_t)(ops[0].atom - DW_OP_lit0)
			       : ops[0].number;
	name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute));
	member = add_member(reader, type, TYPE_SLOT, name ? name : dwarf_diename(die), strdup(""));
	if (!member)
		return;
	dwarf_decl_line(die, &line);
	member->line = (unsigned)line;
	member->offset = (int64_t)slot;
	member->is_implicit = type_has_flag(die, DW_AT_artificial);
}

static void read_enumerator(struct type_reader *reader, struct type *type, Dwarf_Die *die)
{
	struct type_member *member;
	Dwarf_Attribute attribute;
	Dwarf_Sword value = 0;
	int line = 0;

	if (dwarf_attr(die, DW_AT_const_value, &attribute))
		dwarf_formsdata(&attribute, &value);
	member = add_member(reader, type, TYPE_ENUMERATOR, dwarf_diename(die), strdup(""));
	if (!member)
		return;
	dwarf_decl_line(die, &line);
	member->line = (unsigned)line;
	member->offset = value;
}

void type_read_members(struct type_reader *reader, struct type *type, Dwarf_Die *die)
{
	Dwarf_Die child;

	if (dwarf_child(die, &child))
		return;
	do {
		switch (dwarf_tag(&child)) {
		case DW_TAG_member:
		case DW_TAG_inheritance:
			read_field(reader, type, &child);
			break;
		case DW_TAG_subprogram:
			read_slot(reader, type, &child);
			break;
		case DW_TAG_enumerator:
			read_enumerator(reader, type, &child);
			break;
		default:
			break;
		}
	} while (!dwarf_siblingof(&child, &child));
}

/* What callers must agree on: the types of the result and of each parameter. */
void type_read_signature(struct type_reader *reader, struct type *type, Dwarf_Die *die)
{
	struct type_member *member;
	int64_t place = 0;
	Dwarf_Die child;
	uint64_t size;

	member = add_member(reader, type, TYPE_PARAMETER, "", type_of(reader, die, &size));
	if (member)
		member->offset = place++;
	if (dwarf_child(die, &child))
		return;
	do {
		int tag = dwarf_tag(&child);

		if (tag != DW_TAG_formal_parameter && tag != DW_TAG_unspecified_parameters)
			continue;
		member = add_member(reader, type, TYPE_PARAMETER,
				    tag == DW_TAG_formal_parameter ? dwarf_diename(&child) : "...",
				    tag == DW_TAG_formal_parameter ? type_of(reader, &child, &size)
								   : strdup("..."));
		if (member)
			member->offset = place++;
	} while (!dwarf_siblingof(&child, &child));
}
