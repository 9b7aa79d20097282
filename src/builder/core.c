/* SPDX-License-Identifier: MIT */
/* The stages in order. Each may refuse; nothing is written before all have passed. */
#include "core.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "change.h"
#include "compare.h"
#include "core_result.h"
#include "correlate.h"
#include "description.h"
#include "emit.h"
#include "given.h"
#include "identity.h"
#include "instances.h"
#include "lambda.h"
#include "layers.h"
#include "libraries.h"
#include "localclass.h"
#include "needs.h"
#include "original.h"
#include "patch/format.h"
#include "retyped.h"
#include "selfcheck.h"
#include "session.h"
#include "variables.h"
#include "verify.h"
#include "wraps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATCH_LIMIT = 1 << 30 };

static uint64_t now_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static int read_object(struct session *session, const char *path, struct object *object)
{
	if (!path)
		return object_empty(&session->arena, object, session->err);
	return object_read(&session->arena, path, object, session->err);
}

static bool check_objects(struct session *session, const struct unit *unit)
{
	const struct object *objects[] = {&unit->v, &unit->o, &unit->p};

	for (size_t i = 0; i < 3; i++) {
		if (objects[i]->lto) {
			refusals_add(&session->result->refusals, SUTURE_E_UNSUPPORTED, unit->source,
				     0, "build the server without -flto",
				     "%s is compiled with link-time optimisation", unit->source);
			return false;
		}
		if (objects[i]->outside) {
			refusals_add(&session->result->refusals, SUTURE_E_UNSUPPORTED, unit->source,
				     0, "let the code refer to a function or variable instead",
				     "%s refers to %s, a label that the assembler was told to "
				     "set outside of its section",
				     unit->source, objects[i]->outside);
			return false;
		}
		if (objects[i]->machine && objects[i]->machine != session->binary.machine) {
			refusals_add(&session->result->refusals, SUTURE_E_ARCHITECTURE,
				     unit->source, 0, NULL,
				     "%s is compiled for another machine than %s", unit->source,
				     session->binary.name);
			return false;
		}
	}
	return true;
}

/* The linker may have dropped all of a unit (--gc-sections, an archive): else it is another one's.
 */
static void check_nowhere(struct session *session, const struct unit *unit)
{
	const char *binary = session->binary.name;

	if (!unit->input->linked)
		refusals_add(&session->result->refusals, SUTURE_E_VERIFY_MISMATCH, unit->source, 0,
			     "name the binary that this file is linked into",
			     "no function of %s is in %s", unit->source, binary);
	else if (unit->input->edited)
		strings_add_format(
			&session->result->notes,
			"no function of %s is in %s: the linker dropped them, as nothing "
			"uses them",
			unit->source, binary);
}

static int read_unit(struct session *session, struct unit *unit)
{
	int code = read_object(session, unit->input->v_path, &unit->v);

	if (!code)
		code = read_object(session, unit->input->o_path, &unit->o);
	if (!code)
		code = read_object(session, unit->input->p_path, &unit->p);
	if (!code)
		code = description_read(session, unit->input->o_described, &unit->o);
	if (!code)
		code = description_read(session, unit->input->p_described, &unit->p);
	if (code || !check_objects(session, unit))
		return code;
	unit->kept = arena_array(&session->arena, unit->p.section_count, sizeof(bool));
	unit->exported = arena_array(&session->arena, unit->p.symbol_count, sizeof(bool));
	if (!unit->kept || !unit->exported)
		return error_no_memory(session->err);
	code = verify_unit(&session->arena, &session->binary, &unit->v, unit->source, &unit->proof,
			   &session->result->verified, &session->result->refusals, session->err);
	if (!code && unit->proof.nowhere)
		check_nowhere(session, unit);
	return code;
}

/* O as it runs, with what is known of its parts in the binary and in the patches below. */
static int read_original(struct session *session, struct unit *unit)
{
	struct core_result *result = session->result;
	int code = part_set_build(&session->arena, session->binary.arch, &unit->o, &unit->original,
				  session->err);

	if (!code)
		code = original_check(session, unit);
	if (!code && !result->refusals.count)
		code = description_tie(session, unit, &unit->original);
	if (code || result->refusals.count)
		return code;
	code = identity_read(&session->arena, &unit->original, session->err);
	if (code)
		return code;
	code = correlate_proof(&session->arena, &unit->original, &unit->proof, unit->source,
			       &result->refusals, session->err);
	return code ? code : layers_climb(session, unit);
}

