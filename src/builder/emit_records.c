/* SPDX-License-Identifier: MIT */
/* The records of one unit: functions, data, idle functions, constructors; and those of the patch.
 */
#include "emit.h"

#include "author.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "difference.h"
#include "variables.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>

enum { PATCH_LIMIT = 1 << 28 };

/* A constant's bytes as they are at run time: a patch below may have changed them in place. */
static int hash_target(struct emit *emit, const struct part *old, uint8_t hash[FORMAT_HASH_SIZE])
{
	const uint8_t *bytes = binary_bytes(&emit->session->binary, old->target, old->target_size);

	if (!bytes || !old->target_size)
		return error_set(emit->session->err, SUTURE_E_INTERNAL,
				 "%s: no bytes in %s at 0x%llx", old->name,
				 emit->session->binary.name, (unsigned long long)old->target);
	hash_bytes(bytes, old->target_size, hash);
	return 0;
}

static int add_function(struct emit *emit, struct part *part)
{
	struct format_function record = {
		.target = part->twin->target,
		.size = part->twin->target_size,
		.replacement_size = part->size,
		.padding = binary_gap(&emit->session->binary,
				      part->twin->target + part->twin->target_size)};
	struct tables_field fields[3];
	int64_t offset;
	int code = hash_target(emit, part->twin, record.old_hash);

	if (code)
		return code;
	fields[0] = tables_string(&emit->tables, offsetof(struct format_function, name_ref),
				  part->name);
	fields[1] = tables_string(&emit->tables, offsetof(struct format_function, unit_ref),
				  emit->unit->source);
	fields[2].offset = offsetof(struct format_function, replacement_address);
	fields[2].symbol = emit_part_symbol(emit, part, &offset);
	fields[2].addend = offset;
	tables_add(&emit->tables, TABLES_functions, &record, sizeof(record), fields, 3);
	return 0;
}

static void add_idle(struct emit *emit, const struct part *old)
{
	struct format_idle record = {.target = old->target, .size = old->target_size};
	struct tables_field field =
		tables_string(&emit->tables, offsetof(struct format_idle, name_ref), old->name);

	tables_add(&emit->tables, TABLES_idle, &record, sizeof(record), &field, 1);
}

/* What a successor recognises the variable by, if it is one. */
static void add_variable(struct emit *emit, const struct part *part, uint64_t data)
{
	struct variable *variable = variables_of(emit->session, part);
	struct arena *arena = &emit->session->arena;
	struct format_variable record = {.owner_ref = FORMAT_NONE};
	struct tables_field fields[3];
	const char *stem;
	size_t count = 0;

	if (!variable)
		return;
	stem = arena_slice(arena, part->name, part->stem);
	record.flags = variable->ambiguous ? FORMAT_VARIABLE_AMBIGUOUS : 0;
	memcpy(record.type_hash, variable->type, sizeof(record.type_hash));
	fields[count++] = tables_record(&emit->tables, offsetof(struct format_variable, data_ref),
					TABLES_data, data);
	fields[count++] = tables_string(&emit->tables, offsetof(struct format_variable, stem_ref),
					stem ? stem : "");
	if (part->identity.owner)
		fields[count++] =
			tables_string(&emit->tables, offsetof(struct format_variable, owner_ref),
				      part->identity.owner);
	variable->record =
		tables_add(&emit->tables, TABLES_variables, &record, sizeof(record), fields, count);
}

static void add_constructs(struct emit *emit, size_t constructor, uint64_t at)
{
	const struct session *session = emit->session;

	for (size_t i = 0; i < session->construct_count; i++) {
		const struct construct *construct = &session->constructs[i];
		struct format_construct record = {0};
		struct tables_field fields[2];

		if (construct->unit != emit->unit || construct->constructor != constructor)
			continue;
		fields[0] = tables_record(&emit->tables,
					  offsetof(struct format_construct, constructor_ref),
					  TABLES_constructors, at);
		fields[1] = tables_record(&emit->tables,
					  offsetof(struct format_construct, variable_ref),
					  TABLES_variables, construct->variable->record);
		tables_add(&emit->tables, TABLES_constructs, &record, sizeof(record), fields, 2);
	}
}

