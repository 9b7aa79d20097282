/* SPDX-License-Identifier: MIT */
/*
 * Comparing one section of V with the binary: bytes outside relocation fields must be equal, and
 * every relocation must lead to where all other evidence says that its symbol is.
 */
#include "proof.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One comparison in progress. */
struct comparison {
	struct proof *proof;
	const struct object_section *section;
	uint32_t index;
	uint64_t base;
	const uint8_t *linked;
	uint8_t *marks; /* per byte of the section: enum mark */
	bool commit;
	size_t differences;
};

enum mark { MARK_PLAIN, MARK_EXPLAINED, MARK_RELAXED, MARK_DIFFERENT };

static const struct object_symbol *symbol_of(const struct comparison *c,
					     const struct object_reloc *reloc)
{
	return &c->proof->object->symbols[reloc->symbol];
}

static bool is_merged(const struct object_section *section)
{
	return section->flags & SHF_MERGE;
}

bool proof_address(const struct proof *proof, uint32_t index, uint64_t *address)
{
	const struct object_symbol *symbol = &proof->object->symbols[index];
	const struct place *place;

	if (proof->bindings[index].kind == BINDING_ADDRESS) {
		*address = proof->bindings[index].address;
		return true;
	}
	if (!object_defines(proof->object, symbol))
		return false;
	place = &proof->places[symbol->section];
	if (place->state != PLACE_CLAIMED && place->state != PLACE_COMPARED)
		return false;
	*address = place->base + symbol->value;
	return true;
}

bool proof_is_weak_default(const struct object *object, const struct object_symbol *symbol)
{
	return symbol->bind == STB_WEAK && object_defines(object, symbol) &&
	       symbol->section != OBJECT_COMMON && !object->sections[symbol->section].group;
}

bool proof_lost(const struct proof *proof, uint32_t index, uint64_t *winner)
{
	const struct object_symbol *symbol = &proof->object->symbols[index];
	const struct place *place = &proof->places[symbol->section];
	const struct binary_symbol *symbols;
	size_t count;

	if (symbol->type == STT_TLS || !proof_is_weak_default(proof->object, symbol))
		return false;
	symbols = binary_symbols(proof->binary, symbol->name, &count);
	if (!count || !symbols[0].defined || symbols[0].bind == STB_LOCAL)
		return false;
	*winner = symbols[0].address;
	return (place->state != PLACE_CLAIMED && place->state != PLACE_COMPARED) ||
	       !binary_symbol_is(proof->binary, symbol->name, place->base + symbol->value);
}

/* Strings up to and with their end; constants up to the end of their entry. */
static bool same_merged(const struct binary *binary, const struct object_section *section,
			uint64_t offset, uint64_t address)
{
	uint64_t unit = section->entry_size ? section->entry_size : 1;
	const uint8_t *linked;
	uint64_t end = offset;

	if (!section->data || offset >= section->size)
		return false;
	if (section->flags & SHF_STRINGS) {
		static const uint8_t zero[8];

		if (unit > sizeof(zero))
			return false;
		while (end + unit <= section->size && memcmp(section->data + end, zero, unit) != 0)
			end += unit;
		end += unit;
	} else {
		end = (offset / unit + 1) * unit;
	}
	if (end > section->size)
		return false;
	linked = binary_bytes(binary, address, end - offset);
	return linked && memcmp(linked, section->data + offset, end - offset) == 0;
}

/* The relocation says that section `target` starts at base. */
static bool claim_place(struct comparison *c, const struct object_symbol *symbol, uint64_t base)
{
	struct place *place = &c->proof->places[symbol->section];

	if (symbol->section == c->index)
		return base == c->base;
	if (place->state == PLACE_CLAIMED || place->state == PLACE_COMPARED)
		return place->base == base;
	if (place->state == PLACE_DIFFERENT)
		return false;
	if (c->commit)
		*place = (struct place){.state = PLACE_CLAIMED, .base = base};
	return true;
}

