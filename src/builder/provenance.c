/* SPDX-License-Identifier: MIT */
/* Provenance of a patch; see provenance.h. */
#include "builder/provenance.h"

#include "builder/path.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"

int provenance_init(struct provenance *provenance, const struct plan *plan,
		    struct suture_error *err)
{
	cleanup_memory uint8_t *diff = NULL;
	uint8_t hash[HASH_SIZE];
	size_t size;
	int rc = file_read(plan->diff.path, 1 << 28, &diff, &size, err);

	if (rc)
		return rc;
	hash_bytes(diff, size, hash);
	hash_text(hash, provenance->diff_hash);
	provenance->pairs = calloc(plan->unit_count + 3, sizeof(*provenance->pairs));
	if (!provenance->pairs)
		return error_no_memory(err);
	provenance->pairs[provenance->count++] =
		(struct core_pair){"builder", "suture " SUTURE_VERSION};
	provenance->pairs[provenance->count++] =
		(struct core_pair){"diff", path_base(plan->diff.path)};
	provenance->pairs[provenance->count++] =
		(struct core_pair){"diff-hash", provenance->diff_hash};
	for (size_t i = 0; i < plan->unit_count; i++) {
		const struct compile_unit *unit = &plan->units[i];
		struct bytes line = {0};

		if (!unit->p_path)
			continue;
		bytes_add_format(&line, "%s:", unit->name);
		for (size_t j = 0; j < unit->command.argv.count; j++)
			bytes_add_format(&line, " %s", unit->command.argv.items[j]);
		bytes_add(&line, "", 1);
		if (bytes_ok(&line))
			strings_add(&provenance->texts, (char *)line.data);
		else
			provenance->texts.failed = true;
		bytes_fini(&line);
		if (!strings_ok(&provenance->texts))
			return error_no_memory(err);
		provenance->pairs[provenance->count++] = (struct core_pair){
			"command", provenance->texts.items[provenance->texts.count - 1]};
	}
	return 0;
}

void provenance_fini(struct provenance *provenance)
{
	free(provenance->pairs);
	strings_fini(&provenance->texts);
}
