/* SPDX-License-Identifier: MIT */
/* What the caller is told of a session; see core_result.h. */
#include "core_result.h"

#include "author.h"
#include "base/error.h"
#include "description.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

const char *core_function_kind_name(enum core_function_kind kind)
{
	static const char *const names[] = {"changed", "new", "inlined", "clone"};

	return names[kind];
}

const char *core_data_kind_name(enum core_data_kind kind)
{
	static const char *const names[] = {"const", "new", "set", "keep"};

	return names[kind];
}

static bool is_clone(const char *name)
{
	return strstr(name, ".constprop.") || strstr(name, ".isra.") || strstr(name, ".part.");
}

static void list_function(struct core_result *result, const char *binary, const struct unit *unit,
			  const struct part *part)
{
	struct arena *texts = &result->texts->arena;
	struct core_function *f = &result->functions[result->function_count++];

	f->name = arena_text(texts, part->name);
	f->unit = arena_text(texts, unit->source);
	f->binary = arena_text(texts, binary);
	f->kind = !part->replaced	 ? CORE_FUNCTION_NEW
		  : is_clone(part->name) ? CORE_FUNCTION_CLONE
					 : CORE_FUNCTION_CHANGED;
	f->exported = unit->p.symbols[part->symbol].bind != STB_LOCAL;
	f->because = arena_text(texts, part->replaced && part->because ? part->because
								       : "changed code needs it");
	f->file = arena_text(texts, part_file(part));
	f->line = part->identity.line;
	f->target = part->replaced ? part->twin->target : 0;
	f->old_size = part->replaced ? part->twin->target_size : 0;
	f->new_size = part->size;
	part = description_part(&unit->patched, part);
	f->section = part ? part->section : 0;
	f->start = part ? part->start : 0;
}

static void list_datum(struct core_result *result, const struct unit *unit, const struct part *part,
		       enum core_data_kind kind)
{
	struct arena *texts = &result->texts->arena;
	struct core_datum *datum = &result->data[result->data_count++];

	datum->name = arena_text(texts, part->name);
	datum->unit = arena_text(texts, unit->source);
	datum->kind = kind;
	datum->exported = part->symbol && unit->p.symbols[part->symbol].bind != STB_LOCAL;
	datum->target = kind == CORE_DATUM_NEW ? 0 : part->twin->target;
	datum->size = part->size;
}

static void list_migration(struct core_result *result, const struct migration *migration)
{
	struct arena *texts = &result->texts->arena;

	result->migrations[result->migration_count++] = (struct core_migration){
		.type = arena_text(texts, migration->type),
		.unit = arena_text(texts, migration->unit->source),
		.old_size = migration->old_size,
		.new_size = migration->new_size,
		.forward = arena_text(texts, migration->forward->name),
		.reverse = migration->reverse ? arena_text(texts, migration->reverse->name) : NULL,
	};
}

static int compare_functions(const void *left, const void *right)
{
	const struct core_function *a = left;
	const struct core_function *b = right;
	int order = strcmp(a->unit, b->unit);

	return order ? order : strcmp(a->name, b->name);
}

static bool carried(const struct unit *unit, const struct part *part)
{
	if (part->section == OBJECT_COMMON)
		return part->because && !part_exists(part);
	return unit->kept && unit->kept[part->section];
}