static bool claim_binding(struct comparison *c, uint32_t index, struct binding binding)
{
	struct binding *known = &c->proof->bindings[index];

	/* The same name may be used directly here and through a slot there: an address is better.
	 */
	if (known->kind != BINDING_UNKNOWN && known->wrapped != binding.wrapped)
		return false;
	if (known->kind == BINDING_ADDRESS && binding.kind == BINDING_ADDRESS)
		return known->address == binding.address;
	if (known->kind == BINDING_UNKNOWN ||
	    (binding.kind == BINDING_ADDRESS && known->kind == BINDING_IMPORT))
		if (c->commit)
			*known = binding;
	return true;
}

/* Of a weak default: where its name is says nothing about the section that it stands in. */
static bool refer_weak_default(struct comparison *c, uint32_t index, uint64_t address)
{
	const struct object_symbol *symbol = &c->proof->object->symbols[index];

	return binary_symbol_is(c->proof->binary, symbol->name, address) &&
	       claim_binding(c, index,
			     (struct binding){.kind = BINDING_ADDRESS, .address = address});
}

static bool has_name(const struct binary *binary, const char *name)
{
	size_t count;

	binary_symbols(binary, name, &count);
	return count > 0;
}

bool proof_wrapped_name(const struct binary *binary, const char *name, char other[PROOF_NAME_SIZE])
{
	static const char real[] = "__real_";
	const size_t length = sizeof(real) - 1;

	if (!*name || strlen(name) + length >= PROOF_NAME_SIZE)
		return false;
	if (strncmp(name, real, length) == 0 && !has_name(binary, name)) {
		snprintf(other, PROOF_NAME_SIZE, "%s", name + length);
		return true;
	}
	snprintf(other, PROOF_NAME_SIZE, "__wrap_%s", name);
	return has_name(binary, other);
}

static bool same_name(const struct binary_symbol *symbol, const char *name)
{
	return symbol && strcmp(symbol->name, name) == 0;
}

/* The loader binds `import`; is that what the object calls `index`, or what --wrap makes of that?
 */
static bool refer_import(struct comparison *c, uint32_t index, const struct binary_symbol *import)
{
	const struct object_symbol *symbol = &c->proof->object->symbols[index];
	char other[PROOF_NAME_SIZE];
	bool wrapped = false;

	if (!same_name(import, symbol->name)) {
		wrapped = symbol->section == OBJECT_UNDEFINED &&
			  proof_wrapped_name(c->proof->binary, symbol->name, other) &&
			  same_name(import, other);
		if (!wrapped)
			return false;
	}
	/* An interposable name of a shared object, defined in this unit. */
	if (import->defined)
		return object_defines(c->proof->object, symbol) ||
		       claim_binding(c, index,
				     (struct binding){.kind = BINDING_ADDRESS,
						      .address = import->address,
						      .wrapped = wrapped});
	return claim_binding(
		c, index,
		(struct binding){.kind = BINDING_IMPORT, .import = import, .wrapped = wrapped});
}

/* Is `name` at address? That is what `index` is bound to then. */
static bool refer_name(struct comparison *c, uint32_t index, const char *name, uint64_t address,
		       bool wrapped)
{
	const struct binary *binary = c->proof->binary;
	const struct binding binding = {
		.kind = BINDING_ADDRESS, .address = address, .wrapped = wrapped};
	const struct binary_slot *stub;

	if (binary_symbol_is(binary, name, address))
		return claim_binding(c, index, binding);
	stub = binary_stub(binary, address);
	if (stub && stub->symbol)
		return same_name(stub->symbol, name) && refer_import(c, index, stub->symbol);
	/* A stub for a resolver of the binary's own: where it leads is not known before run time.
	 */
	return stub && stub->form == ARCH_RELOC_INDIRECT &&
	       binary_symbol_is(binary, name, (uint64_t)stub->addend) &&
	       claim_binding(c, index, binding);
}

