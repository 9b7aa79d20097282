/* SPDX-License-Identifier: MIT */
/* The driver: plan, compile, gate, core; see build.h. */
#include "builder/building.h"

#include "builder/build_units.h"
#include "builder/candidates.h"
#include "builder/causes.h"
#include "builder/layout.h"
#include "builder/mapped.h"
#include "builder/modules.h"
#include "builder/objcache.h"
#include "builder/path.h"
#include "builder/plan.h"
#include "builder/process.h"
#include "builder/provenance.h"
#include "builder/removed.h"
#include "builder/signature.h"
#include "builder/unsupported.h"
#include "builder/witness.h"

#include "base/error.h"
#include "base/file.h"

#include <sched.h>
#include <string.h>
#include <time.h>

enum { CACHE_SIZE_MAX = 1 << 30 };

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int take_out_numbers(void *context, struct suture_error *err)
{
	struct build *build = context;

	return plan_unnumber(&build->plan, err);
}

static void pass_progress(const char *what, const char *unit, size_t done, size_t total,
			  void *context)
{
	struct build *build = context;

	if (build->options->progress)
		build->options->progress(what, unit, done, total, build->options->context);
}

static unsigned processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (unsigned)CPU_COUNT(&set);
}

/* A refusal made of an error that the user's input explains. Returns 0 when it was one. */
static int refuse_error(struct refusals *refusals, const struct suture_error *err)
{
	if (suture_code_exit(err->code) != 4)
		return -(int)err->code;
	refusals_add(refusals, err->code, NULL, 0, err->next[0] ? err->next : NULL, "%s",
		     err->message);
	return 0;
}

static int gate_layouts(struct build *build, struct refusals *layouts, struct suture_error *err)
{
	struct layout_gate gate = {.accepted = build->options->accepted_types,
				   .accepted_count = build->options->accepted_count};
	int rc = signature_exports(build->options->binary, &gate.exports, err);

	for (size_t i = 0; i < build->plan.unit_count && !rc && !process_cancelled(); i++) {
		const struct compile_unit *unit = &build->plan.units[i];

		struct layout_objects objects = {
			.old = compile_unit_described(unit, compile_unit_before(unit)),
			.new = compile_unit_described(unit, unit->p_path),
			.code = compile_unit_before(unit),
			.unit = unit->name};

		if (!unit->skipped && unit->o_path && unit->p_path)
			rc = layout_compare(&gate, &objects, layouts, err);
	}
	strings_add_all(&build->result->relaid, &gate.reported);
	strings_add_all(&build->result->notes, &gate.notes);
	layout_gate_fini(&gate);
	if (!rc && !strings_ok(&build->result->relaid))
		rc = error_no_memory(err);
	return rc;
}

/* Runs core over the units that have objects. */
static int run_core_with(struct build *build, const char *output, struct suture_error *err)
{
	const struct build_options *options = build->options;
	struct plan *plan = &build->plan;
	cleanup_memory char *work = path_join(plan->work_dir, "core");
	struct unit_objects *objects = calloc(plan->unit_count + 1, sizeof(*objects));
	struct provenance provenance = {0};
	size_t count = 0;
	int rc;

	if (!objects || !work) {
		free(objects);
		return error_no_memory(err);
	}
	rc = path_make_folders(work, err);
	if (!rc && options->diff)
		rc = provenance_init(&provenance, plan, options, err);
	for (size_t i = 0; i < plan->unit_count; i++) {
		const struct compile_unit *unit = &plan->units[i];

		if (unit->skipped || (!unit->o_path && !unit->p_path))
			continue;
		objects[count++] = (struct unit_objects){
			.source = unit->name,
			.v_path = unit->v_path,
			.o_path = unit->o_path,
			.p_path = unit->p_path,
			.o_described = unit->o_described,
			.p_described = unit->p_described,
			.layers = unit->layers,
			.layer_count = unit->layer_count,
			.compiler = unit->command.argv.items[0],
			.linked = plan->linked[unit->entry - plan->db.entries],
			.edited = unit->edited,
			.debug_matters =
				command_is_clang(&unit->command) && !unit->command.has_debug};
	}
	if (!rc) {
		const struct core_options core = {
			.binary = options->binary,
			.name = build->result->name,
			.description = options->description,
			.work_dir = work,
			.decisions = options->decisions,
			.decision_count = options->decision_count,
			.accepted = options->accepted_types,
			.accepted_count = options->accepted_count,
			.relaid = (const char *const *)build->result->relaid.items,
			.relaid_count = build->result->relaid.count,
			.below = build->stack ? build->stack->below : NULL,
			.below_count = build->stack ? build->stack->count : 0,
			.further = options->carried,
			.one_of_several = options->one_of_several,
			.uncompiled = plan->uncompiled,
			.uncompiled_count = plan->uncompiled_count,
			.witnesses = (const char *const *)build->witnesses.items,
			.witness_count = build->witnesses.count,
			.provenance = provenance.pairs,
			.provenance_count = provenance.count};

		core_result_fini(&build->result->core);
		build->result->core = (struct core_result){0};
		rc = core_build(&core, objects, count, output, &build->result->core, err);
	}
	provenance_fini(&provenance);
	free(objects);
	return rc;
}

