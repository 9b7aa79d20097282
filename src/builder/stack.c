/* SPDX-License-Identifier: MIT */
/* Building the patches below again; see stack.h. */
#include "builder/stack.h"

#include "builder/building.h"
#include "builder/path.h"

#include "base/error.h"
#include "base/file.h"

#include <string.h>

static void layer_fini(struct stack_layer *layer)
{
	plan_fini(&layer->plan);
	onpatch_fini(&layer->patch);
	free(layer->work_dir);
}

void stack_fini(struct stack *stack)
{
	for (size_t i = 0; i < stack->capacity; i++)
		layer_fini(&stack->layers[i]);
	free(stack->layers);
	free(stack->plans);
	free(stack->below);
	state_fini(&stack->before);
	state_fini(&stack->now);
	*stack = (struct stack){0};
}

struct plan_base stack_base(const struct stack *stack)
{
	return (struct plan_base){.before = &stack->before,
				  .now = &stack->now,
				  .below = stack->plans,
				  .below_count = stack->count};
}

static bool lies_on(const struct onpatch *patch, const struct onpatch *below)
{
	for (size_t i = 0; i < patch->depend_count; i++)
		if (memcmp(patch->depends[i].hash, below->hash, HASH_SIZE) == 0)
			return true;
	return false;
}

/* What a patch lies on comes before it, or what runs is not what their sources make. */
static int check_order(const struct stack *stack, size_t index, struct suture_error *err)
{
	const struct onpatch *patch = &stack->layers[index].patch;
	size_t given = 0;

	for (size_t k = 0; k < index; k++)
		given += lies_on(patch, &stack->layers[k].patch);
	if (given == patch->depend_count)
		return 0;
	error_set(err, SUTURE_E_DEPENDENCY, "--on %s: it is built on a patch that is not given",
		  patch->path);
	return error_next(err, "give all of them, the lowest first: see suture info %s",
			  patch->path);
}

/* A source that two plans compile with their changes, or a file that both edit; or NULL. */
static const char *shared_file(const struct plan *left, const struct plan *right)
{
	for (size_t i = 0; i < left->unit_count; i++)
		for (size_t k = 0; k < right->unit_count; k++)
			if (!left->units[i].skipped && !right->units[k].skipped &&
			    left->units[i].entry - left->db.entries ==
				    right->units[k].entry - right->db.entries)
				return left->units[i].name;
	for (size_t i = 0; i < left->changes.count; i++)
		for (size_t k = 0; k < right->changes.count; k++)
			if (strcmp(left->changes.list[i].path, right->changes.list[k].path) == 0)
				return left->changes.list[i].name;
	return NULL;
}

/* Patches that know nothing of each other may lie side by side, each in units of its own. */
static int check_beside(const struct stack *stack, size_t index, struct suture_error *err)
{
	const struct stack_layer *layer = &stack->layers[index];

	for (size_t k = 0; k < index; k++) {
		const struct stack_layer *other = &stack->layers[k];
		const char *file = lies_on(&layer->patch, &other->patch)
					   ? NULL
					   : shared_file(&layer->plan, &other->plan);

		if (!file)
			continue;
		error_set(err, SUTURE_E_DEPENDENCY,
			  "--on %s: it is not built on %s, and both change %s", layer->patch.path,
			  other->patch.name, file);
		return error_next(err, "build one of them --on the other first");
	}
	return 0;
}

static int read_patches(struct stack *stack, const struct build_options *options,
			struct suture_error *err)
{
	int rc = 0;

	stack->layers = calloc(options->on_count, sizeof(*stack->layers));
	stack->plans = calloc(options->on_count, sizeof(struct plan *));
	stack->below = calloc(options->on_count, sizeof(*stack->below));
	if (!stack->layers || !stack->plans || !stack->below)
		return error_no_memory(err);
	for (size_t i = 0; !rc && i < options->on_count; i++) {
		stack->capacity++;
		rc = onpatch_read(options->on[i], &stack->layers[i].patch, err);
		if (!rc)
			rc = check_order(stack, i, err);
	}
	return rc;
}