/* The code refers to a symbol that is not thread-local, at `address` in the binary. */
static bool refer_address(struct comparison *c, const struct object_reloc *reloc, uint64_t address,
			  int64_t bias)
{
	const struct object_symbol *symbol = symbol_of(c, reloc);
	const struct binary *binary = c->proof->binary;
	const struct binary_slot *stub;
	char other[PROOF_NAME_SIZE];

	if (object_defines(c->proof->object, symbol)) {
		const struct object_section *target = &c->proof->object->sections[symbol->section];
		bool global = symbol->bind != STB_LOCAL;

		if (is_merged(target)) {
			/* The linker moves what a name means, and adds afterwards. */
			uint64_t offset =
				symbol->type == STT_SECTION ? (uint64_t)(reloc->addend + bias) : 0;

			return same_merged(binary, target, symbol->value + offset,
					   address + offset);
		}
		stub = binary_stub(binary, address);
		/* An interposable name of a shared object. */
		if (global && stub && stub->symbol && same_name(stub->symbol, symbol->name))
			return true;
		/* Of target_clones, whose resolver may come from any unit. */
		if (global && target->group && symbol->type == STT_GNU_IFUNC && stub &&
		    stub->form == ARCH_RELOC_INDIRECT)
			return binary_symbol_is(binary, symbol->name, (uint64_t)stub->addend);
		if (global && target->group)
			return binary_symbol_is(binary, symbol->name, address) &&
			       claim_binding(c, reloc->symbol,
					     (struct binding){.kind = BINDING_ADDRESS,
							      .address = address});
		if (proof_is_weak_default(c->proof->object, symbol) &&
		    refer_weak_default(c, reloc->symbol, address))
			return true;
		if (claim_place(c, symbol, address - symbol->value))
			return true;
		return symbol->type == STT_GNU_IFUNC && stub && stub->form == ARCH_RELOC_INDIRECT &&
		       claim_place(c, symbol, (uint64_t)stub->addend - symbol->value);
	}
	if (symbol->section == OBJECT_ABSOLUTE)
		return address == symbol->value;
	if (refer_name(c, reloc->symbol, symbol->name, address, false) ||
	    (proof_wrapped_name(binary, symbol->name, other) &&
	     refer_name(c, reloc->symbol, other, address, true)))
		return true;
	if (symbol->bind == STB_WEAK && address == 0)
		return claim_binding(c, reloc->symbol, (struct binding){.kind = BINDING_NULL});
	return false;
}

static uint64_t load(const uint8_t *bytes, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, bytes, size < sizeof(value) ? size : sizeof(value));
	if (size == 4)
		return (uint64_t)(int64_t)(int32_t)(uint32_t)value;
	return value;
}

/* The code loads the symbol's address from a slot. */
static bool refer_slot(struct comparison *c, const struct object_reloc *reloc, uint64_t address)
{
	const struct binary *binary = c->proof->binary;
	const struct binary_slot *slot = binary_slot(binary, address);
	const uint8_t *bytes;

	if (slot && slot->symbol)
		return refer_import(c, reloc->symbol, slot->symbol);
	if (slot && (slot->form == ARCH_RELOC_RELATIVE || slot->form == ARCH_RELOC_INDIRECT))
		return refer_address(c, reloc, (uint64_t)slot->addend, 0);
	bytes = slot ? NULL : binary_bytes(binary, address, 8);
	return bytes && refer_address(c, reloc, load(bytes, 8), 0);
}

/* A thread-local symbol at an offset of the executable's block. */
static bool refer_tls(struct comparison *c, const struct object_reloc *reloc, uint64_t offset)
{
	const struct object_symbol *symbol = symbol_of(c, reloc);
	const struct binary_symbol *symbols;
	size_t count;

	if (object_defines(c->proof->object, symbol))
		return claim_place(c, symbol, offset - symbol->value);
	symbols = binary_symbols(c->proof->binary, symbol->name, &count);
	for (size_t i = 0; i < count; i++)
		if (symbols[i].defined && symbols[i].type == STT_TLS &&
		    symbols[i].address == offset)
			return claim_binding(
				c, reloc->symbol,
				(struct binding){.kind = BINDING_ADDRESS, .address = offset});
	return false;
}