/* The same, with what it asks for: who made a copy of an inline function that runs. */
static int run_core(struct build *build, const char *output, struct suture_error *err)
{
	int rc = run_core_with(build, output, err);
	const struct strings *wanted = &build->result->core.unwitnessed;
	size_t known = build->witnesses.count;
	struct strings open = {0};

	for (size_t i = 0; !rc && i < wanted->count; i++)
		if (!strings_contain(&build->sought, wanted->items[i]))
			strings_add(&open, wanted->items[i]);
	strings_add_all(&build->sought, &open);
	if (!rc && !strings_ok(&build->sought))
		rc = error_no_memory(err);
	if (!rc && open.count)
		rc = witness_find(&build->plan, &build->compile, build->options->binary, &open,
				  &build->witnesses, err);
	strings_fini(&open);
	return rc || build->witnesses.count == known ? rc : run_core_with(build, output, err);
}

static bool mismatches(const struct core_result *core)
{
	for (size_t i = 0; i < core->refusals.count; i++)
		if (core->refusals.list[i].code == SUTURE_E_VERIFY_MISMATCH)
			return true;
	return core->verified.different > 0;
}

/* Is there anything that was not compiled just as it could be? */
static bool spared_any(const struct plan *plan)
{
	for (size_t i = 0; i < plan->unit_count; i++)
		if (plan->units[i].v_reused || plan->units[i].o_light)
			return true;
	return false;
}

/* Units that -g may have made unlike the binary, and that can be compared without. */
static size_t choose_unlike(const struct build *build, bool *wanted)
{
	const struct strings *unlike = &build->result->core.unlike;
	size_t count = 0;

	for (size_t i = 0; i < build->plan.unit_count; i++) {
		const struct compile_unit *unit = &build->plan.units[i];

		wanted[i] = !unit->skipped && !unit->o_described && !unit->layer_count &&
			    strings_contain(unlike, unit->name);
		count += wanted[i];
	}
	return count;
}

/*
 * Where clang's code depends on the -g that is added, it is compared as production makes it, and
 * what has -g only describes it (description.h). The core names such units one at a time.
 */
static int set_apart(struct build *build, struct refusals *layouts, struct suture_error *err)
{
	struct build_result *result = build->result;
	struct plan *plan = &build->plan;
	bool *wanted = calloc(plan->unit_count + 1, sizeof(*wanted));
	int rc = wanted ? 0 : error_no_memory(err);

	/* Migrations ask what code knows of a type: of code that is other code. */
	while (!rc && !build->options->accepted_count && choose_unlike(build, wanted) &&
	       !process_cancelled()) {
		size_t refused = result->refusals.count;

		rc = compile_set_apart(&build->compile, plan->units, plan->unit_count, wanted,
				       &result->refusals, err);
		if (rc || result->refusals.count > refused)
			break;
		refusals_fini(layouts);
		strings_fini(&result->relaid);
		*layouts = (struct refusals){0};
		result->relaid = (struct strings){0};
		rc = build->options->diff ? removed_refuse(build, err) : 0;
		if (!rc)
			rc = gate_layouts(build, layouts, err);
		if (!rc)
			rc = run_core(build,
				      result->refusals.count || layouts->count ? NULL
									       : result->output,
				      err);
	}
	free(wanted);
	return rc;
}

/* What debug information calls a file is mostly its path: not behind a distribution's prefix maps.
 */
static void show_real_file(const struct build *build, char **file)
{
	char *real = *file ? mapped_back(&build->plan.db, *file) : NULL;

	if (real) {
		free(*file);
		*file = real;
	}
}

/* Added lines have numbers of their own while objects are compared: people want the file's. */
static void show_real_places(struct build *build)
{
	struct build_result *result = build->result;

	for (size_t i = 0; i < result->core.function_count; i++) {
		struct core_function *function = &result->core.functions[i];

		function->line = plan_real_line(&build->plan, function->file, function->line);
	}
	for (size_t i = 0; i < result->refusals.count; i++) {
		struct refusal *refusal = &result->refusals.list[i];

		refusal->line = plan_real_line(&build->plan, refusal->file, refusal->line);
		show_real_file(build, &refusal->file);
	}
}

static bool is_nothing(const struct core_result *core)
{
	return core->outcome == CORE_NOTHING && !core->refusals.count;
}

/*
 * Types matter by what code and data are made of them: where none of that changes, what is set
 * aside for a changed type included, no layout is a reason to refuse.
 */