/* Names of local classes must mean what they did, in the binary or in the patches below. */
static int check_local_classes(struct session *session, struct unit *unit)
{
	const struct object *last = unit->below ? unit->below : &unit->o;
	struct local_classes before, after;
	int code;

	instances_check(last, &unit->p, unit->source, &session->result->refusals);
	if (!localclass_has_numbers(last) && !localclass_has_numbers(&unit->p))
		return 0;
	code = localclass_read(&session->arena, last, &before, session->err);
	if (!code)
		code = localclass_read(&session->arena, &unit->p, &after, session->err);
	if (!code)
		localclass_compare(&before, &after, unit->source, &session->result->refusals);
	return code;
}

static int correlate_unit(struct session *session, struct unit *unit)
{
	struct refusals *refusals = &session->result->refusals;
	struct closures closures;
	int code = read_original(session, unit);

	if (!code && !refusals->count)
		code = lambda_rename(&session->arena, &unit->o, unit->closures, &unit->p,
				     unit->source, &closures, refusals, session->err);
	if (!code && !refusals->count)
		code = check_local_classes(session, unit);
	if (code || refusals->count)
		return code;
	code = part_set_build(&session->arena, session->binary.arch, &unit->p, &unit->patched,
			      session->err);
	if (!code)
		code = description_tie(session, unit, &unit->patched);
	if (!code)
		code = identity_read(&session->arena, &unit->patched, session->err);
	if (code || refusals->count)
		return code;
	lambda_rename_owners(&closures, &unit->patched);
	code = correlate_parts(&session->arena, &unit->original, &unit->patched, session->err);
	if (!code)
		code = given_check(session, unit, &closures);
	return code ? code : refusals_check(refusals, session->err);
}

void core_check_binary(const struct binary *binary, struct refusals *refusals)
{
	if (binary->is_static)
		refusals_add(refusals, SUTURE_E_UNSUPPORTED, NULL, 0, "link it dynamically",
			     "%s is linked statically: it has no loader that could map a patch",
			     binary->name);
	else if (binary->stripped)
		refusals_add(refusals, SUTURE_E_BAD_INPUT, NULL, 0,
			     "name its debug file, or the file from before strip",
			     "%s has no symbol table, and no debug file was found", binary->name);
	else if (!binary->build_id_size)
		refusals_add(refusals, SUTURE_E_BAD_INPUT, NULL, 0, "link it with -Wl,--build-id",
			     "%s has no build-id, by which the agent would recognise it",
			     binary->name);
}

static int find(struct session *session, const struct unit_objects *units, size_t count)
{
	struct core_result *result = session->result;
	uint64_t start = now_us();
	int code = 0;

	session->units = arena_array(&session->arena, count, sizeof(*session->units));
	if (!session->units)
		return error_no_memory(session->err);
	session->unit_count = count;
	core_check_binary(&session->binary, &result->refusals);
	for (size_t i = 0; !code && !result->refusals.count && i < count; i++) {
		session->units[i].input = &units[i];
		session->units[i].source = units[i].source;
	}
	for (size_t i = 0; !code && i < count && session->units[i].source; i++)
		code = read_unit(session, &session->units[i]);
	if (!code && !result->refusals.count)
		code = wraps_settle(session);
	result->verify_us = now_us() - start;
	start = now_us();
	for (size_t i = 0; !code && !result->refusals.count && i < count; i++)
		code = correlate_unit(session, &session->units[i]);
	if (!code && !result->refusals.count)
		code = change_find(session);
	if (!code && !result->refusals.count)
		code = needs_close(session);
	if (!code && !result->refusals.count)
		code = retyped_check(session);
	if (!code && !result->refusals.count)
		code = variables_find(session);
	result->compare_us = now_us() - start;
	return code ? code : refusals_check(&result->refusals, session->err);
}