int core_result_fill(struct session *session)
{
	struct core_result *result = session->result;
	struct arena *texts = &result->texts->arena;
	size_t most = session->data_count;

	for (size_t i = 0; i < session->unit_count; i++)
		most += session->units[i].patched.count;
	result->functions = arena_array(texts, most, sizeof(*result->functions));
	result->data = arena_array(texts, most, sizeof(*result->data));
	result->idle = arena_array(texts, session->idle_count, sizeof(*result->idle));
	result->hooks = arena_array(texts, session->hook_count, sizeof(*result->hooks));
	result->migrations =
		arena_array(texts, session->migration_count, sizeof(*result->migrations));
	if (!result->functions || !result->data || !result->idle || !result->hooks ||
	    !result->migrations)
		return error_no_memory(session->err);
	for (size_t i = 0; i < session->unit_count; i++) {
		const struct unit *unit = &session->units[i];

		for (size_t k = 0; k < unit->patched.count; k++) {
			const struct part *part = unit->patched.list[k];

			if (part->kind == PART_FUNCTION && part->symbol &&
			    (part->replaced || (carried(unit, part) && !part_exists(part))))
				list_function(result, session->binary.name, unit, part);
			if (part->kind == PART_DATA && carried(unit, part) && !part_exists(part) &&
			    !author_is_slot(unit, part))
				list_datum(result, unit, part, CORE_DATUM_NEW);
		}
	}
	for (size_t i = 0; i < session->data_count; i++)
		list_datum(result, session->data[i].unit, session->data[i].part,
			   session->data[i].kind);
	for (size_t i = 0; i < session->idle_count; i++)
		/* Those replaced are idle anyway. */
		if (!session->idle[i].part->twin || !session->idle[i].part->twin->replaced)
			result->idle[result->idle_count++] =
				(struct core_idle){arena_text(texts, session->idle[i].part->name),
						   arena_text(texts, session->idle[i].unit->source),
						   arena_text(texts, session->idle[i].because)};
	for (size_t i = 0; i < session->hook_count; i++)
		result->hooks[result->hook_count++] =
			(struct core_hook){arena_text(texts, session->hooks[i].part->name),
					   arena_text(texts, session->hooks[i].unit->source),
					   author_hook_name(session->hooks[i].kind)};
	for (size_t i = 0; i < session->migration_count; i++)
		list_migration(result, &session->migrations[i]);
	qsort(result->functions, result->function_count, sizeof(*result->functions),
	      compare_functions);
	return arena_check(texts, session->err);
}

void core_result_fini(struct core_result *result)
{
	refusals_fini(&result->refusals);
	strings_fini(&result->imports);
	strings_fini(&result->unwitnessed);
	strings_fini(&result->unlike);
	strings_fini(&result->notes);
	while (result->texts) {
		struct core_texts *texts = result->texts;

		result->texts = texts->next;
		arena_fini(&texts->arena);
		free(texts);
	}
	*result = (struct core_result){0};
}

/* Two arrays one behind the other, in memory of the result. NULL when there is none left. */
static void *append(struct arena *texts, const void *left, size_t left_count, const void *right,
		    size_t right_count, size_t size)
{
	uint8_t *both = arena_array(texts, left_count + right_count, size);

	if (both && left_count)
		memcpy(both, left, left_count * size);
	if (both && right_count)
		memcpy(both + left_count * size, right, right_count * size);
	return both;
}

int core_result_join(struct core_result *result, struct core_result *from, struct suture_error *err)
{
	struct core_texts *last = from->texts;

	if (!result->texts)
		result->texts = calloc(1, sizeof(*result->texts));
	if (!result->texts)
		return error_no_memory(err);
#define JOIN(list, count)                                                                     \
	result->list = append(&result->texts->arena, result->list, result->count, from->list, \
			      from->count, sizeof(*from->list));                              \
	result->count += from->count;
	JOIN(functions, function_count)
	JOIN(data, data_count)
	JOIN(idle, idle_count)
	JOIN(hooks, hook_count)
	JOIN(migrations, migration_count)
#undef JOIN
	result->verified.exact += from->verified.exact;
	result->verified.equivalent += from->verified.equivalent;
	result->verified.different += from->verified.different;
	result->verified.absent += from->verified.absent;
	result->verify_us += from->verify_us;
	result->compare_us += from->compare_us;
	result->emit_us += from->emit_us;
	/* Its texts are ours now. */
	while (last && last->next)
		last = last->next;
	if (last) {
		last->next = result->texts->next;
		result->texts->next = from->texts;
	}
	from->texts = NULL;
	return arena_check(&result->texts->arena, err);
}
