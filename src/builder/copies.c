/* SPDX-License-Identifier: MIT */
/* Whose copy of an inline function runs; see copies.h. */
#include "copies.h"

#include "base/error.h"
#include "verify.h"

#include <elf.h>
#include <string.h>

static bool in_group(const struct object *object, uint32_t section)
{
	return section < object->section_count && object->sections[section].group;
}

bool copies_elsewhere(const struct unit *unit, const struct part *part)
{
	return part->kind == PART_FUNCTION && part_in_binary(part) && !part->twin->replaceable &&
	       !part->twin->lost && part->weak && part->twin->weak &&
	       in_group(&unit->p, part->section) && in_group(&unit->o, part->twin->section);
}

/* In O of a unit: the copy that runs. */
static struct part *running_copy(const struct unit *unit, const struct part *part)
{
	for (size_t i = 0; i < unit->original.count; i++) {
		struct part *copy = unit->original.list[i];

		if (copy->kind == PART_FUNCTION && copy->replaceable && !copy->below &&
		    copy->target == part->twin->target && strcmp(copy->name, part->name) == 0)
			return copy;
	}
	return NULL;
}

enum verdict {
	VERDICT_UNKNOWN,
	VERDICT_GONE,	  /* the unit whose copy runs makes none of the patched sources */
	VERDICT_REPLACED, /* by what that unit makes */
	VERDICT_STAYS,
};

/* What the units of the patch say: one that has it as it runs, and still makes the same, decides.
 */
static enum verdict ask_units(const struct session *session, const struct unit *unit,
			      const struct part *part, const char **owner)
{
	enum verdict verdict = VERDICT_UNKNOWN;

	for (size_t i = 0; i < session->unit_count; i++) {
		const struct unit *other = &session->units[i];
		const struct part *copy = other != unit ? running_copy(other, part) : NULL;
		enum verdict said = VERDICT_STAYS;

		if (!copy)
			continue;
		if (!copy->twin)
			said = VERDICT_GONE;
		else if (copy->twin->replaced)
			said = VERDICT_REPLACED;
		if (said > verdict) {
			verdict = said;
			*owner = other->source;
		}
	}
	return verdict;
}

/* Is it in the object as it runs? */
static bool proves(const struct proof *proof, const struct part *part)
{
	uint64_t address;

	return proof->object && proof_weak_function(proof, part->name, &address) &&
	       address == part->twin->target;
}

/* All witnesses, once there is something to ask them. */
static int read_witnesses(struct session *session, struct proof **proofs)
{
	const struct core_options *options = session->options;
	int code = 0;

	*proofs = arena_array(&session->arena, options->witness_count, sizeof(**proofs));
	if (!*proofs)
		return error_no_memory(session->err);
	for (size_t i = 0; i < options->witness_count && !code; i++)
		code = verify_object(&session->arena, &session->binary, options->witnesses[i],
				     &(*proofs)[i], session->err);
	return code;
}

static void refuse(struct session *session, const struct unit *unit, const struct part *part,
		   enum verdict verdict, const char *owner)
{
	if (verdict == VERDICT_GONE) {
		refusals_add(
			&session->result->refusals, SUTURE_E_VERIFY_MISMATCH,
			part_file(part) ? part_file(part) : unit->source, part->identity.line,
			"leave a use of it where it was",
			"%s in %s comes out otherwise, and %s, whose copy of it runs, has none "
			"with the diff",
			part->name, unit->source, owner);
		return;
	}
	strings_add_once(&session->result->unwitnessed, part->name);
	session_refuse(session, SUTURE_E_VERIFY_MISMATCH, unit, part,
		       "have the file whose copy it is in compile_commands.json, and its object "
		       "file in the build folder; or leave what it has inlined as it is",
		       "comes out otherwise, and the binary has a copy of it that no file is known "
		       "to have made");
}

static void settle(struct session *session, const struct unit *unit, struct part *part,
		   const struct proof *witnesses)
{
	const char *owner = "";
	enum verdict verdict = ask_units(session, unit, part, &owner);

	for (size_t i = 0; i < session->options->witness_count; i++)
		if (verdict != VERDICT_REPLACED && proves(&witnesses[i], part))
			verdict = VERDICT_STAYS;
	if (verdict == VERDICT_REPLACED)
		part->changed = true;
	else if (verdict != VERDICT_STAYS)
		refuse(session, unit, part, verdict, owner);
}

int copies_settle(struct session *session)
{
	struct proof *witnesses = NULL;

	for (size_t i = 0; i < session->unit_count; i++) {
		struct unit *unit = &session->units[i];

		for (size_t k = 0; k < unit->patched.count; k++) {
			struct part *part = unit->patched.list[k];
			int code = 0;

			if (!part->elsewhere)
				continue;
			if (!witnesses)
				code = read_witnesses(session, &witnesses);
			if (code)
				return code;
			settle(session, unit, part, witnesses);
		}
	}
	if (!strings_ok(&session->result->unwitnessed))
		return error_no_memory(session->err);
	return 0;
}
