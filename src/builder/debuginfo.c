/* SPDX-License-Identifier: MIT */
/* See debuginfo.h. */
#include "builder/debuginfo.h"

#include <dwarf.h>

enum { MAX_REFERENCES = 64 };

Dwfl *debuginfo_open(const char *path, Dwfl_Module **module)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};
	Dwfl *dwfl = dwfl_begin(&callbacks);

	*module = dwfl ? dwfl_report_offline(dwfl, path, path, -1) : NULL;
	if (dwfl)
		dwfl_report_end(dwfl, NULL, NULL);
	return dwfl;
}

/*
 * clang says of what a unit's own source declares that its file is number 0: since version 5 of
 * DWARF that is a file like others, which dwarf_decl_file() of elfutils 0.188 takes for none.
 */
static const char *first_file(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Word number;
	Dwarf_Die unit;
	Dwarf_Half version;
	Dwarf_Files *files;
	size_t count;

	if (dwarf_formudata(dwarf_attr_integrate(die, DW_AT_decl_file, &attribute), &number) ||
	    number || !dwarf_cu_die(attribute.cu, &unit, &version, NULL, NULL, NULL, NULL, NULL) ||
	    version < 5 || dwarf_getsrcfiles(&unit, &files, &count) || !count)
		return NULL;
	return dwarf_filesrc(files, 0, NULL, NULL);
}

const char *debuginfo_file(Dwarf_Die *die)
{
	const char *file = dwarf_decl_file(die);

	return file ? file : first_file(die);
}

bool debuginfo_address(Dwarf_Attribute *location, Dwarf_Op *op, Dwarf_Addr *address)
{
	Dwarf_Attribute indexed;

	*address = op->number;
	if (op->atom == DW_OP_addrx || op->atom == DW_OP_GNU_addr_index)
		return !dwarf_getlocation_attr(location, op, &indexed) &&
		       !dwarf_formaddr(&indexed, address);
	return op->atom == DW_OP_addr;
}

bool debuginfo_variable(Dwarf_Die *die, Dwarf_Addr *address)
{
	Dwarf_Attribute location;
	Dwarf_Op *ops;
	size_t count;

	return dwarf_attr(die, DW_AT_location, &location) &&
	       !dwarf_getlocation(&location, &ops, &count) && count == 1 &&
	       debuginfo_address(&location, &ops[0], address);
}

Dwarf_Off debuginfo_declaration(Dwarf_Die *die)
{
	Dwarf_Die at = *die;

	for (int i = 0; i < MAX_REFERENCES; i++) {
		Dwarf_Attribute attribute;
		Dwarf_Die next;

		if ((!dwarf_attr(&at, DW_AT_abstract_origin, &attribute) &&
		     !dwarf_attr(&at, DW_AT_specification, &attribute)) ||
		    !dwarf_formref_die(&attribute, &next))
			break;
		at = next;
	}
	return dwarf_dieoffset(&at);
}

size_t debuginfo_section(Dwfl_Module *module, Dwarf_Addr *address)
{
	Elf32_Word number = 0;
	int index = dwfl_module_relocate_address(module, address);

	if (index < 0 || !dwfl_module_relocation_info(module, (unsigned)index, &number))
		return 0;
	return number;
}
