/* SPDX-License-Identifier: MIT */
/* From the binary up through the patches below; see layers.h. */
#include "layers.h"

#include "correlate.h"
#include "identity.h"
#include "lambda.h"
#include "object.h"

#include "base/error.h"
#include "wraps.h"

#include <string.h>

const struct core_provide *layers_global(const struct session *session, const char *name,
					 unsigned *below)
{
	for (size_t i = session->options->below_count; i-- > 0;) {
		const struct core_below *patch = &session->options->below[i];

		for (size_t k = 0; k < patch->provide_count; k++) {
			if (!patch->provides[k].global ||
			    strcmp(patch->provides[k].name, name) != 0)
				continue;
			*below = (unsigned)i + 1;
			return &patch->provides[k];
		}
	}
	return NULL;
}

/* In that unit by its exact name: the layer is the very object that the patch was made from. */
static const struct core_provide *find(const struct core_below *patch, const char *unit,
				       const char *name)
{
	for (size_t i = 0; i < patch->provide_count; i++)
		if (strcmp(patch->provides[i].name, name) == 0 &&
		    strcmp(patch->provides[i].unit, unit) == 0)
			return &patch->provides[i];
	return NULL;
}

static void take_from_below(struct part_set *lower, struct part_set *upper)
{
	for (size_t i = 0; i < upper->count; i++) {
		struct part *part = upper->list[i];
		const struct part *twin = part->twin;

		if (!twin)
			continue;
		part->has_target = twin->has_target;
		part->target = twin->target;
		part->target_size = twin->target_size;
		part->replaceable = twin->replaceable;
		part->lost = twin->lost;
		part->below = twin->below;
		part->proof_name = twin->proof_name;
		part->twin = NULL;
	}
	for (size_t i = 0; i < lower->count; i++)
		lower->list[i]->twin = NULL;
}

static void take_provided(const struct session *session, const struct unit *unit, size_t below,
			  struct part_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct part *part = set->list[i];
		const struct core_provide *provide;
		unsigned place = (unsigned)below + 1;

		if (part->has_target || !part->symbol ||
		    (part->kind != PART_FUNCTION && part->kind != PART_DATA))
			continue;
		provide = find(&session->options->below[below], unit->source, part->name);
		if (!provide && part->global)
			provide = layers_global(session, part->name, &place);
		if (!provide)
			continue;
		part->has_target = true;
		part->target = provide->address;
		part->target_size = part->size;
		part->replaceable = false;
		part->below = place;
	}
}

int layers_climb(struct session *session, struct unit *unit)
{
	struct refusals *refusals = &session->result->refusals;
	int code = 0;

	for (size_t i = 0; !code && i < unit->input->layer_count; i++) {
		const struct core_layer *layer = &unit->input->layers[i];
		struct object *object = arena_array(&session->arena, 1, sizeof(*object));
		struct closures *closures = arena_array(&session->arena, 1, sizeof(*closures));
		struct part_set upper;

		if (!object || !closures)
			return error_no_memory(session->err);
		code = object_read(&session->arena, layer->path, object, session->err);
		if (!code)
			code = wraps_apply(session, object);
		if (!code)
			code = lambda_rename(&session->arena, &unit->o, unit->closures, object,
					     unit->source, closures, refusals, session->err);
		if (code || refusals->count)
			return code;
		code = part_set_build(&session->arena, session->binary.arch, object, &upper,
				      session->err);
		if (!code)
			code = identity_read(&session->arena, &upper, session->err);
		if (code)
			return code;
		lambda_rename_owners(closures, &upper);
		lambda_settle(closures);
		unit->closures = closures;
		unit->below = object;
		code = correlate_parts(&session->arena, &unit->original, &upper, session->err);
		if (code)
			return code;
		take_from_below(&unit->original, &upper);
		take_provided(session, unit, layer->below, &upper);
		unit->o = *object;
		unit->original = upper;
		unit->original.object = &unit->o;
	}
	return code;
}
