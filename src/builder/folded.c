/* SPDX-License-Identifier: MIT */
/* See folded.h. */
#include "folded.h"

#include <elf.h>
#include <string.h>

static bool is_of_kind(const struct binary_symbol *symbol, const struct part *part)
{
	if (part->kind == PART_DATA)
		return symbol->type == STT_OBJECT;
	return symbol->type == STT_FUNC || symbol->type == STT_GNU_IFUNC;
}

/* The symbol by which V defines it; 0: none. */
static uint32_t own_symbol(const struct object *v, const char *name)
{
	for (uint32_t i = 1; name && i < v->symbol_count; i++)
		if (strcmp(v->symbols[i].name, name) == 0 && object_defines(v, &v->symbols[i]))
			return i;
	return 0;
}

/* How many of that name V has in the same place: aliases, and itself. */
static unsigned names_there(const struct object *v, uint32_t own, const char *name)
{
	unsigned count = 0;

	for (uint32_t i = 1; i < v->symbol_count; i++)
		count += strcmp(v->symbols[i].name, name) == 0 &&
			 v->symbols[i].section == v->symbols[own].section &&
			 v->symbols[i].value == v->symbols[own].value;
	return count;
}

const char *folded_with(const struct session *session, const struct unit *unit,
			const struct part *part)
{
	const struct binary *binary = &session->binary;
	uint64_t target = part->twin->target;
	uint32_t own = own_symbol(&unit->v, part->twin->proof_name);
	unsigned of_our_name = 0;

	for (size_t i = binary_first_symbol(binary, target);
	     i < binary->by_address_count && binary->by_address[i]->address == target; i++) {
		const struct binary_symbol *symbol = binary->by_address[i];
		unsigned count =
			is_of_kind(symbol, part) ? names_there(&unit->v, own, symbol->name) : 1;

		/* Each file has its own symbol for a static one. */
		if (count && symbol->bind == STB_LOCAL && own &&
		    strcmp(symbol->name, unit->v.symbols[own].name) == 0)
			of_our_name++;
		if (!count || of_our_name > count)
			return symbol->name;
	}
	return NULL;
}
