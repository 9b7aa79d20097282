/* SPDX-License-Identifier: MIT */
/* A build for each binary, and what they say together; see modules.h. */
#include "builder/modules.h"

#include "builder/binary.h"
#include "builder/path.h"

#include "base/error.h"
#include "base/file.h"

#include <string.h>

static const char *binary_at(const struct build_options *options, size_t index)
{
	return index ? options->further[index - 1] : options->binary;
}

static int check_options(const struct build_options *options, struct suture_error *err)
{
	if (options->on_count) {
		error_set(err, SUTURE_E_USAGE, "--on builds for one --binary, not for several");
		return error_next(err, "build for each binary by itself, on the patch that it has: "
				       "suture build --binary EXE --on PATCH.so …");
	}
	if (options->accepted_count) {
		error_set(err, SUTURE_E_USAGE,
			  "--accept-layout builds for one --binary, not for several");
		return error_next(err, "where one binary alone has objects of the type, build for "
				       "it by itself; else hand the server over, see "
				       "suture-handover(7)");
	}
	for (size_t i = 0; i <= options->further_count; i++) {
		cleanup_memory char *one = realpath(binary_at(options, i), NULL);

		for (size_t k = 0; one && k < i; k++) {
			cleanup_memory char *other = realpath(binary_at(options, k), NULL);

			if (other && strcmp(one, other) == 0)
				return error_set(err, SUTURE_E_USAGE, "--binary %s: named twice",
						 binary_at(options, i));
		}
	}
	return 0;
}

/* One without symbols looks as if it had no unit of the diff: it is refused before that is asked.
 */
static int check_binary(const char *path, struct refusals *refusals, struct suture_error *err)
{
	struct arena arena = {0};
	struct binary binary;
	int rc = binary_read(&arena, path, NULL, &binary, err);

	if (!rc)
		core_check_binary(&binary, refusals);
	arena_fini(&arena);
	return rc;
}

/* One binary's patch, at result->output, which carries the file `carried` or none. */
static int build_one(const struct build *all, size_t index, const char *carried,
		     const char *work_dir, struct build_result *result, struct suture_error *err)
{
	struct build_options options = *all->options;
	struct build build = {.options = &options, .result = result, .parallel = all->parallel};
	cleanup_memory char *folder = NULL, *output = NULL;
	int rc;

	if (asprintf(&folder, "%s/module-%zu", work_dir, index) < 0)
		folder = NULL;
	output = folder ? path_join(folder, "patch.so") : NULL;
	if (!output)
		return error_no_memory(err);
	options.binary = binary_at(all->options, index);
	options.further_count = 0;
	options.one_of_several = true;
	options.carried = carried;
	options.name = all->result->name;
	options.output = output;
	rc = build_init_result(&options, result, err);
	if (!rc)
		rc = path_make_folders(folder, err);
	if (!rc)
		rc = check_binary(options.binary, &result->refusals, err);
	if (!rc && !result->refusals.count)
		rc = build_within(&build, folder, err);
	return rc;
}

/* Which binary it is about, where the words don't say. */
static int name_binary(struct build_result *result, struct suture_error *err)
{
	const char *binary = path_base(result->binary);

	for (size_t i = 0; i < result->refusals.count; i++) {
		struct refusal *refusal = &result->refusals.list[i];
		char *text;

		if (strstr(refusal->message, binary))
			continue;
		if (asprintf(&text, "%s: %s", binary, refusal->message) < 0)
			return error_no_memory(err);
		free(refusal->message);
		refusal->message = text;
	}
	return 0;
}

/* What one binary has not, by its tables or by the proof, may be another's: only what none has
 * stays. */
static void keep_common(struct strings *missing, const struct build_result *from)
{
	struct strings common = {.failed = missing->failed};

	for (size_t i = 0; i < missing->count; i++)
		if (strings_contain(&from->absent, missing->items[i]) ||
		    strings_contain(&from->elsewhere, missing->items[i]))
			strings_add(&common, missing->items[i]);
	strings_fini(missing);
	*missing = common;
}

static void take_target(struct build_target *target, struct build_result *from)
{
	target->path = from->binary;
	from->binary = NULL;
	memcpy(target->build_id, from->core.build_id, sizeof(target->build_id));
	target->patched = from->outcome == CORE_PATCH;
}

static int join_causes(struct build_result *to, struct build_result *from, size_t before,
		       struct suture_error *err)
{
	size_t count = from->core.function_count;
	struct build_cause *causes;

	if (!to->core.function_count)
		return 0;
	causes = reallocarray(to->causes, to->core.function_count, sizeof(*causes));
	if (!causes)
		return error_no_memory(err);
	to->causes = causes;
	if (from->causes && count)
		memcpy(causes + before, from->causes, count * sizeof(*causes));
	else if (count)
		memset(causes + before, 0, count * sizeof(*causes));
	/* Their texts stay where they are; the list that owns them is ours now. */
	for (size_t i = 0; i < from->texts.count; i++) {
		strings_take(&to->texts, from->texts.items[i]);
		from->texts.items[i] = NULL;
	}
	from->texts.count = 0;
	return 0;
}

