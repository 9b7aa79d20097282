/* SPDX-License-Identifier: MIT */
/* clang-format off */
/*
 * One relocation of P at a time: what stays inside the patch is left to the linker, what leads to
 * the target goes to the side table, directly or through a slot that the agent fills.
 *
 *	P.o                               patch                          side table
 *	call  static_of_target      ->    call  0                        PLT32 static_of_target at it
 *	call  printf@PLT            ->    call  stub; stub: jmp *slot    64 printf at slot
 *	mov   var@GOTPCREL(%rip)    ->    mov   slot(%rip)               64 var at slot
 *	lea   imported(%rip)        ->    mov   slot(%rip)               64 imported at slot
 *	lea   own_string(%rip)      ->    the same                       -
 *	mov   $own_string           ->    mov   $0                       32S {patch + offset} at it
 */
/* clang-format on */
#include "emit.h"

#include "base/error.h"
#include "bind.h"
#include "variables.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>

/* The relocation at work. */
struct field {
	struct emit *emit;
	const struct object_section *section;
	uint32_t out; /* writer's section */
	const struct object_reloc *reloc;
	struct arch_reloc_info info;
	struct bound bound;
	int64_t addend; /* to be added to the symbol's address */
};

/* The function whose code or exception table the field is in, or the data; NULL: none that is
 * known. */
static const struct part *user_of(const struct field *field)
{
	const struct unit *unit = field->emit->unit;
	uint32_t index = (uint32_t)(field->section - unit->p.sections);
	struct part *part = part_at(&unit->patched, index, (int64_t)field->reloc->offset);

	if (part && part->kind != PART_CONTENT)
		return part_family(part);
	for (size_t i = 0; i < unit->patched.count; i++)
		if (unit->patched.list[i]->lsda_section == index)
			return part_family(unit->patched.list[i]);
	return NULL;
}

static int refuse(struct field *field, const char *why)
{
	const struct part *user = user_of(field);

	refusals_add(&field->emit->session->result->refusals, SUTURE_E_UNSUPPORTED,
		     user && part_file(user) ? part_file(user) : field->emit->unit->source,
		     user ? user->identity.line : 0,
		     "use a function or variable that the file uses already, or compile with -fPIC",
		     "%s: reference to %s (%s): %s", user ? user->name : field->section->name,
		     field->bound.name, field->info.name ? field->info.name : "unknown relocation",
		     why);
	return 0;
}

static void link_reloc(struct field *field, uint32_t type, uint32_t symbol, int64_t addend)
{
	struct writer_reloc reloc = {
		.offset = field->reloc->offset, .type = type, .symbol = symbol, .addend = addend};

	writer_add_reloc(&field->emit->writer, field->out, &reloc);
}

/* A symbol record whose value is known now; each is written once. */
static uint64_t known_symbol(struct emit *emit, uint32_t kind, uint32_t flags, uint64_t value,
			     const char *name, const char *version, uint64_t depend)
{
	struct format_symbol record = {.version_ref = FORMAT_NONE,
				       .value = value,
				       .kind = kind,
				       .flags = flags,
				       .depend_ref = depend};
	struct tables_field fields[2];
	size_t count = 0;
	struct emit_symbol *entry;

	for (size_t i = 0; i < emit->known_count; i++) {
		entry = &emit->known[i];
		if (entry->kind == kind && entry->flags == flags && entry->value == value &&
		    entry->depend == depend && strcmp(entry->name, name) == 0)
			return entry->offset;
	}
	entry = arena_grow(&emit->session->arena, emit->known, emit->known_count,
			   &emit->known_capacity, sizeof(*entry));
	if (!entry)
		return 0;
	emit->known = entry;
	fields[count++] =
		tables_string(&emit->tables, offsetof(struct format_symbol, name_ref), name);
	if (version)
		fields[count++] = tables_string(
			&emit->tables, offsetof(struct format_symbol, version_ref), version);
	entry = &emit->known[emit->known_count++];
	*entry = (struct emit_symbol){
		.kind = kind, .flags = flags, .value = value, .name = name, .depend = depend};
	entry->offset =
		tables_add(&emit->tables, TABLES_symbols, &record, sizeof(record), fields, count);
	return entry->offset;
}