static int drop_idle_layouts(struct build *build, struct refusals *layouts,
			     struct suture_error *err)
{
	struct build_result *result = build->result;
	struct core_result core = result->core;
	struct strings relaid = result->relaid;
	int rc;

	if (!layouts->count || !is_nothing(&core))
		return 0;
	result->core = (struct core_result){0};
	result->relaid = (struct strings){0};
	rc = run_core(build, NULL, err);
	if (!rc && is_nothing(&result->core)) {
		refusals_fini(layouts);
		*layouts = (struct refusals){0};
		core_result_fini(&core);
		strings_fini(&relaid);
		return 0;
	}
	core_result_fini(&result->core);
	result->core = core;
	result->relaid = relaid;
	return rc;
}

/*
 * Verification and comparison. An object of the build tree may be older or newer than the binary,
 * and what O is spared may have decided about its code: where anything doesn't match, both are
 * compiled as they should be, and count.
 */
static int compare(struct build *build, struct refusals *layouts, struct suture_error *err)
{
	struct build_result *result = build->result;
	/* With a refusal already certain the rest is still looked at, but nothing is written. */
	const char *output = result->refusals.count || layouts->count ? NULL : result->output;
	int rc = run_core(build, output, err);

	if (spared_any(&build->plan) && (rc || mismatches(&result->core)) && !process_cancelled()) {
		rc = compile_again(&build->compile, build->plan.units, build->plan.unit_count,
				   &result->refusals, err);
		if (!rc)
			rc = run_core(build, result->refusals.count ? NULL : output, err);
	}
	if (!rc)
		rc = set_apart(build, layouts, err);
	if (!rc)
		rc = drop_idle_layouts(build, layouts, err);
	if (rc)
		return rc;
	refusals_take(&result->refusals, layouts);
	refusals_take(&result->refusals, &result->core.refusals);
	strings_add_all(&result->notes, &result->core.notes);
	if (!strings_ok(&result->notes))
		return error_no_memory(err);
	if (result->core.outcome == CORE_PATCH && !result->refusals.count)
		result->outcome = CORE_PATCH;
	else if (result->core.outcome == CORE_NOTHING && !result->refusals.count)
		result->outcome = CORE_NOTHING;
	else
		result->outcome = CORE_REFUSED;
	return 0;
}

/* The folder of Suture's own headers, where the diff asks for one of them: else nothing is added.
 */
static const char *include_dir(const struct build *build)
{
	static const char prefix[] = "suture/";

	for (size_t i = 0; i < build->plan.changes.count; i++) {
		const struct diff_change *change = &build->plan.changes.list[i];

		if (change->new_text &&
		    memmem(change->new_text, change->new_size, prefix, strlen(prefix)))
			return build->options->include_dir;
	}
	for (size_t i = 0; build->stack && i < build->stack->now.count; i++) {
		const struct state_file *file = &build->stack->now.list[i];

		if (file->text && memmem(file->text, file->size, prefix, strlen(prefix)))
			return build->options->include_dir;
	}
	return NULL;
}

int build_in(struct build *build, char *work_dir, struct suture_error *err)
{
	struct build_result *result = build->result;
	struct plan *plan = &build->plan;
	struct plan_base base = build->stack ? stack_base(build->stack) : (struct plan_base){0};
	struct refusals layouts = {0};
	uint64_t started;
	bool all_skipped = true;
	int rc = plan_init(plan, build->options, &base, work_dir, result, err);

	if (!rc && process_cancelled())
		rc = error_set(err, SUTURE_E_TIMEOUT, "interrupted");
	for (size_t i = 0; !rc && i < plan->changes.count && plan->unit_count == 0; i++)
		result->unreached |= !plan->changes.list[i].same_tokens;
	if (rc || plan->unit_count == 0)
		return rc;
	build_units_refuse_removed(build);
	if (build->options->diff)
		rc = plan_make_view(plan, false, err);
	if (!rc)
		rc = plan_make_before(plan, build->options, err);
	if (rc)
		return rc;
	build->compile = (struct compile_options){.patched = plan->view.top ? &plan->view : NULL,
						  .before = plan->before.top ? &plan->before : NULL,
						  .edited = &plan->edited,
						  .unnumber = take_out_numbers,
						  .work_dir = work_dir,
						  .skip_nothing = build->options->all_units,
						  .parallel = build->parallel,
						  .cache_dir = build->options->cache_dir,
						  .include_dir = include_dir(build),
						  .progress = pass_progress,
						  .context = build};
	started = now_us();
	rc = compile_preprocess(&build->compile, plan->units, plan->unit_count, err);
	if (!rc)
		rc = candidates_choose(&build->compile, build->options->binary,
				       build->options->one_of_several, plan->units,
				       plan->unit_count, err);
	if (!rc)
		build_units_list_elsewhere(build);
	if (!rc && result->prepared)
		unsupported_leave_out(plan->units, plan->unit_count, &result->notes);
	if (!rc)
		unsupported_refuse(plan->units, plan->unit_count, &result->refusals);
	if (!rc && !result->refusals.count)
		rc = compile_all(&build->compile, plan->units, plan->unit_count, &result->refusals,
				 err);
	if (!rc && !result->refusals.count)
		rc = build_units_look_deeper(build, err);
	if (!rc)
		build_units_refuse_unnumbered(build);
	build_units_count(build);
	result->compile_us = now_us() - started;
	for (size_t i = 0; i < plan->unit_count; i++)
		all_skipped &= plan->units[i].skipped;
	if (rc || all_skipped || result->refusals.count)
		return rc;
	started = now_us();
	rc = build->options->diff ? removed_refuse(build, err) : 0;
	if (!rc)
		rc = gate_layouts(build, &layouts, err);
	if (!rc && process_cancelled())
		rc = error_set(err, SUTURE_E_TIMEOUT, "interrupted");
	if (!rc)
		rc = compare(build, &layouts, err);
	refusals_fini(&layouts);
	if (!rc)
		rc = causes_find(plan, result, err);
	show_real_places(build);
	result->compare_us = now_us() - started;
	return rc;
}