/* What one binary's build found, behind what those before it did. */
static int join(struct build_result *to, struct build_result *from, bool first,
		struct suture_error *err)
{
	size_t before = to->core.function_count;
	int rc = name_binary(from, err);

	refusals_take(&to->refusals, &from->refusals);
	take_target(&to->targets[to->target_count++], from);
	if (first) {
		memcpy(to->core.build_id, from->core.build_id, sizeof(to->core.build_id));
		to->source_root = from->source_root;
		from->source_root = NULL;
		strings_add_all(&to->absent, &from->absent);
		strings_add_all(&to->elsewhere, &from->elsewhere);
		to->unreached = from->unreached;
	} else {
		keep_common(&to->absent, from);
		keep_common(&to->elsewhere, from);
		to->unreached &= from->unreached;
	}
	if (!rc)
		rc = core_result_join(&to->core, &from->core, err);
	if (!rc)
		rc = join_causes(to, from, before, err);
	for (size_t i = 0; i < from->notes.count; i++)
		strings_add_once(&to->notes, from->notes.items[i]);
	to->units.affected += from->units.affected;
	to->units.compiled += from->units.compiled;
	to->units.skipped += from->units.skipped;
	to->units.cached += from->units.cached;
	to->compile_us += from->compile_us;
	to->compare_us += from->compare_us;
	if (!strings_ok(&to->notes) || !strings_ok(&to->texts) || !strings_ok(&to->absent) ||
	    !strings_ok(&to->elsewhere))
		return error_no_memory(err);
	return rc;
}

/* Units that have to be somewhere: the diff changes them, and a binary is linked from them. */
static void refuse_missing(struct build_result *result)
{
	for (size_t i = 0; i < result->elsewhere.count; i++)
		refusals_add(
			&result->refusals, SUTURE_E_VERIFY_MISMATCH, result->elsewhere.items[i], 0,
			"name the binary that this file is linked into",
			"no function of %s is in any of the binaries", result->elsewhere.items[i]);
}

static void refuse_use(struct build_result *result, const char *user, const char *name,
		       const char *binary, const char *file, unsigned line)
{
	refusals_add(
		&result->refusals, SUTURE_E_UNRESOLVED_SYMBOL, file, line,
		"put it into a source that both are linked from, or have each call its own",
		"code of %s uses %s, which is new in %s: what is new in one binary is not seen "
		"from another",
		user, name, binary);
}

/* At run time nobody would have it: the agent looks for a name in what is loaded. */
static void refuse_uses(struct build_result *result, const struct build_result *user,
			const struct build_result *other)
{
	const char *names = path_base(user->binary), *theirs = path_base(other->binary);

	for (size_t i = 0; i < other->core.function_count; i++) {
		const struct core_function *function = &other->core.functions[i];

		if (function->kind == CORE_FUNCTION_NEW && function->exported &&
		    strings_contain(&user->core.imports, function->name))
			refuse_use(result, names, function->name, theirs, function->file,
				   function->line);
	}
	for (size_t i = 0; i < other->core.data_count; i++) {
		const struct core_datum *datum = &other->core.data[i];

		if (datum->kind == CORE_DATUM_NEW && datum->exported &&
		    strings_contain(&user->core.imports, datum->name))
			refuse_use(result, names, datum->name, theirs, datum->unit, 0);
	}
}

static int install(const char *from, const char *to, struct suture_error *err)
{
	cleanup_memory uint8_t *bytes = NULL;
	size_t size;
	int rc = file_read(from, 1 << 28, &bytes, &size, err);

	return rc ? rc : file_replace(to, bytes, size, 0644, err);
}

int modules_build(struct build *build, const char *work_dir, struct suture_error *err)
{
	const struct build_options *options = build->options;
	struct build_result *result = build->result;
	size_t count = options->further_count + 1;
	struct build_result *each = calloc(count, sizeof(*each));
	const char *carried = NULL;
	int rc;

	result->targets = calloc(count, sizeof(*result->targets));
	rc = each && result->targets ? check_options(options, err) : error_no_memory(err);

	/* The last first: each carries those behind it. */
	for (size_t i = count; !rc && i-- > 0;) {
		rc = build_one(build, i, carried, work_dir, &each[i], err);
		if (each[i].outcome == CORE_PATCH && !each[i].refusals.count)
			carried = each[i].output;
	}
	/* Before they are joined: then it is all one list. */
	for (size_t i = 0; !rc && i < count; i++)
		for (size_t k = 0; k < count; k++)
			if (k != i)
				refuse_uses(result, &each[i], &each[k]);
	for (size_t i = 0; !rc && i < count; i++)
		rc = join(result, &each[i], i == 0, err);
	refuse_missing(result);
	if (!rc && !result->refusals.count && carried)
		rc = install(carried, result->output, err);
	if (!rc && result->refusals.count)
		result->outcome = CORE_REFUSED;
	else
		result->outcome = !rc && carried ? CORE_PATCH : CORE_NOTHING;
	for (size_t i = 0; each && i < count; i++)
		build_result_fini(&each[i]);
	free(each);
	return rc;
}
