/* SPDX-License-Identifier: MIT */
/* Binding one reference. Never guesses: what is not proven or named uniquely is refused. */
#include "bind.h"

#include "layers.h"
#include "uncompiled.h"
#include "wraps.h"

#include <elf.h>
#include <string.h>

static struct bound refused(struct bound bound, const char *why)
{
	bound.kind = BOUND_REFUSED;
	bound.why = why;
	return bound;
}

static bool is_function(const struct part *part)
{
	return part->kind == PART_FUNCTION || part->kind == PART_CHILD;
}

/* Bound to a symbol of the binary's tables: defined there, or imported by it. */
static bool bind_symbol(struct bound *bound, const struct binary_symbol *symbol)
{
	bound->tls = symbol->type == STT_TLS;
	bound->function = symbol->type == STT_FUNC || symbol->type == STT_GNU_IFUNC;
	bound->weak = symbol->bind == STB_WEAK;
	bound->version = symbol->version;
	if (symbol->defined) {
		bound->kind = BOUND_TARGET;
		bound->address = symbol->address;
		bound->indirect = symbol->type == STT_GNU_IFUNC;
		return true;
	}
	/* Its stub is the function's address everywhere in a program at a fixed place. */
	if (bound->function && symbol->address) {
		bound->kind = BOUND_TARGET;
		bound->address = symbol->address;
		return true;
	}
	bound->kind = BOUND_IMPORT;
	return true;
}

/* By the binary's own symbols. False where the name is unknown or means several things. */
static bool bind_by_tables(const struct binary *binary, const char *name, struct bound *bound)
{
	size_t count;
	const struct binary_symbol *symbols = binary_symbols(binary, name, &count);
	const struct binary_symbol *first = count ? &symbols[0] : NULL;

	if (!first)
		return false;
	/*
	 * Hidden names are local ones in a linked file: good when they are one thing. mold lists a
	 * wrapped name twice.
	 */
	for (size_t i = 1; first->defined && first->bind == STB_LOCAL && i < count; i++)
		if (symbols[i].defined && symbols[i].address != first->address)
			return false;
	if (first->defined)
		return bind_symbol(bound, first);
	/* Undefined: the dynamic one has the version. */
	for (size_t i = 0; i < count; i++)
		if (symbols[i].dynamic)
			return bind_symbol(bound, &symbols[i]);
	return false;
}

/* As V's own references were seen to be bound. */
static bool bind_by_proof(const struct unit *unit, const char *name, struct bound *bound)
{
	for (size_t i = 1; i < unit->v.symbol_count; i++) {
		const struct object_symbol *symbol = &unit->v.symbols[i];
		const struct binding *binding = &unit->proof.bindings[i];

		if (symbol->section != OBJECT_UNDEFINED || strcmp(symbol->name, name) != 0)
			continue;
		if (binding->kind == BINDING_IMPORT)
			return bind_symbol(bound, binding->import);
		if (binding->kind == BINDING_NULL) {
			bound->kind = BOUND_IMPORT;
			bound->weak = true;
			return true;
		}
		return false; /* an address: the tables know the type as well */
	}
	return false;
}

/* The part that a unit defines under a global name: it may have several. */
static struct part *global_part(const struct unit *unit, const char *name)
{
	for (size_t i = 1; i < unit->p.symbol_count; i++) {
		const struct object_symbol *symbol = &unit->p.symbols[i];
		struct part *part = unit->patched.by_symbol[i];

		if (part && part->kind != PART_CONTENT && symbol->bind != STB_LOCAL &&
		    symbol->value ==
			    (part->section == OBJECT_COMMON ? symbol->value : part->start) &&
		    strcmp(symbol->name, name) == 0)
			return part;
	}
	return NULL;
}

static struct bound bind_existing(struct bound bound, const struct part *part)
{
	bound.kind = BOUND_TARGET;
	bound.address = part->twin->target;
	bound.below = part->twin->below;
	return bound;
}

static struct bound bind_to_unit(struct bound bound, struct unit *other, struct part *part)
{
	bound.tls = part->tls;
	bound.function = is_function(part);
	bound.part = part;
	bound.unit = other;
	if (!part_exists(part)) {
		bound.kind = BOUND_UNIT;
		return bound;
	}
	return bind_existing(bound, part);
}

static struct bound bind_other_unit(struct session *session, struct unit *unit, struct bound bound)
{
	for (size_t i = 0; i < session->unit_count; i++) {
		struct unit *other = &session->units[i];
		struct part *part = other != unit ? global_part(other, bound.name) : NULL;

		if (part)
			return bind_to_unit(bound, other, part);
	}
	bound.kind = BOUND_NOTHING;
	return bound;
}

/*
 * New inline things that several units of the patch bring: the first unit's is everybody's, as with
 * the linker, so that statics, guards and type information are one thing.
 */
static bool bind_shared(struct session *session, struct unit *unit, struct part *part,
			struct bound *bound)
{
	const struct object_symbol *symbol = bound->reference.symbol;

	if (!symbol || symbol->type == STT_SECTION || symbol->bind == STB_LOCAL)
		return false;
	for (struct unit *other = session->units; other != unit; other++) {
		struct part *first = global_part(other, part->name);

		if (first && !part_exists(first)) {
			*bound = bind_to_unit(*bound, other, first);
			return true;
		}
	}
	return false;
}