static int emit_objects(struct session *session, const char *work, const char **objects,
			size_t *count, const char *linked)
{
	int code;

	objects[*count] = arena_format(&session->arena, "%s/meta.o", work);
	if (!objects[*count])
		return error_no_memory(session->err);
	code = emit_meta(session, objects[(*count)++]);
	for (size_t i = 0; !code && i < session->unit_count; i++) {
		objects[*count] = arena_format(&session->arena, "%s/unit-%zu.o", work, i);
		if (!objects[*count])
			return error_no_memory(session->err);
		code = emit_unit(session, &session->units[i], objects[(*count)++]);
	}
	if (code || session->result->refusals.count)
		return code;
	code = emit_link(session, objects, *count, work, linked);
	return code ? code : selfcheck_run(&session->arena, linked, &session->binary, session->err);
}

/* The last step: the digest covers all other bytes of the file (format.h). */
static int seal(uint8_t *data, size_t size, struct suture_error *err)
{
	struct format_header *header = memmem(data, size, FORMAT_MAGIC, sizeof(header->magic));

	if (!header || size - (size_t)((uint8_t *)header - data) < sizeof(*header))
		return error_set(err, SUTURE_E_INTERNAL, "the linked patch has no header");
	memset(header->digest, 0, sizeof(header->digest));
	hash_bytes(data, size, header->digest);
	return 0;
}

static int install(struct session *session, const char *linked, const char *output)
{
	cleanup_memory uint8_t *data = NULL;
	size_t size;
	int code = file_read(linked, PATCH_LIMIT, &data, &size, session->err);

	if (!code)
		code = seal(data, size, session->err);
	return code ? code : file_replace(output, data, size, 0644, session->err);
}

static int emit(struct session *session, const char *output)
{
	const char *given = session->options->work_dir;
	char made[] = "/tmp/suture-build-XXXXXX";
	const char *work = given;
	const char **objects;
	const char *linked;
	size_t count = 0;
	int code;

	if (!work)
		work = mkdtemp(made);
	if (!work)
		return error_errno(session->err, SUTURE_E_IO, errno, "temporary folder");
	objects = arena_array(&session->arena, session->unit_count + 1, sizeof(*objects));
	linked = arena_format(&session->arena, "%s/linked.so", work);
	if (!objects || !linked)
		return error_no_memory(session->err);
	code = emit_objects(session, work, objects, &count, linked);
	if (!code && !session->result->refusals.count)
		code = install(session, linked, output);
	for (size_t i = 0; i < count; i++)
		unlink(objects[i]);
	unlink(linked);
	unlink(arena_format(&session->arena, "%s/link.log", work));
	if (!given)
		rmdir(work);
	return code;
}

static int run(struct session *session, const struct unit_objects *units, size_t count,
	       const char *output)
{
	struct core_result *result = session->result;
	const struct binary *binary = &session->binary;
	int code = binary_read(&session->arena, session->options->binary,
			       session->options->debug_file, &session->binary, session->err);
	uint64_t start;

	if (code)
		return code;
	for (size_t i = 0; i < binary->build_id_size; i++)
		snprintf(result->build_id + 2 * i, 3, "%02x", binary->build_id[i]);
	code = find(session, units, count);
	if (code)
		return code;
	start = now_us();
	if (!result->refusals.count && change_any(session) && output)
		code = emit(session, output);
	result->emit_us = now_us() - start;
	if (!code)
		code = core_result_fill(session);
	if (result->refusals.count)
		result->outcome = CORE_REFUSED;
	else
		result->outcome = change_any(session) ? CORE_PATCH : CORE_NOTHING;
	return code;
}

int core_build(const struct core_options *options, const struct unit_objects *units, size_t count,
	       const char *output, struct core_result *result, struct suture_error *err)
{
	struct session session = {.options = options, .result = result, .err = err};
	int code;

	*result = (struct core_result){.outcome = CORE_NOTHING};
	result->texts = calloc(1, sizeof(*result->texts));
	if (!result->texts)
		return error_no_memory(err);
	code = run(&session, units, count, output);
	libraries_close(session.libraries);
	arena_fini(&session.arena);
	return code;
}