/* For reports; one that can't be read is reported by the plan. */
static void read_diff(const char *path, struct build_result *result)
{
	cleanup_memory uint8_t *text = NULL;
	size_t size;

	if (path && !file_read(path, 1 << 28, &text, &size, NULL))
		result->diff = strndup((char *)text, size);
}

/* Nothing is proved where nothing was there to be compared. */
static void refuse_unproved(const struct build_options *options, struct build_result *result)
{
	if (!options->diff && !result->refusals.count && !result->core.verified.exact)
		refusals_add(&result->refusals, SUTURE_E_VERIFY_MISMATCH, NULL, 0,
			     "name the folder that the binary was built in",
			     "no function of %s is made by a command of %s", result->binary,
			     options->build_dir);
}

/* Said when it is sure that no binary has them: one may be a test's or another platform's. */
static void note_absent(struct build_result *result)
{
	for (size_t i = 0; i < result->absent.count; i++)
		strings_add_format(&result->notes, "%s is not in %s: it is not part of the patch",
				   result->absent.items[i],
				   result->target_count ? "any of the binaries" : "the binary");
}

/*
 * Builds with the compilers' own temporary files inside our folder: one that is killed can't clear
 * up, and we remove the folder in any case.
 */
int build_within(struct build *build, char *work_dir, struct suture_error *err)
{
	const char *before = getenv("TMPDIR");
	cleanup_memory char *kept = before ? strdup(before) : NULL;
	struct stack stack = {0};
	int rc;

	if ((before && !kept) || setenv("TMPDIR", work_dir, 1) < 0)
		return error_no_memory(err);
	rc = stack_build(&stack, build, work_dir, err);
	if (!rc && !build->result->refusals.count)
		rc = build_in(build, work_dir, err);
	if (rc)
		build_name_objects(&build->plan, err);
	if (kept)
		setenv("TMPDIR", kept, 1);
	else
		unsetenv("TMPDIR");
	strings_fini(&build->sought);
	strings_fini(&build->witnesses);
	plan_fini(&build->plan);
	stack_fini(&stack);
	return rc;
}

int build_run(const struct build_options *options, struct build_result *result,
	      struct suture_error *err)
{
	struct build build = {.options = options, .result = result};
	cleanup_memory char *made = NULL;
	cleanup_memory char *work_dir = NULL;
	uint64_t started = now_us();
	int rc = build_init_result(options, result, err);

	if (rc)
		return rc;
	build.parallel = options->parallel ? options->parallel : processors();
	read_diff(options->diff, result);
	made = path_make_work(err);
	if (!made)
		return err ? -(int)err->code : -(int)SUTURE_E_IO;
	work_dir = realpath(made, NULL);
	if (!work_dir)
		rc = error_no_memory(err);
	else if (options->further_count)
		rc = modules_build(&build, work_dir, err);
	else
		rc = build_within(&build, work_dir, err);
	note_absent(result);
	if (options->cache_dir)
		objcache_trim(options->cache_dir, CACHE_SIZE_MAX);
	path_remove_tree(made);
	if (rc && err && !refuse_error(&result->refusals, err))
		rc = 0;
	if (!rc)
		refuse_unproved(options, result);
	if (!rc && !strings_ok(&result->notes))
		rc = error_no_memory(err);
	if (!rc && result->refusals.count)
		result->outcome = CORE_REFUSED;
	if (!rc)
		rc = refusals_check(&result->refusals, err);
	result->total_us = now_us() - started;
	return rc;
}