const struct part *bind_taken_out(const struct unit *unit, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < unit->original.count; i++) {
		const struct part *part = unit->original.list[i];

		if (!part->global && part->kind != PART_CONTENT && part->stem == length &&
		    strncmp(part->name, name, length) == 0)
			return part;
	}
	return NULL;
}

/* The tables have a static one that the unit no longer has: not what its name means now. */
static bool is_left_over(const struct session *session, const struct unit *unit, const char *name)
{
	size_t count;
	const struct binary_symbol *symbols = binary_symbols(&session->binary, name, &count);

	return count && symbols[0].bind == STB_LOCAL && bind_taken_out(unit, name);
}

static struct bound bind_external(struct session *session, struct unit *unit, struct bound bound)
{
	const struct object_symbol *symbol = bound.reference.symbol;
	const struct core_provide *provide;
	struct bound other;
	const char *file;
	size_t known;
	bool left_over;

	if (!symbol) {
		bound.kind = BOUND_NOTHING;
		return bound;
	}
	bound.name = symbol->name;
	bound.weak = symbol->bind == STB_WEAK;
	if (wraps_unclear(session, bound.name)) {
		bound.next =
			"edit a file that uses it already in the same diff, so that it is seen";
		return refused(bound,
			       arena_format(&session->arena,
					    "no file of the diff shows whether the linker leads "
					    "it to __wrap_%s (--wrap)",
					    bound.name));
	}
	left_over = is_left_over(session, unit, bound.name);
	if (bind_by_proof(unit, bound.name, &bound) ||
	    (!left_over && bind_by_tables(&session->binary, bound.name, &bound))) {
		bound.weak |= symbol->bind == STB_WEAK;
		return bound;
	}
	other = bind_other_unit(session, unit, bound);
	if (other.kind != BOUND_NOTHING)
		return other;
	binary_symbols(&session->binary, bound.name, &known);
	provide = layers_global(session, bound.name, &bound.below);
	if (provide) {
		bound.kind = BOUND_TARGET;
		bound.address = provide->address;
		bound.function = provide->function;
		return bound;
	}
	if (known && !left_over)
		return refused(bound, "several things in the binary have that name");
	file = uncompiled_find(session->options, bound.name);
	if (file) {
		bound.next = "give the file a command in the build files, and export "
			     "compile_commands.json again";
		bound = refused(bound, arena_format(&session->arena,
						    "%s has it, and nothing compiles that", file));
		return bound;
	}
	/* Not used by the target so far: the agent looks for it in the target's libraries. */
	bound.kind = BOUND_IMPORT;
	bound.tls = symbol->type == STT_TLS;
	return bound;
}

static struct bound bind_function(struct unit *unit, struct bound bound, struct part *part)
{
	struct part *family = part_family(part);
	int64_t offset = bound.reference.offset;

	bound.function = true;
	/* Inside of a function, or a child: only its own family refers to these. */
	if (part->kind == PART_CHILD || offset != 0) {
		if (unit->kept[part->section] || !part_exists(family) || family->changed) {
			bound.kind = BOUND_OWN;
			return bound;
		}
	}
	if (!part_exists(part)) {
		bound.kind = BOUND_OWN;
		return bound;
	}
	bound = bind_existing(bound, part);
	/* The resolver may have a name of its own: that one means the resolver. */
	bound.indirect = bound.reference.symbol && bound.reference.symbol->type == STT_GNU_IFUNC;
	return bound;
}

static struct bound bind_part(struct session *session, struct unit *unit, struct bound bound)
{
	struct part *part = bound.reference.part;

	if (!part)
		return refused(bound, "it refers to something without a name");
	bound.name = part->name;
	bound.tls = part->tls;
	bound.weak = false;
	if (part->kind == PART_CONTENT) {
		bound.kind = BOUND_OWN;
		return bound;
	}
	/* By its own name any copy is meant; by another one what this file made of it. */
	if (part_family(part)->elsewhere && bound.reference.symbol &&
	    bound.reference.symbol->bind == STB_LOCAL)
		return refused(bound, "this file's own copy is meant, and another file's runs");
	/* An inline function or its static that another unit brought into the binary. */
	if (!part_exists(part) && part->weak && !part->changed &&
	    bind_by_tables(&session->binary, part->name, &bound) && bound.kind == BOUND_TARGET)
		return bound;
	if (!part_exists(part) && part->weak && bind_shared(session, unit, part, &bound))
		return bound;
	if (is_function(part))
		return bind_function(unit, bound, part);
	if (part->unpaired && (part->writable || part->tls))
		return refused(bound, "several variables of that name can't be told apart");
	if (part_exists(part))
		return bind_existing(bound, part);
	bound.kind = BOUND_OWN;
	return bound;
}

struct bound bind_reference(struct session *session, struct unit *unit, uint32_t section,
			    const struct object_reloc *reloc)
{
	struct bound bound = {.reference = part_reference(&unit->patched, section, reloc)};

	bound.name = bound.reference.symbol ? bound.reference.symbol->name : "";
	switch (bound.reference.kind) {
	case REFERENCE_PART:
		return bind_part(session, unit, bound);
	case REFERENCE_MERGED:
		bound.kind = BOUND_OWN;
		return bound;
	case REFERENCE_EXTERNAL:
		return bind_external(session, unit, bound);
	case REFERENCE_NONE:
		bound.kind = BOUND_NOTHING;
		return bound;
	case REFERENCE_ABSOLUTE:
		bound.kind = BOUND_OWN;
		return bound;
	case REFERENCE_OTHER:
		break;
	}
	return refused(bound, "it refers to a section that the patch does not carry");
}