/* What a run of bytes of a constant was: in the binary, or, with patches below, as they left it. */
static int hash_run(struct emit *emit, const struct part *old, const struct difference_run *run,
		    uint8_t hash[FORMAT_HASH_SIZE])
{
	const struct object_section *section = &emit->unit->o.sections[old->section];
	const uint8_t *bytes = emit->unit->input->layer_count && section->data
				       ? section->data + old->start + run->offset
				       : NULL;

	if (!emit->unit->input->layer_count)
		bytes = binary_bytes(&emit->session->binary, old->target + run->offset, run->size);
	if (!bytes)
		return error_set(emit->session->err, SUTURE_E_INTERNAL, "%s: no bytes", old->name);
	hash_bytes(bytes, run->size, hash);
	return 0;
}

/* Returns the record's place in the table. */
static uint64_t add_datum(struct emit *emit, const struct part *part, struct format_data *record,
			  uint64_t offset)
{
	struct tables_field fields[3];
	int64_t addend;

	fields[0] =
		tables_string(&emit->tables, offsetof(struct format_data, name_ref), part->name);
	fields[1] = tables_string(&emit->tables, offsetof(struct format_data, unit_ref),
				  emit->unit->source);
	if (record->kind != FORMAT_DATA_KEEP) {
		fields[2].offset = offsetof(struct format_data, new_address);
		fields[2].symbol = emit_part_symbol(emit, part, &addend);
		fields[2].addend = addend + (int64_t)offset;
	}
	return tables_add(&emit->tables, TABLES_data, record, sizeof(*record), fields,
			  record->kind == FORMAT_DATA_KEEP ? 2 : 3);
}

/* One record for each run that differs: what the loader has put beside it is not known here. */
static int add_constant(struct emit *emit, const struct part *part)
{
	struct comparer comparer = {.arena = &emit->session->arena,
				    .original = &emit->unit->original,
				    .patched = &emit->unit->patched};
	struct difference_run run;
	uint64_t from = 0;

	while (difference_next_run(&comparer, part->twin, part, &from, &run)) {
		struct format_data record = {.target = part->twin->target + run.offset,
					     .size = run.size,
					     .kind = run.address ? FORMAT_DATA_ADDRESS
								 : FORMAT_DATA_CONST};
		int code = run.address ? 0 : hash_run(emit, part->twin, &run, record.old_hash);

		if (code)
			return code;
		add_datum(emit, part, &record, run.offset);
	}
	return 0;
}

static int add_data(struct emit *emit, struct part *part, enum format_data_kind kind)
{
	struct format_data record = {.size = part->size, .kind = kind};

	if (kind == FORMAT_DATA_CONST)
		return add_constant(emit, part);
	if (kind != FORMAT_DATA_NEW)
		record.target = part->twin->target;
	add_variable(emit, part, add_datum(emit, part, &record, 0));
	return 0;
}

static bool carried(const struct emit *emit, const struct part *part)
{
	if (part->section == OBJECT_COMMON)
		return emit->symbols[part->symbol] != 0;
	return emit->unit->kept[part->section];
}

static void add_hook(struct emit *emit, const struct hook *hook)
{
	struct format_hook record = {.kind = hook->kind};
	struct tables_field field = {.offset = offsetof(struct format_hook, function_address)};

	field.symbol = emit_part_symbol(emit, hook->part, &field.addend);
	tables_add(&emit->tables, TABLES_hooks, &record, sizeof(record), &field, 1);
}

static void add_original(struct emit *emit, const struct original *original)
{
	struct format_original record = {0};
	struct tables_field fields[2] = {
		{.offset = offsetof(struct format_original, slot_address)},
		{.offset = offsetof(struct format_original, replacement_address)},
	};

	fields[0].symbol = emit_part_symbol(emit, original->slot, &fields[0].addend);
	fields[1].symbol = emit_part_symbol(emit, original->part, &fields[1].addend);
	tables_add(&emit->tables, TABLES_originals, &record, sizeof(record), fields, 2);
}