/* A slot that holds an offset to the thread pointer, or in the block where `in_block`. */
static bool refer_tls_slot(struct comparison *c, const struct object_reloc *reloc, uint64_t address,
			   bool in_block)
{
	const struct binary *binary = c->proof->binary;
	const struct binary_slot *slot = binary_slot(binary, address);
	const uint8_t *bytes;
	uint64_t value;

	if (slot && slot->symbol)
		return refer_import(c, reloc->symbol, slot->symbol) ||
		       (slot->symbol->defined && refer_tls(c, reloc, slot->symbol->address));
	if (slot)
		return refer_tls(c, reloc, (uint64_t)slot->addend);
	bytes = binary_bytes(binary, address, 8);
	if (!bytes)
		return false;
	value = load(bytes, 8);
	return refer_tls(c, reloc, in_block ? value : binary_tls_from_tp(binary, value));
}

static bool refer(struct comparison *c, const struct object_reloc *reloc,
		  const struct arch_reloc_match *match, int64_t bias)
{
	const struct binary *binary = c->proof->binary;

	switch (match->form) {
	case ARCH_RELOC_PC:
	case ARCH_RELOC_CALL:
	case ARCH_RELOC_ABSOLUTE:
		return refer_address(c, reloc, match->value, bias);
	case ARCH_RELOC_SLOT_PC:
		return refer_slot(c, reloc, match->value);
	case ARCH_RELOC_TP_OFFSET:
		return refer_tls(c, reloc, binary_tls_from_tp(binary, match->value));
	case ARCH_RELOC_TLS_OFFSET:
		return refer_tls(c, reloc, match->value);
	case ARCH_RELOC_TP_SLOT_PC:
		return refer_tls_slot(c, reloc, match->value, false);
	case ARCH_RELOC_TLS_GD_PC:
		return refer_tls_slot(c, reloc, match->value + 8, true);
	case ARCH_RELOC_TLS_LD_PC: /* names the module only */
	case ARCH_RELOC_TLS_DESC_CALL:
	case ARCH_RELOC_NONE:
	case ARCH_RELOC_SIZE:
		return true;
	case ARCH_RELOC_TLS_DESC_PC: {
		const struct binary_slot *slot = binary_slot(binary, match->value);

		if (slot && slot->symbol)
			return refer_import(c, reloc->symbol, slot->symbol);
		return slot && refer_tls(c, reloc, (uint64_t)slot->addend);
	}
	default:
		return false;
	}
}

static void mark(struct comparison *c, uint64_t start, uint64_t end, enum mark value)
{
	if (end > c->section->size)
		end = c->section->size;
	for (uint64_t i = start; i < end; i++)
		if (c->marks[i] < value)
			c->marks[i] = (uint8_t)value;
}

static void compare_code_reloc(struct comparison *c, const struct object_reloc *reloc)
{
	const struct arch_ops *arch = c->proof->binary->arch;
	const struct object_section *section = c->section;
	struct arch_reloc_match match;
	struct arch_reloc_info info;
	int64_t bias;

	if (c->marks[reloc->offset] != MARK_PLAIN)
		return; /* explained along with the one before: the call of a TLS sequence */
	if (arch->reloc_info(reloc->type, &info) != ARCH_OK ||
	    arch->reloc_match(reloc->type, reloc->addend, section->data, c->linked, section->size,
			      reloc->offset, c->base, &match) != ARCH_OK) {
		mark(c, reloc->offset, reloc->offset + 1, MARK_DIFFERENT);
		return;
	}
	bias = arch->reloc_bias(reloc->type, section->data, section->size, reloc->offset);
	if (!refer(c, reloc, &match, bias)) {
		if (c->commit && !c->proof->conflict)
			c->proof->conflict = symbol_of(c, reloc)->name;
		mark(c, reloc->offset, reloc->offset + 1, MARK_DIFFERENT);
	}
	mark(c, match.start, match.end, match.form == info.form ? MARK_EXPLAINED : MARK_RELAXED);
}

