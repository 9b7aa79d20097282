/* SPDX-License-Identifier: MIT */
/* One unit's object: sections and symbols; relocations, tables and records have files of their own.
 */
#include "emit.h"

#include "base/error.h"

#include <elf.h>
#include <string.h>

static bool is_frames(const struct object_section *section)
{
	return strcmp(section->name, ".eh_frame") == 0;
}

static bool has_tables(const struct unit *unit, uint32_t index)
{
	for (size_t i = 0; i < unit->patched.count; i++)
		if (unit->patched.list[i]->lsda_section == index)
			return true;
	return false;
}

static void copy_section(struct emit *emit, uint32_t index)
{
	const struct object_section *section = &emit->unit->p.sections[index];
	uint64_t flags = section->flags & ~(uint64_t)(SHF_GROUP | SHF_INFO_LINK | SHF_LINK_ORDER);
	uint32_t type = section->type == SHT_NOBITS ? SHT_NOBITS : SHT_PROGBITS;

	emit->sections[index] = writer_add_section(&emit->writer, section->name, type, flags,
						   section->align, section->entry_size);
	writer_append(&emit->writer, emit->sections[index], section->data, section->size);
}

static void copy_sections(struct emit *emit)
{
	const struct object *p = &emit->unit->p;

	for (uint32_t i = 1; i < p->section_count; i++) {
		if (emit->unit->kept[i] || emit_is_debug(&p->sections[i]))
			copy_section(emit, i);
		else if (is_frames(&p->sections[i]))
			emit->sections[i] = writer_add_section(&emit->writer, ".eh_frame",
							       SHT_PROGBITS, SHF_ALLOC, 8, 0);
	}
}

/* COMMON symbols that are new get room of their own: the patch has no global names. */
static void add_common(struct emit *emit, uint32_t index)
{
	const struct object_symbol *symbol = &emit->unit->p.symbols[index];
	const struct part *part = emit->unit->patched.by_symbol[index];
	struct writer_symbol copy = {
		.name = symbol->name, .size = symbol->size, .type = STT_OBJECT, .bind = STB_LOCAL};

	if (!part || part_exists(part) || !part->because)
		return;
	/* A COMMON symbol's value is its alignment. */
	copy.section = writer_add_section(
		&emit->writer, arena_format(&emit->session->arena, ".bss.%s", symbol->name),
		SHT_NOBITS, SHF_ALLOC | SHF_WRITE, symbol->value ? symbol->value : 1, 0);
	writer_append(&emit->writer, copy.section, NULL, symbol->size);
	emit->symbols[index] = writer_add_symbol(&emit->writer, &copy);
}

static void copy_symbols(struct emit *emit)
{
	const struct object *p = &emit->unit->p;
	struct writer_symbol file = {.name = p->file ? p->file : "", .type = STT_FILE};

	if (p->file)
		writer_add_symbol(&emit->writer, &file);
	for (uint32_t i = 1; i < p->symbol_count; i++) {
		const struct object_symbol *symbol = &p->symbols[i];
		struct writer_symbol copy = {.name = symbol->name,
					     .value = symbol->value,
					     .size = symbol->size,
					     .type = symbol->type,
					     .bind = STB_LOCAL};

		if (symbol->section == OBJECT_COMMON && symbol->type != STT_FILE)
			add_common(emit, i);
		if (symbol->section == OBJECT_ABSOLUTE && symbol->type != STT_FILE) {
			copy.section = SHN_ABS;
			emit->symbols[i] = writer_add_symbol(&emit->writer, &copy);
		}
		if (!object_defines(p, symbol) || !emit->sections[symbol->section] ||
		    is_frames(&p->sections[symbol->section]))
			continue;
		copy.section = emit->sections[symbol->section];
		if (symbol->type == STT_SECTION) {
			emit->symbols[i] = emit->writer.sections[copy.section].symbol;
			continue;
		}
		if (emit->unit->exported[i]) {
			copy.name = emit_unit_name(emit, symbol->name);
			copy.bind = symbol->bind == STB_WEAK ? STB_WEAK : STB_GLOBAL;
			copy.visibility = STV_HIDDEN;
		}
		emit->symbols[i] = writer_add_symbol(&emit->writer, &copy);
	}
}

uint32_t emit_part_symbol(struct emit *emit, const struct part *part, int64_t *offset)
{
	if (part->section == OBJECT_COMMON) {
		*offset = 0;
		return emit->symbols[part->symbol];
	}
	*offset = (int64_t)part->start;
	return emit->writer.sections[emit->sections[part->section]].symbol;
}

int emit_unit(struct session *session, struct unit *unit, const char *path)
{
	struct emit emit = {.session = session, .unit = unit};
	const struct arch_ops *arch = session->binary.arch;
	int code = 0;

	writer_init(&emit.writer, &session->arena, unit->p.machine);
	tables_init(&emit.tables, &emit.writer, arch->reloc_type(ARCH_RELOC_ABSOLUTE, 8));
	emit.sections = arena_array(&session->arena, unit->p.section_count, sizeof(uint32_t));
	emit.symbols = arena_array(&session->arena, unit->p.symbol_count, sizeof(uint32_t));
	emit.outside = arena_array(&session->arena, unit->p.symbol_count, sizeof(uint32_t));
	if (!emit.sections || !emit.symbols || !emit.outside)
		return error_no_memory(session->err);
	copy_sections(&emit);
	copy_symbols(&emit);
	emit_names(&emit);
	for (uint32_t i = 1; !code && i < unit->p.section_count; i++) {
		if (!emit.sections[i])
			continue;
		if (unit->kept[i] && has_tables(unit, i))
			code = emit_lsda(&emit, i);
		else if (unit->kept[i])
			code = emit_relocs(&emit, i);
		else if (is_frames(&unit->p.sections[i]))
			code = emit_frames(&emit, i);
		else
			code = emit_debug(&emit, i);
	}
	if (!code)
		code = emit_records(&emit);
	if (!code)
		code = emit_surroundings(&emit);
	if (!code)
		code = arena_check(&session->arena, session->err);
	return code ? code : writer_write(&emit.writer, path, session->err);
}
