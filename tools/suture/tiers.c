/* SPDX-License-Identifier: MIT */
/* The trampolines of a file's functions; see tiers.h. */
#include "cli/tiers.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without the address and size in front, which belong to a process. */
static const char *reason_of(const struct suture_error *err)
{
	const char *reason = strstr(err->message, "no jump fits: ");

	return reason ? reason + strlen("no jump fits: ") : err->message;
}

int tiers_plan(const struct survey *survey, size_t index, struct trampoline *plan,
	       const char **reason, struct suture_error *err)
{
	int rc = survey_plan(survey, index, plan, err);

	*reason = NULL;
	if (!rc || err->code != SUTURE_E_UNPATCHABLE_ENTRY)
		return rc;
	plan->tier = TRAMPOLINE_NONE;
	*reason = reason_of(err);
	return 0;
}

static bool is_module(const struct format_module *module, const struct binary *binary)
{
	return module && module->build_id_size == binary->build_id_size &&
	       memcmp(module->build_id, binary->build_id, binary->build_id_size) == 0;
}

static void id_text(const uint8_t *id, size_t size, char text[2 * BINARY_BUILD_ID_SIZE + 1])
{
	text[0] = '\0';
	for (size_t i = 0; i < size && i < BINARY_BUILD_ID_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", id[i]);
}

/* The module of the patch that has the binary's name is the one that was meant. */
static int refuse_build(const struct patch_file *patch, const struct binary *binary,
			struct suture_error *err)
{
	char want[2 * BINARY_BUILD_ID_SIZE + 1], have[2 * BINARY_BUILD_ID_SIZE + 1];
	const struct format_module *meant = patch->modules.records;
	const char *name;

	for (size_t i = 0; i < patch->modules.count; i++) {
		name = patch_file_string(patch, patch->modules.records[i].name_ref);
		if (name && strcmp(name, binary->name) == 0)
			meant = &patch->modules.records[i];
	}
	name = patch_file_string(patch, meant->name_ref);
	id_text(meant->build_id, meant->build_id_size, want);
	id_text(binary->build_id, binary->build_id_size, have);
	error_set(err, SUTURE_E_BUILD_ID, "made for %s with build-id %s; %s has %s",
		  name ? name : "?", want, binary->path, have[0] ? have : "none");
	return error_next(err, "give the binary that the patch was built against");
}

/* Only functions that have a symbol; where those overlap, the one that begins first. */
static bool find_function(const struct survey_object *object, uintptr_t address, size_t *index)
{
	*index = survey_first_function(object, address);
	return *index < object->count && object->functions[*index].address == address;
}

static int take(struct tiers_row *row, const struct survey *survey, uintptr_t address,
		struct suture_error *err)
{
	struct trampoline plan;
	const char *reason;
	size_t index;
	int rc;

	if (!find_function(survey->object, address, &index)) {
		row->tier = "unknown";
		return 0;
	}
	rc = tiers_plan(survey, index, &plan, &reason, err);
	if (rc)
		return rc;
	row->tier = trampoline_tier_name(plan.tier);
	row->reason = reason ? strdup(reason) : NULL;
	return reason && !row->reason ? error_no_memory(err) : 0;
}

static int take_all(struct tiers *tiers, const struct patch_file *patch,
		    const struct codefile *file, struct suture_error *err)
{
	struct survey survey;
	int rc = survey_init(&survey, &file->object, err);

	for (size_t i = 0; !rc && i < patch->functions.count; i++) {
		const struct format_function *function = &patch->functions.records[i];

		if (is_module(patch_file_module(patch, function->module_ref), &file->binary))
			rc = take(&tiers->rows[i], &survey, function->target + file->bias, err);
	}
	survey_fini(&survey);
	return rc;
}

int tiers_read(struct tiers *tiers, const struct patch_file *patch, const char *path,
	       struct suture_error *err)
{
	struct codefile file;
	bool meant = false;
	int rc;

	*tiers = (struct tiers){.rows = calloc(patch->functions.count + 1, sizeof(*tiers->rows))};
	if (!tiers->rows)
		return error_no_memory(err);
	tiers->count = patch->functions.count;
	rc = codefile_open(&file, path, err);
	for (size_t i = 0; !rc && i < patch->modules.count; i++)
		meant = meant || is_module(&patch->modules.records[i], &file.binary);
	if (!rc && !meant)
		rc = refuse_build(patch, &file.binary, err);
	if (!rc)
		rc = codefile_need_functions(&file, err);
	if (!rc)
		rc = take_all(tiers, patch, &file, err);
	codefile_close(&file);
	return rc;
}

void tiers_fini(struct tiers *tiers)
{
	for (size_t i = 0; i < tiers->count; i++)
		free(tiers->rows[i].reason);
	free(tiers->rows);
	*tiers = (struct tiers){0};
}