/* In data the field is all there is; the loader may fill it. */
static void compare_data_reloc(struct comparison *c, const struct object_reloc *reloc)
{
	const struct binary *binary = c->proof->binary;
	uint64_t place = c->base + reloc->offset;
	const struct binary_slot *slot = binary_slot(binary, place);
	struct arch_reloc_info info;
	bool ok = false;

	if (binary->arch->reloc_info(reloc->type, &info) == ARCH_OK && info.size <= 8 &&
	    reloc->offset + info.size <= c->section->size) {
		uint64_t value = load(c->linked + reloc->offset, info.size);

		mark(c, reloc->offset, reloc->offset + info.size, MARK_EXPLAINED);
		if (info.form == ARCH_RELOC_NONE)
			ok = true;
		else if (info.form == ARCH_RELOC_PC || info.form == ARCH_RELOC_CALL)
			ok = refer_address(c, reloc, value + place - (uint64_t)reloc->addend, 0);
		else if (info.form == ARCH_RELOC_ABSOLUTE && slot && slot->symbol)
			ok = slot->addend == reloc->addend &&
			     refer_import(c, reloc->symbol, slot->symbol);
		else if (info.form == ARCH_RELOC_ABSOLUTE)
			ok = refer_address(c, reloc,
					   (slot ? (uint64_t)slot->addend : value) -
						   (uint64_t)reloc->addend,
					   0);
	}
	if (ok)
		return;
	if (c->commit && !c->proof->conflict)
		c->proof->conflict = symbol_of(c, reloc)->name;
	mark(c, reloc->offset, reloc->offset + 1, MARK_DIFFERENT);
}

static void note_functions(struct comparison *c)
{
	for (size_t i = 0; i < c->section->symbol_count; i++) {
		uint32_t index = c->section->symbols[i];
		const struct object_symbol *symbol = &c->proof->object->symbols[index];
		enum mark worst = MARK_PLAIN;

		for (uint64_t at = symbol->value; at < symbol->value + symbol->size; at++)
			if (c->marks[at] > worst)
				worst = c->marks[at];
		c->proof->functions[index] = worst == MARK_DIFFERENT ? FUNCTION_DIFFERENT
					     : worst == MARK_RELAXED ? FUNCTION_EQUIVALENT
								     : FUNCTION_EXACT;
	}
}

size_t proof_compare(struct proof *proof, uint32_t index, uint64_t base, bool commit)
{
	const struct object_section *section = &proof->object->sections[index];
	struct comparison c = {
		.proof = proof, .section = section, .index = index, .base = base, .commit = commit};
	bool code = section->flags & SHF_EXECINSTR;

	/* A label that nothing reaches may lie in an empty section of cold code. */
	if (section->size == 0)
		return 0;
	c.linked = binary_bytes(proof->binary, base, section->size);
	if (!c.linked || !section->data)
		return 1;
	c.marks = calloc(section->size, 1);
	if (!c.marks) {
		proof->arena->failed = true;
		return 1;
	}
	for (size_t i = 0; i < section->reloc_count; i++) {
		if (code)
			compare_code_reloc(&c, &section->relocs[i]);
		else
			compare_data_reloc(&c, &section->relocs[i]);
	}
	for (uint64_t i = 0; i < section->size; i++) {
		if (c.marks[i] == MARK_PLAIN && section->data[i] != c.linked[i])
			c.marks[i] = MARK_DIFFERENT;
		c.differences += c.marks[i] == MARK_DIFFERENT;
	}
	if (commit)
		note_functions(&c);
	free(c.marks);
	return c.differences;
}

bool proof_weak_function(const struct proof *proof, const char *name, uint64_t *address)
{
	for (uint32_t i = 1; i < proof->object->symbol_count; i++) {
		const struct object_symbol *symbol = &proof->object->symbols[i];
		enum function_state state = proof->functions[i];

		if ((state == FUNCTION_EXACT || state == FUNCTION_EQUIVALENT) &&
		    symbol->bind == STB_WEAK && strcmp(symbol->name, name) == 0 &&
		    proof_address(proof, i, address))
			return true;
	}
	return false;
}
