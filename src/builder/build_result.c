/* SPDX-License-Identifier: MIT */
/* What a build fills, and the name of what it makes; see build.h. */
#include "builder/building.h"

#include "builder/path.h"

#include "base/error.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LENGTH = 64 };

static bool is_name_byte(char byte)
{
	return isalnum((unsigned char)byte) || strchr("._-", byte);
}

bool build_name_valid(const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < length; i++)
		if (!is_name_byte(name[i]))
			return false;
	return length > 0 && length <= NAME_MAX_LENGTH && name[0] != '.';
}

void build_name_from_path(const char *path, char name[65])
{
	const char *base = path_base(path);
	const char *dot = strrchr(base, '.');
	size_t length = dot && dot != base && (!strcmp(dot, ".diff") || !strcmp(dot, ".patch"))
				? (size_t)(dot - base)
				: strlen(base);
	size_t used = 0;

	for (size_t i = 0; i < length && used < NAME_MAX_LENGTH; i++) {
		char byte = is_name_byte(base[i]) ? base[i] : '-';

		if (used || byte != '.')
			name[used++] = byte;
	}
	if (!used)
		name[used++] = 'p';
	name[used] = '\0';
}

void build_result_fini(struct build_result *result)
{
	free(result->output);
	free(result->signature);
	free(result->binary);
	free(result->source_root);
	free(result->diff);
	free(result->causes);
	for (size_t i = 0; i < result->target_count; i++)
		free(result->targets[i].path);
	free(result->targets);
	strings_fini(&result->absent);
	strings_fini(&result->relaid);
	strings_fini(&result->elsewhere);
	strings_fini(&result->texts);
	core_result_fini(&result->core);
	refusals_fini(&result->refusals);
	strings_fini(&result->notes);
	*result = (struct build_result){0};
}

int build_init_result(const struct build_options *options, struct build_result *result,
		      struct suture_error *err)
{
	*result = (struct build_result){.outcome = CORE_NOTHING, .prepared = !options->diff};
	if (options->name && !build_name_valid(options->name))
		return error_set(
			err, SUTURE_E_USAGE,
			"%s: a patch's name is made of letters, digits, '.', '_' and '-', at "
			"most 64",
			options->name);
	if (options->name)
		strcpy(result->name, options->name);
	else
		build_name_from_path(options->diff ? options->diff : options->binary, result->name);
	result->binary = strdup(options->binary);
	if (options->output)
		result->output = strdup(options->output);
	else if (asprintf(&result->output, "%s.so", result->name) < 0)
		result->output = NULL;
	return result->binary && result->output ? 0 : error_no_memory(err);
}

/* "…PATH…" as "…SOURCE, compiled HOW by COMPILER…". */
static void name_object(const struct compile_unit *unit, const char *path, const char *how,
			struct suture_error *err)
{
	char *at = path ? strstr(err->message, path) : NULL;
	struct suture_error said = *err;

	if (!at)
		return;
	error_set(err, said.code, "%.*s%s, compiled %s by %s%s", (int)(at - err->message),
		  said.message, unit->name, how, unit->command.argv.items[0],
		  said.message + (at - err->message) + strlen(path));
	error_next(err, "%s",
		   *said.next
			   ? said.next
			   : "see that the compiler works: its object file is not what it should "
			     "be");
}

void build_name_objects(const struct plan *plan, struct suture_error *err)
{
	for (size_t i = 0; err && i < plan->unit_count; i++) {
		const struct compile_unit *unit = &plan->units[i];

		if (!unit->v_reused)
			name_object(unit, unit->v_path, "as it was for the binary", err);
		name_object(unit, unit->o_path, "as it is", err);
		name_object(unit, unit->p_path, "with the diff", err);
	}
}