/* A symbol record for a place in the patch: the linker fills the value. */
static uint64_t own_symbol(struct emit *emit, const char *name, uint32_t symbol, int64_t addend)
{
	struct format_symbol record = {
		.version_ref = FORMAT_NONE, .kind = FORMAT_SYMBOL_SELF, .depend_ref = FORMAT_NONE};
	struct tables_field fields[2] = {
		tables_string(&emit->tables, offsetof(struct format_symbol, name_ref), name),
		{.offset = offsetof(struct format_symbol, value),
		 .symbol = symbol,
		 .addend = addend},
	};

	return tables_add(&emit->tables, TABLES_symbols, &record, sizeof(record), fields, 2);
}

/* The symbol record of a new variable; each is written once. */
static uint64_t variable_symbol(struct emit *emit, const struct part *part, uint32_t symbol,
				int64_t start)
{
	struct emit_variable *entry;

	for (size_t i = 0; i < emit->variable_count; i++)
		if (emit->variables[i].part == part)
			return emit->variables[i].symbol;
	entry = arena_grow(&emit->session->arena, emit->variables, emit->variable_count,
			   &emit->variable_capacity, sizeof(*entry));
	if (!entry)
		return 0;
	emit->variables = entry;
	entry = &emit->variables[emit->variable_count++];
	*entry = (struct emit_variable){part, own_symbol(emit, part->name, symbol, start)};
	return entry->symbol;
}

static uint64_t target_symbol(struct field *field)
{
	const struct bound *bound = &field->bound;
	uint32_t flags = 0;

	if (bound->weak)
		flags |= FORMAT_SYMBOL_WEAK;
	if (bound->function)
		flags |= FORMAT_SYMBOL_FUNCTION;
	if (bound->tls)
		flags |= FORMAT_SYMBOL_TLS;
	if (bound->kind == BOUND_IMPORT) {
		strings_add_once(&field->emit->session->result->imports, bound->name);
		return known_symbol(field->emit, FORMAT_SYMBOL_IMPORT, flags, 0, bound->name,
				    bound->version, FORMAT_NONE);
	}
	if (bound->below)
		/* The records stand in the object that is linked first: emit_meta(). */
		return known_symbol(field->emit, FORMAT_SYMBOL_PATCH,
				    flags & ~(uint32_t)FORMAT_SYMBOL_WEAK, bound->address,
				    bound->name, NULL,
				    (bound->below - 1) * sizeof(struct format_depend));
	if (bound->indirect)
		flags |= FORMAT_SYMBOL_INDIRECT;
	flags &= ~(uint32_t)FORMAT_SYMBOL_WEAK;
	return known_symbol(field->emit, FORMAT_SYMBOL_TARGET, flags, bound->address, bound->name,
			    NULL, FORMAT_NONE);
}

static void side_reloc(struct emit *emit, uint32_t section, uint64_t offset, uint32_t type,
		       uint64_t symbol, int64_t addend)
{
	struct format_reloc record = {.addend = addend, .type = type};
	struct tables_field fields[2] = {
		{.offset = offsetof(struct format_reloc, site_address),
		 .symbol = emit->writer.sections[section].symbol,
		 .addend = (int64_t)offset},
		tables_record(&emit->tables, offsetof(struct format_reloc, symbol_ref),
			      TABLES_symbols, symbol),
	};

	tables_add(&emit->tables, TABLES_relocs, &record, sizeof(record), fields, 2);
}

/* A slot of 8 bytes that the agent fills with `form` of the symbol; each exists once. */
static struct emit_slot *slot_for(struct emit *emit, uint64_t symbol, enum arch_reloc_form form)
{
	const struct arch_ops *arch = emit->session->binary.arch;
	struct emit_slot *slot;

	for (size_t i = 0; i < emit->slot_count; i++)
		if (emit->slot_list[i].symbol == symbol && emit->slot_list[i].form == form)
			return &emit->slot_list[i];
	slot = arena_grow(&emit->session->arena, emit->slot_list, emit->slot_count,
			  &emit->slot_capacity, sizeof(*slot));
	if (!slot)
		return NULL;
	emit->slot_list = slot;
	/* Filled before the file is mapped, so that it can be read-only afterwards. */
	if (!emit->slots)
		emit->slots = writer_add_section(&emit->writer, ".data.rel.ro.suture", SHT_PROGBITS,
						 SHF_ALLOC | SHF_WRITE, 8, 0);
	slot = &emit->slot_list[emit->slot_count++];
	*slot = (struct emit_slot){.symbol = symbol, .form = form};
	slot->offset = writer_append(&emit->writer, emit->slots, NULL, 8);
	if (form == ARCH_RELOC_TLS_MODULE)
		writer_append(&emit->writer, emit->slots, NULL, 8);
	side_reloc(emit, emit->slots, slot->offset, arch->reloc_type(form, 8), symbol, 0);
	return slot;
}

