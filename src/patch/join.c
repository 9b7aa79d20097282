/* SPDX-License-Identifier: MIT */
/* Joining the tables of a patch's files; see join.h. Pure, plan phase. */
#include "patch/join.h"

#include "base/error.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Tables of which the whole patch has one. */
#define TABLES(X)       \
	X(strings)      \
	X(modules)      \
	X(functions)    \
	X(data)         \
	X(hooks)        \
	X(surroundings) \
	X(idle)         \
	X(constructors) \
	X(originals)    \
	X(migrations)   \
	X(variables)    \
	X(constructs)   \
	X(provides)     \
	X(provenance)

/* Fields of records that are references, with the table that they lead into; ADDRESS: link-time. */
#define REFERENCES(REF, ADDRESS)                       \
	REF(modules, name_ref, strings)                \
	REF(functions, module_ref, modules)            \
	REF(functions, name_ref, strings)              \
	REF(functions, unit_ref, strings)              \
	ADDRESS(functions, replacement_address)        \
	REF(data, module_ref, modules)                 \
	REF(data, name_ref, strings)                   \
	REF(data, unit_ref, strings)                   \
	ADDRESS(data, new_address)                     \
	ADDRESS(hooks, function_address)               \
	REF(surroundings, module_ref, modules)         \
	REF(idle, module_ref, modules)                 \
	REF(idle, name_ref, strings)                   \
	ADDRESS(constructors, function_address)        \
	ADDRESS(originals, slot_address)               \
	ADDRESS(originals, replacement_address)        \
	REF(migrations, type_ref, strings)             \
	ADDRESS(migrations, forward_address)           \
	ADDRESS(migrations, reverse_address)           \
	REF(variables, data_ref, data)                 \
	REF(variables, owner_ref, strings)             \
	REF(variables, stem_ref, strings)              \
	REF(constructs, constructor_ref, constructors) \
	REF(constructs, variable_ref, variables)       \
	REF(provides, unit_ref, strings)               \
	REF(provides, name_ref, strings)               \
	ADDRESS(provides, address)                     \
	REF(provenance, key_ref, strings)              \
	REF(provenance, value_ref, strings)

enum { JOIN_ALIGN = 16, JOIN_PAGE = 4096 };

static size_t aligned(size_t size)
{
	return (size + JOIN_ALIGN - 1) & ~(size_t)(JOIN_ALIGN - 1);
}

/* Two tables one behind the other; *memory moves behind them. */
static const void *lay_out(uint8_t **memory, const void *own, size_t own_size, const void *further,
			   size_t further_size)
{
	uint8_t *start = *memory;

	if (own_size)
		memcpy(start, own, own_size);
	if (further_size)
		memcpy(start + own_size, further, further_size);
	*memory += aligned(own_size + further_size);
	return start;
}

/* The field lies in memory of ours, whatever its type says. */
static void move(const uint64_t *field, uint64_t by)
{
	if (*field != FORMAT_NONE)
		*(uint64_t *)(uintptr_t)field += by;
}

/* The records of file->next now lie behind those of `own`, which is file as it was. */
static void move_references(const struct patch_file *file, const struct patch_file *own)
{
#define MOVE(table, field, by)                                        \
	for (size_t i = own->table.count; i < file->table.count; i++) \
		move(&file->table.records[i].field, by);
#define MOVE_REF(table, field, into) \
	MOVE(table, field, own->into.count * sizeof(*own->into.records))
#define MOVE_ADDRESS(table, field) MOVE(table, field, file->shift)
	REFERENCES(MOVE_REF, MOVE_ADDRESS)
#undef MOVE
#undef MOVE_REF
#undef MOVE_ADDRESS
}

/* Two files for one module could replace one function twice. */
static bool share_a_module(const struct patch_file *file)
{
	const struct patch_file *next = file->next;

	for (size_t i = 0; i < file->modules.count; i++)
		for (size_t k = 0; k < next->modules.count; k++) {
			const struct format_module *a = &file->modules.records[i];
			const struct format_module *b = &next->modules.records[k];

			if (a->build_id_size == b->build_id_size &&
			    memcmp(a->build_id, b->build_id, a->build_id_size) == 0)
				return true;
		}
	return false;
}

int join_tables(struct patch_file *file, const char *label, struct suture_error *err)
{
	const struct patch_file own = *file, *next = file->next;
	size_t size = 0;
	uint8_t *memory;

	if (share_a_module(file))
		return error_set(err, SUTURE_E_BAD_PATCH_FILE, "%s: two parts are for one module",
				 label);
#define TABLE_SIZE(table) \
	size += aligned((own.table.count + next->table.count) * sizeof(*own.table.records));
	TABLES(TABLE_SIZE)
#undef TABLE_SIZE
	memory = malloc(size);
	if (!memory)
		return error_no_memory(err);
	file->joined = memory;
#define TABLE_JOIN(table)                                                                         \
	file->table.records =                                                                     \
		lay_out(&memory, own.table.records, own.table.count * sizeof(*own.table.records), \
			next->table.records, next->table.count * sizeof(*own.table.records));     \
	file->table.count += next->table.count;
	TABLES(TABLE_JOIN)
#undef TABLE_JOIN
	/* A symbol may lie at the very end. */
	file->split = (file->high + 2 * JOIN_PAGE - 1) & ~(uint64_t)(JOIN_PAGE - 1);
	file->shift = file->split - next->low;
	move_references(file, &own);
	return 0;
}
