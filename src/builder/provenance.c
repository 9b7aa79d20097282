/* SPDX-License-Identifier: MIT */
/* Provenance of a patch; see provenance.h. */
#include "builder/provenance.h"

#include "builder/path.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"

#include <string.h>

static void add(struct provenance *provenance, const char *key, const char *value)
{
	provenance->pairs[provenance->count++] = (struct core_pair){key, value};
}

/* A text that has to be kept; value is taken over. */
static int add_text(struct provenance *provenance, const char *key, char *value,
		    struct suture_error *err)
{
	strings_take(&provenance->texts, value);
	if (!strings_ok(&provenance->texts))
		return error_no_memory(err);
	add(provenance, key, provenance->texts.items[provenance->texts.count - 1]);
	return 0;
}

static int add_decisions(struct provenance *provenance, const struct build_options *options,
			 struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < options->decision_count; i++) {
		const struct core_data_decision *decision = &options->decisions[i];
		char *text;

		if (asprintf(&text, "%s=%s", decision->variable,
			     decision->policy == CORE_DATA_SET ? "set" : "keep") < 0)
			text = NULL;
		rc = add_text(provenance, "data", text, err);
	}
	for (size_t i = 0; !rc && i < options->accepted_count; i++)
		add(provenance, "accept-layout", options->accepted_types[i]);
	return rc;
}

static int add_command(struct provenance *provenance, const struct compile_unit *unit,
		       struct suture_error *err)
{
	struct bytes line = {0};

	bytes_add_format(&line, "%s:", unit->name);
	for (size_t j = 0; j < unit->command.argv.count; j++)
		bytes_add_format(&line, " %s", unit->command.argv.items[j]);
	bytes_add(&line, "", 1);
	if (!bytes_ok(&line)) {
		bytes_fini(&line);
		return error_no_memory(err);
	}
	return add_text(provenance, "command", (char *)line.data, err);
}

int provenance_init(struct provenance *provenance, const struct plan *plan,
		    const struct build_options *options, struct suture_error *err)
{
	cleanup_memory uint8_t *diff = NULL;
	uint8_t hash[HASH_SIZE];
	size_t size;
	int rc = file_read(plan->diff.path, 1 << 28, &diff, &size, err);

	if (rc)
		return rc;
	hash_bytes(diff, size, hash);
	hash_text(hash, provenance->diff_hash);
	provenance->pairs =
		calloc(plan->unit_count + options->decision_count + options->accepted_count + 4,
		       sizeof(*provenance->pairs));
	if (!provenance->pairs)
		return error_no_memory(err);
	add(provenance, "builder", "suture " SUTURE_VERSION);
	add(provenance, "diff", path_base(plan->diff.path));
	add(provenance, "diff-hash", provenance->diff_hash);
	rc = add_text(provenance, "diff-text", strndup((char *)diff, size), err);
	if (!rc)
		rc = add_decisions(provenance, options, err);
	for (size_t i = 0; !rc && i < plan->unit_count; i++)
		if (plan->units[i].p_path)
			rc = add_command(provenance, &plan->units[i], err);
	return rc;
}

void provenance_fini(struct provenance *provenance)
{
	free(provenance->pairs);
	strings_fini(&provenance->texts);
}