/* The field gets the PC-relative address of the slot. */
static void through_slot(struct field *field, uint64_t symbol, enum arch_reloc_form form)
{
	struct emit *emit = field->emit;
	const struct arch_ops *arch = emit->session->binary.arch;
	struct emit_slot *slot = slot_for(emit, symbol, form);

	if (slot)
		link_reloc(field, arch->reloc_type(ARCH_RELOC_PC, field->info.size),
			   emit->writer.sections[emit->slots].symbol,
			   (int64_t)slot->offset + field->reloc->addend);
}

static void through_stub(struct field *field, uint64_t symbol)
{
	struct emit *emit = field->emit;
	struct emit_slot *slot = slot_for(emit, symbol, ARCH_RELOC_ABSOLUTE);

	if (!slot)
		return;
	if (!slot->has_stub) {
		struct arch_stub stub;
		struct writer_reloc reloc;

		emit->session->binary.arch->import_stub(&stub);
		if (!emit->stubs)
			emit->stubs =
				writer_add_section(&emit->writer, ".text.suture.stubs",
						   SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 16, 0);
		slot->stub = writer_append(&emit->writer, emit->stubs, stub.code, stub.size);
		slot->has_stub = true;
		reloc = (struct writer_reloc){.offset = slot->stub + stub.reloc_offset,
					      .type = stub.reloc_type,
					      .symbol = emit->writer.sections[emit->slots].symbol,
					      .addend = (int64_t)slot->offset + stub.addend};
		writer_add_reloc(&emit->writer, emit->stubs, &reloc);
	}
	link_reloc(field, field->reloc->type, emit->writer.sections[emit->stubs].symbol,
		   (int64_t)slot->stub + field->reloc->addend);
}

/* General and local dynamic: a pair of slots {module, offset in its block}. */
static void through_pair(struct field *field, uint64_t symbol, bool with_offset)
{
	struct emit *emit = field->emit;
	const struct arch_ops *arch = emit->session->binary.arch;
	size_t before = emit->slot_count;
	struct emit_slot *slot;

	through_slot(field, symbol, ARCH_RELOC_TLS_MODULE);
	if (!with_offset || emit->slot_count == before)
		return;
	slot = &emit->slot_list[emit->slot_count - 1];
	side_reloc(emit, emit->slots, slot->offset + 8, arch->reloc_type(ARCH_RELOC_TLS_OFFSET, 8),
		   symbol, 0);
}

/* Makes the instruction at the field one that loads from a slot. */
static bool load_slot(struct field *field)
{
	struct emit *emit = field->emit;
	struct writer_section *copy = &emit->writer.sections[field->out];

	return field->section->flags & SHF_EXECINSTR &&
	       emit->session->binary.arch->slot_load(field->reloc->type, copy->data, copy->size,
						     field->reloc->offset);
}

static int bind_tls(struct field *field)
{
	struct emit *emit = field->emit;
	uint64_t symbol;

	field->bound.tls = true;
	symbol = target_symbol(field);
	switch (field->info.form) {
	case ARCH_RELOC_TP_OFFSET:
	case ARCH_RELOC_TLS_OFFSET:
		side_reloc(emit, field->out, field->reloc->offset, field->reloc->type, symbol,
			   field->addend);
		return 0;
	case ARCH_RELOC_TP_SLOT_PC:
		through_slot(field, symbol, ARCH_RELOC_TP_OFFSET);
		return 0;
	case ARCH_RELOC_TLS_GD_PC:
		through_pair(field, symbol, true);
		return 0;
	case ARCH_RELOC_TLS_LD_PC:
		/* Any thread-local symbol of the module names the module. */
		symbol = known_symbol(emit, FORMAT_SYMBOL_TARGET, FORMAT_SYMBOL_TLS, 0, "", NULL,
				      FORMAT_NONE);
		through_pair(field, symbol, false);
		return 0;
	case ARCH_RELOC_TLS_DESC_PC:
		if (!load_slot(field))
			return refuse(field, "a TLS descriptor is used in an unknown way");
		through_slot(field, symbol, ARCH_RELOC_TP_OFFSET);
		return 0;
	case ARCH_RELOC_TLS_DESC_CALL:
		return load_slot(field)
			       ? 0
			       : refuse(field, "a TLS descriptor is used in an unknown way");
	default:
		return refuse(field, "this thread-local storage model is not supported");
	}
}