/* A folder for a layer's build, with its diff under the name that it had. */
static int write_diff(struct stack_layer *layer, const char *work_dir, const char *what,
		      size_t index, char **path, struct suture_error *err)
{
	int rc;

	free(layer->work_dir);
	if (asprintf(&layer->work_dir, "%s/%s-%zu", work_dir, what, index) < 0)
		layer->work_dir = NULL;
	*path = layer->work_dir ? path_join(layer->work_dir, layer->patch.diff_name) : NULL;
	if (!*path)
		return error_no_memory(err);
	rc = path_make_folders(layer->work_dir, err);
	return rc ? rc
		  : file_replace(*path, layer->patch.diff, strlen(layer->patch.diff), 0600, err);
}

/* The options that a layer was built with. */
static struct build_options options_of(const struct onpatch *patch,
				       const struct build_options *from, const char *diff,
				       const char *output)
{
	struct build_options options = *from;

	options.name = patch->name;
	options.description = patch->description;
	options.diff = diff;
	options.output = output;
	options.baseline = NULL;
	options.on = NULL;
	options.on_count = 0;
	options.decisions = patch->decisions;
	options.decision_count = patch->decision_count;
	options.accepted_types = (const char *const *)patch->accepted.items;
	options.accepted_count = patch->accepted.count;
	return options;
}

static int take_changes(struct state *state, const struct diff_changes *changes, bool numbered,
			struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < changes->count; i++) {
		const struct diff_change *change = &changes->list[i];

		rc = state_set(state, change->path, change->new_text, change->new_size,
			       numbered ? &change->numbers : NULL, err);
	}
	return rc;
}

/* Takes the diffs out of the sources, the topmost first: what is left made the binary. */
static int take_out(struct stack *stack, const struct build *build, const char *work_dir,
		    struct suture_error *err)
{
	int rc = 0;

	for (size_t i = stack->capacity; !rc && i-- > 0;) {
		struct stack_layer *layer = &stack->layers[i];
		struct plan_base base = {.now = &stack->before};
		cleanup_memory char *diff = NULL;
		struct build_options options;
		struct plan plan = {0};

		rc = write_diff(layer, work_dir, "out", i, &diff, err);
		options = options_of(&layer->patch, build->options, diff, NULL);
		if (!rc)
			rc = plan_take_out(&plan, &options, &base, layer->work_dir, err);
		if (!rc)
			rc = take_changes(&stack->before, &plan.changes, false, err);
		plan_fini(&plan);
	}
	return rc;
}

/*
 * The sources are as the binary was built from, or have the diffs of the patches below in them:
 * both is usual.
 */
static int find_sources(struct stack *stack, const struct build *build, const char *work_dir,
			struct suture_error *err)
{
	struct suture_error unsaid;
	int rc = take_out(stack, build, work_dir, &unsaid);

	if (rc == -(int)SUTURE_E_DIFF_FAILED) {
		state_fini(&stack->before);
		return 0;
	}
	if (rc) {
		*err = unsaid;
		return rc;
	}
	return state_copy(&stack->before, &stack->now, err);
}

static int refuse(const struct build *build, const struct onpatch *patch, const char *why)
{
	refusals_add(&build->result->refusals, SUTURE_E_VERIFY_MISMATCH, NULL, 0,
		     "give the sources, flags, compiler and binary that it was built with; it is "
		     "taken for what runs",
		     "--on %s: building it again %s", patch->path, why);
	return 0;
}

