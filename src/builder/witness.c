/* SPDX-License-Identifier: MIT */
/* Looking for who made a copy; see witness.h. */
#include "builder/witness.h"

#include "builder/path.h"
#include "builder/verify.h"

#include "base/error.h"
#include "base/file.h"

#include <elf.h>
#include <string.h>

enum { OBJECT_SIZE_MAX = 1 << 30 };

struct search {
	const struct plan *plan;
	const struct compile_options *options;
	struct arena arena;
	struct binary binary;
	const struct strings *functions;
	bool *found; /* owned, by function */
	size_t open;
};

/* Before all of it is looked at: is one of the names in the file? */
static bool mentions(const struct search *search, const char *path)
{
	cleanup_memory uint8_t *data = NULL;
	size_t size;

	if (file_read(path, OBJECT_SIZE_MAX, &data, &size, NULL))
		return false;
	for (size_t i = 0; i < search->functions->count; i++) {
		const char *name = search->functions->items[i];

		if (!search->found[i] && memmem(data, size, name, strlen(name) + 1))
			return true;
	}
	return false;
}

static bool is_shown(const struct search *search, const struct proof *proof, const char *name)
{
	uint64_t address;

	return proof_weak_function(proof, name, &address) &&
	       binary_symbol_is(&search->binary, name, address);
}

/* How many of the functions that are still looked for are in the object as they are in the binary.
 */
static int look(struct search *search, const char *path, bool note, size_t *count,
		struct suture_error *err)
{
	struct proof proof;
	int rc = verify_object(&search->arena, &search->binary, path, &proof, err);

	*count = 0;
	for (size_t i = 0; !rc && proof.object && i < search->functions->count; i++) {
		if (search->found[i] || !is_shown(search, &proof, search->functions->items[i]))
			continue;
		(*count)++;
		search->found[i] = note;
		search->open -= note;
	}
	return rc;
}

/* An object may be older than its sources, or not of this tree: the sources are asked. */
static int ask_sources(struct search *search, const struct compdb_entry *entry,
		       struct strings *objects, struct suture_error *err)
{
	struct compile_options options = *search->options;
	struct compile_unit unit = {.entry = entry, .name = strdup(path_base(entry->file))};
	cleanup_memory char *work = NULL;
	const bool wanted = true;
	size_t count = 0;
	int rc = unit.name ? command_init(&unit.command, entry, err) : error_no_memory(err);

	if (!rc && asprintf(&work, "%s/witness-%zu", options.work_dir,
			    entry - search->plan->db.entries) < 0)
		work = NULL;
	if (!rc)
		rc = work ? path_make_folders(work, err) : error_no_memory(err);
	options.work_dir = work;
	/* For the digest that the object is kept by. */
	options.patched = NULL;
	if (!rc)
		rc = compile_preprocess(&options, &unit, 1, err);
	if (!rc)
		rc = compile_as_built(&options, &unit, 1, &wanted, err);
	if (!rc && unit.v_path)
		rc = look(search, unit.v_path, true, &count, err);
	if (!rc && count)
		strings_add(objects, unit.v_path);
	compile_unit_fini(&unit);
	return rc;
}

static int try_unit(struct search *search, const struct compdb_entry *entry,
		    struct strings *objects, struct suture_error *err)
{
	cleanup_memory char *object = compile_built_object(entry);
	struct suture_error unsaid;
	size_t count = 0;

	/* One that can't be read is none. */
	if (!object || !mentions(search, object) || look(search, object, false, &count, &unsaid) ||
	    !count)
		return 0;
	return ask_sources(search, entry, objects, err);
}

int witness_find(const struct plan *plan, const struct compile_options *options, const char *binary,
		 const struct strings *functions, struct strings *objects, struct suture_error *err)
{
	struct search search = {
		.plan = plan, .options = options, .functions = functions, .open = functions->count};
	int rc;

	search.found = calloc(functions->count + 1, sizeof(*search.found));
	rc = search.found ? binary_read(&search.arena, binary, NULL, &search.binary, err)
			  : error_no_memory(err);
	for (size_t i = 0; !rc && search.open && i < plan->db.count; i++)
		if (plan_is_unreached(plan, &plan->db.entries[i]))
			rc = try_unit(&search, &plan->db.entries[i], objects, err);
	arena_fini(&search.arena);
	free(search.found);
	return rc ? rc : strings_ok(objects) ? 0 : error_no_memory(err);
}