/* Code that computes the address of the symbol itself can load it from a slot as well. */
static bool load_instead(struct field *field)
{
	return field->bound.reference.offset == 0 && load_slot(field);
}

/* At an address of the target's own. */
static bool is_near(const struct bound *bound)
{
	return bound->kind == BOUND_TARGET && !bound->indirect;
}

static int bind_outside(struct field *field)
{
	struct emit *emit = field->emit;
	bool near = is_near(&field->bound);
	uint64_t symbol = target_symbol(field);

	switch (field->info.form) {
	case ARCH_RELOC_ABSOLUTE:
		if (!near && field->info.size < 8)
			return refuse(field, "an imported address does not fit into the field");
		side_reloc(emit, field->out, field->reloc->offset, field->reloc->type, symbol,
			   field->addend);
		return 0;
	case ARCH_RELOC_CALL:
	case ARCH_RELOC_PC:
		if (near)
			side_reloc(emit, field->out, field->reloc->offset, field->reloc->type,
				   symbol, field->addend);
		else if (field->info.form == ARCH_RELOC_CALL)
			through_stub(field, symbol);
		else if (load_instead(field))
			through_slot(field, symbol, ARCH_RELOC_ABSOLUTE);
		else
			return refuse(field, "an imported address may be out of reach");
		return 0;
	case ARCH_RELOC_SLOT_PC:
		through_slot(field, symbol, ARCH_RELOC_ABSOLUTE);
		return 0;
	default:
		return refuse(field, "relocation not supported in a patch");
	}
}

/* The symbol in the cut-down object that the relocation's symbol has become. */
static uint32_t own_link_symbol(struct field *field)
{
	struct emit *emit = field->emit;
	uint32_t index = field->reloc->symbol;
	struct writer_symbol outside = {.bind = STB_GLOBAL, .visibility = STV_HIDDEN};

	if (field->bound.kind != BOUND_UNIT)
		return emit->symbols[index];
	/* This unit may have a copy of its own that nothing refers to. */
	if (!emit->outside[index]) {
		outside.name = emit_unit_name(emit, field->bound.part->name);
		emit->outside[index] = writer_add_symbol(&emit->writer, &outside);
	}
	return emit->outside[index];
}

/*
 * A new variable of the patch: where it lives is known when the patch is applied, since one that is
 * replaced may have brought it.
 */
static int bind_variable(struct field *field, const struct part *part, uint32_t symbol)
{
	struct emit *emit = field->emit;
	int64_t start = 0;
	uint64_t own;

	if (field->bound.kind != BOUND_UNIT)
		symbol = emit_part_symbol(emit, part, &start);
	own = variable_symbol(emit, part, symbol, start);
	switch (field->info.form) {
	case ARCH_RELOC_PC:
	case ARCH_RELOC_ABSOLUTE:
		side_reloc(emit, field->out, field->reloc->offset, field->reloc->type, own,
			   field->addend);
		return 0;
	case ARCH_RELOC_SLOT_PC:
		through_slot(field, own, ARCH_RELOC_ABSOLUTE);
		return 0;
	default:
		return refuse(field, "relocation not supported in a patch");
	}
}

static int bind_inside(struct field *field)
{
	struct emit *emit = field->emit;
	uint32_t symbol = own_link_symbol(field);
	const struct part *part =
		field->bound.kind == BOUND_UNIT ? field->bound.part : field->bound.reference.part;
	uint64_t own;

	if (!symbol)
		return error_set(emit->session->err, SUTURE_E_INTERNAL,
				 "%s: %s is needed but not kept", emit->unit->source,
				 field->bound.name);
	if (variables_of(emit->session, part) && field->info.form != ARCH_RELOC_SIZE)
		return bind_variable(field, part, symbol);
	switch (field->info.form) {
	case ARCH_RELOC_PC:
	case ARCH_RELOC_CALL:
	case ARCH_RELOC_SIZE:
		link_reloc(field, field->reloc->type, symbol, field->reloc->addend);
		return 0;
	case ARCH_RELOC_ABSOLUTE:
		/* The addend takes part in finding a merged string: it goes to the linker. */
		own = own_symbol(emit, field->bound.name, symbol, field->reloc->addend);
		side_reloc(emit, field->out, field->reloc->offset, field->reloc->type, own, 0);
		return 0;
	case ARCH_RELOC_SLOT_PC:
		through_slot(field, own_symbol(emit, field->bound.name, symbol, 0),
			     ARCH_RELOC_ABSOLUTE);
		return 0;
	default:
		return refuse(field, "relocation not supported in a patch");
	}
}