/* What came out of building it again must be the file. */
static int prove(const struct build *build, const struct onpatch *patch,
		 const struct build_result *result, struct suture_error *err)
{
	cleanup_memory uint8_t *bytes = NULL;
	cleanup_memory char *why = NULL;
	size_t size;
	int rc;

	if (result->outcome != CORE_PATCH) {
		const char *message = result->refusals.count ? result->refusals.list[0].message
							     : "there is nothing to patch";

		if (asprintf(&why, "fails: %s", message) < 0) {
			why = NULL;
			return error_no_memory(err);
		}
		return refuse(build, patch, why);
	}
	rc = file_read(result->output, 1 << 28, &bytes, &size, err);
	if (rc)
		return rc;
	if (size != patch->size || memcmp(bytes, patch->bytes, size) != 0)
		return refuse(build, patch, "gives another file");
	return 0;
}

/* Of the layers so far those that the next one lies on. The caller frees with part_fini(). */
static int part_init(struct stack *part, const struct stack *stack, struct suture_error *err)
{
	const struct onpatch *patch = &stack->layers[stack->count].patch;
	int rc;

	*part = (struct stack){.plans = calloc(stack->count + 1, sizeof(struct plan *)),
			       .below = calloc(stack->count + 1, sizeof(*stack->below))};
	if (!part->plans || !part->below)
		return error_no_memory(err);
	rc = state_copy(&stack->before, &part->before, err);
	if (!rc)
		rc = state_copy(&stack->before, &part->now, err);
	for (size_t i = 0; !rc && i < stack->count; i++) {
		if (!lies_on(patch, &stack->layers[i].patch))
			continue;
		part->plans[part->count] = stack->plans[i];
		part->below[part->count++] = stack->below[i];
		rc = take_changes(&part->now, &stack->plans[i]->changes, true, err);
	}
	return rc;
}

static void part_fini(struct stack *part)
{
	free(part->plans);
	free(part->below);
	state_fini(&part->before);
	state_fini(&part->now);
}

static int build_layer(struct stack *stack, const struct build *top, const char *work_dir,
		       struct suture_error *err)
{
	struct stack_layer *layer = &stack->layers[stack->count];
	struct build_result result = {0};
	cleanup_memory char *diff = NULL;
	cleanup_memory char *output = NULL;
	struct build_options options;
	struct stack part;
	struct build build = {
		.options = &options, .result = &result, .parallel = top->parallel, .stack = &part};
	int rc = part_init(&part, stack, err);

	if (!rc)
		rc = write_diff(layer, work_dir, "on", stack->count, &diff, err);
	output = rc ? NULL : path_join(layer->work_dir, "again.so");
	if (!rc && !output)
		rc = error_no_memory(err);
	options = options_of(&layer->patch, top->options, diff, output);
	if (!rc)
		rc = build_init_result(&options, &result, err);
	if (!rc)
		rc = build_in(&build, layer->work_dir, err);
	layer->plan = build.plan;
	layer->plan.base = (struct plan_base){0}; /* the part's, which ends here */
	if (!rc)
		rc = prove(top, &layer->patch, &result, err);
	if (!rc)
		rc = check_beside(stack, stack->count, err);
	if (!rc)
		rc = take_changes(&stack->now, &layer->plan.changes, true, err);
	build_result_fini(&result);
	part_fini(&part);
	stack->plans[stack->count] = &layer->plan;
	stack->below[stack->count++] =
		(struct core_below){.name = layer->patch.name,
				    .hash = layer->patch.hash,
				    .provides = layer->patch.provides,
				    .provide_count = layer->patch.provide_count};
	return rc;
}

int stack_build(struct stack *stack, struct build *build, const char *work_dir,
		struct suture_error *err)
{
	const struct build_options *options = build->options;
	int rc;

	if (!options->on_count)
		return 0;
	if (options->baseline)
		return error_set(err, SUTURE_E_USAGE, "--on and --baseline exclude each other");
	rc = read_patches(stack, options, err);
	if (!rc)
		rc = find_sources(stack, build, work_dir, err);
	while (!rc && stack->count < stack->capacity && !build->result->refusals.count)
		rc = build_layer(stack, build, work_dir, err);
	build->stack = stack;
	return rc;
}