static void add_migration(struct emit *emit, const struct migration *migration)
{
	struct format_migration record = {.old_size = migration->old_size,
					  .new_size = migration->new_size,
					  .reverse_address = FORMAT_NONE};
	struct tables_field fields[3] = {
		tables_string(&emit->tables, offsetof(struct format_migration, type_ref),
			      migration->type),
		{.offset = offsetof(struct format_migration, forward_address)},
		{.offset = offsetof(struct format_migration, reverse_address)},
	};

	fields[1].symbol = emit_part_symbol(emit, migration->forward, &fields[1].addend);
	if (migration->reverse)
		fields[2].symbol = emit_part_symbol(emit, migration->reverse, &fields[2].addend);
	tables_add(&emit->tables, TABLES_migrations, &record, sizeof(record), fields,
		   migration->reverse ? 3 : 2);
}

/* What the author asked for. */
static void add_notes(struct emit *emit)
{
	const struct session *session = emit->session;

	for (size_t i = 0; i < session->hook_count; i++)
		if (session->hooks[i].unit == emit->unit)
			add_hook(emit, &session->hooks[i]);
	for (size_t i = 0; i < session->migration_count; i++)
		if (session->migrations[i].unit == emit->unit)
			add_migration(emit, &session->migrations[i]);
	for (size_t i = 0; i < session->original_count; i++)
		if (session->originals[i].unit == emit->unit)
			add_original(emit, &session->originals[i]);
}

static int add_unit_data(struct emit *emit)
{
	const struct part_set *set = &emit->unit->patched;
	int code = 0;

	for (size_t i = 0; !code && i < set->count; i++)
		if (set->list[i]->kind == PART_DATA && !part_exists(set->list[i]) &&
		    carried(emit, set->list[i]) && !author_is_slot(emit->unit, set->list[i]))
			code = add_data(emit, set->list[i], FORMAT_DATA_NEW);
	for (size_t i = 0; !code && i < emit->session->data_count; i++) {
		static const enum format_data_kind kinds[] = {
			[CORE_DATUM_CONST] = FORMAT_DATA_CONST,
			[CORE_DATUM_NEW] = FORMAT_DATA_NEW,
			[CORE_DATUM_SET] = FORMAT_DATA_SET,
			[CORE_DATUM_KEEP] = FORMAT_DATA_KEEP,
		};
		const struct datum *datum = &emit->session->data[i];

		if (datum->unit == emit->unit)
			code = add_data(emit, datum->part, kinds[datum->kind]);
	}
	return code;
}

/* What patches on top of this one may refer to. */
static void add_provides(struct emit *emit)
{
	const struct part_set *set = &emit->unit->patched;

	for (size_t i = 0; i < set->count; i++) {
		const struct part *part = set->list[i];
		struct format_provide record = {0};
		struct tables_field fields[3] = {
			{.offset = offsetof(struct format_provide, address)}};

		if ((part->kind != PART_FUNCTION && part->kind != PART_DATA) || !part->symbol ||
		    part_exists(part) || !carried(emit, part) || author_is_slot(emit->unit, part))
			continue;
		record.flags = (part->global ? FORMAT_PROVIDE_GLOBAL : 0) |
			       (part->kind == PART_FUNCTION ? FORMAT_PROVIDE_FUNCTION : 0);
		fields[0].symbol = emit_part_symbol(emit, part, &fields[0].addend);
		fields[1] = tables_string(&emit->tables, offsetof(struct format_provide, unit_ref),
					  emit->unit->source);
		fields[2] = tables_string(&emit->tables, offsetof(struct format_provide, name_ref),
					  part->name);
		tables_add(&emit->tables, TABLES_provides, &record, sizeof(record), fields, 3);
	}
}