static bool is_tls_form(enum arch_reloc_form form)
{
	return form == ARCH_RELOC_TP_OFFSET || form == ARCH_RELOC_TP_SLOT_PC ||
	       form == ARCH_RELOC_TLS_GD_PC || form == ARCH_RELOC_TLS_LD_PC ||
	       form == ARCH_RELOC_TLS_OFFSET || form == ARCH_RELOC_TLS_DESC_PC ||
	       form == ARCH_RELOC_TLS_DESC_CALL;
}

static struct field field_of(struct emit *emit, uint32_t index, const struct object_reloc *reloc)
{
	return (struct field){.emit = emit,
			      .section = &emit->unit->p.sections[index],
			      .out = emit->sections[index],
			      .reloc = reloc,
			      .bound = bind_reference(emit->session, emit->unit, index, reloc)};
}

bool emit_is_far(struct emit *emit, uint32_t index, const struct object_reloc *reloc)
{
	struct field field = field_of(emit, index, reloc);

	return (field.bound.kind == BOUND_IMPORT || field.bound.kind == BOUND_TARGET) &&
	       !is_near(&field.bound);
}

int emit_slot_reloc(struct emit *emit, uint32_t index, const struct object_reloc *reloc)
{
	struct field field = field_of(emit, index, reloc);
	struct object_reloc place = *reloc;
	uint64_t symbol;

	if (emit->session->binary.arch->reloc_info(reloc->type, &field.info) != ARCH_OK ||
	    field.info.form != ARCH_RELOC_ABSOLUTE)
		return refuse(&field, "relocation not supported in a patch");
	switch (field.bound.kind) {
	case BOUND_OWN:
	case BOUND_UNIT:
		if (!own_link_symbol(&field))
			return error_set(emit->session->err, SUTURE_E_INTERNAL,
					 "%s: %s is needed but not kept", emit->unit->source,
					 field.bound.name);
		symbol = own_symbol(emit, field.bound.name, own_link_symbol(&field), reloc->addend);
		break;
	case BOUND_TARGET:
	case BOUND_IMPORT:
		if (field.bound.reference.offset)
			return refuse(&field, "relocation not supported in a patch");
		symbol = target_symbol(&field);
		break;
	default:
		return 0; /* reported by the closure */
	}
	/* It says where in the thing, not where in the slot. */
	place.addend = 0;
	field.reloc = &place;
	through_slot(&field, symbol, ARCH_RELOC_ABSOLUTE);
	return 0;
}

int emit_reloc(struct emit *emit, uint32_t index, const struct object_reloc *reloc)
{
	const struct arch_ops *arch = emit->session->binary.arch;
	struct field field = field_of(emit, index, reloc);

	if (arch->reloc_info(reloc->type, &field.info) != ARCH_OK)
		return refuse(&field, "unknown relocation type");
	if (field.info.form == ARCH_RELOC_NONE)
		return 0;
	field.addend = field.bound.reference.offset;
	if (field.section->flags & SHF_EXECINSTR)
		field.addend -= arch->reloc_bias(reloc->type, field.section->data,
						 field.section->size, reloc->offset);
	switch (field.bound.kind) {
	case BOUND_OWN:
	case BOUND_UNIT:
		return is_tls_form(field.info.form)
			       ? refuse(&field, "a patch has no thread-local variables")
			       : bind_inside(&field);
	case BOUND_TARGET:
	case BOUND_IMPORT:
		return is_tls_form(field.info.form) ? bind_tls(&field) : bind_outside(&field);
	case BOUND_NOTHING:
		return refuse(&field, "relocation without a symbol");
	case BOUND_REFUSED:
		return 0; /* reported by the closure */
	}
	return 0;
}

int emit_relocs(struct emit *emit, uint32_t index)
{
	const struct object_section *section = &emit->unit->p.sections[index];
	int code = 0;

	for (size_t i = 0; !code && i < section->reloc_count; i++)
		code = emit_reloc(emit, index, &section->relocs[i]);
	return code;
}