int emit_records(struct emit *emit)
{
	const struct unit *unit = emit->unit;
	const struct part_set *old = &unit->original;
	int code = 0;

	for (size_t i = 0; !code && i < unit->patched.count; i++)
		if (unit->patched.list[i]->replaced)
			code = add_function(emit, unit->patched.list[i]);
	if (!code)
		code = add_unit_data(emit);
	add_notes(emit);
	add_provides(emit);
	/* A thread in the cold part of a replaced function is inside of that function. */
	for (size_t i = 0; !code && i < old->count; i++) {
		const struct part *part = old->list[i];

		if (part->kind == PART_CHILD && part->has_target && part->target_size &&
		    part->parent->twin && part->parent->twin->replaced)
			add_idle(emit, part);
	}
	for (size_t i = 0; !code && i < emit->session->idle_count; i++) {
		const struct idle *idle = &emit->session->idle[i];

		if (idle->unit == unit && !idle->part->below &&
		    !(idle->part->twin && idle->part->twin->replaced))
			add_idle(emit, idle->part);
	}
	for (size_t i = 0; !code && i < unit->constructor_count; i++) {
		struct format_constructor record = {0};
		struct tables_field field;
		int64_t offset;

		field.offset = offsetof(struct format_constructor, function_address);
		field.symbol = emit_part_symbol(emit, unit->constructors[i], &offset);
		field.addend = offset;
		add_constructs(emit, i,
			       tables_add(&emit->tables, TABLES_constructors, &record,
					  sizeof(record), &field, 1));
	}
	return code;
}

/* The file for further modules, as it is. After the header: whoever seals looks for the first. */
static int carry_further(const struct session *session, struct tables *tables)
{
	cleanup_memory uint8_t *bytes = NULL;
	size_t size;
	int code;

	if (!session->options->further)
		return 0;
	code = file_read(session->options->further, PATCH_LIMIT, &bytes, &size, session->err);
	if (!code)
		tables_add(tables, TABLES_further, bytes, size, NULL, 0);
	return code;
}

int emit_meta(struct session *session, const char *path)
{
	const struct core_options *options = session->options;
	const struct binary *binary = &session->binary;
	struct format_header header = {.magic = FORMAT_MAGIC,
				       .version = FORMAT_VERSION,
				       .elf_machine = binary->machine,
				       .description_ref = FORMAT_NONE,
				       .header_size = sizeof(header)};
	struct format_module module = {.flags = binary->executable ? FORMAT_MODULE_EXECUTABLE : 0,
				       .build_id_size = (uint32_t)binary->build_id_size};
	struct tables_field fields[2];
	struct writer writer;
	struct tables tables;
	size_t count = 0;
	int code;

	_Static_assert((int)BINARY_BUILD_ID_SIZE == (int)FORMAT_BUILD_ID_SIZE, "one size");
	writer_init(&writer, &session->arena, binary->machine);
	tables_init(&tables, &writer, binary->arch->reloc_type(ARCH_RELOC_ABSOLUTE, 8));
	fields[count++] =
		tables_string(&tables, offsetof(struct format_header, name_ref), options->name);
	if (options->description)
		fields[count++] =
			tables_string(&tables, offsetof(struct format_header, description_ref),
				      options->description);
	tables_add(&tables, TABLES_header, &header, sizeof(header), fields, count);
	memcpy(module.build_id, binary->build_id, binary->build_id_size);
	fields[0] = tables_string(&tables, offsetof(struct format_module, name_ref), binary->name);
	tables_add(&tables, TABLES_modules, &module, sizeof(module), fields, 1);
	for (size_t i = 0; i < options->below_count; i++) {
		struct format_depend record = {0};

		memcpy(record.hash, options->below[i].hash, sizeof(record.hash));
		fields[0] = tables_string(&tables, offsetof(struct format_depend, name_ref),
					  options->below[i].name);
		tables_add(&tables, TABLES_depends, &record, sizeof(record), fields, 1);
	}
	for (size_t i = 0; i < options->provenance_count; i++) {
		struct format_provenance record = {0};

		fields[0] = tables_string(&tables, offsetof(struct format_provenance, key_ref),
					  options->provenance[i].key);
		fields[1] = tables_string(&tables, offsetof(struct format_provenance, value_ref),
					  options->provenance[i].value);
		tables_add(&tables, TABLES_provenance, &record, sizeof(record), fields, 2);
	}
	code = carry_further(session, &tables);
	return code ? code : writer_write(&writer, path, session->err);
}
