/* SPDX-License-Identifier: MIT */
/*
 * Random sequences of apply, revert, replace, injected failure, dlopen and dlclose against a model:
 * after every step each function must answer what the model says, and the text is the original's
 * whenever nothing is applied. subjects.h says what is played with. SUTURE_MODEL_SEED and
 * SUTURE_MODEL_STEPS choose another run.
 */
#include "../test.h"

#include "agent/pending.h"
#include "agent/transaction.h"
#include "base/fault.h"
#include "subjects.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { CALLERS = 2 };

static const char *folder;
static struct agent agent;

/* ---- the model ----------------------------------------------------------------------------- */

struct model {
	int stack[MODEL_PATCHES]; /* applied patches, oldest first */
	int count;
	int waiting[MODEL_PATCHES]; /* pending ones, oldest first */
	int waiting_count;
	bool ever[MODEL_PATCHES];
};

static struct model model;

static int answer(size_t function, int x);

static int original_answer(size_t function, int x)
{
	return function == 5 ? answer(0, x) + 5 : x + (int)function + 1;
}

static int version_answer(size_t function, int level, int x)
{
	for (; level >= 0; level--) {
		const struct model_patch *definition = &model_patches[model.stack[level]];

		if (!(definition->functions >> function & 1))
			continue;
		if (!definition->wraps)
			return x * 100 + model.stack[level];
		return version_answer(function, level - 1, x) * 3 + model.stack[level];
	}
	return original_answer(function, x);
}

static int answer(size_t function, int x)
{
	return version_answer(function, model.count - 1, x);
}

static int setting(void)
{
	for (int level = model.count - 1; level >= 0; level--)
		if (model_patches[model.stack[level]].sets)
			return MODEL_SETTING(model.stack[level]);
	return MODEL_UNSET;
}

static int find(const int *list, int count, int patch)
{
	for (int i = 0; i < count; i++)
		if (list[i] == patch)
			return i;
	return -1;
}

static void drop(int *list, int *count, int patch)
{
	int at = find(list, *count, patch);

	if (at < 0)
		return;
	--*count;
	for (; at < *count; at++)
		list[at] = list[at + 1];
}

static bool applied(int patch)
{
	return find(model.stack, model.count, patch) >= 0;
}

static bool waits(int patch)
{
	return find(model.waiting, model.waiting_count, patch) >= 0;
}

/* Must it wait, where nothing else is wrong? */
static bool must_wait(int patch)
{
	const struct model_patch *definition = &model_patches[patch];

	return (definition->functions & MODEL_LIBRARY && !model_library_loaded()) ||
	       (definition->on >= 0 && waits(definition->on));
}

/* 0, or the code that the agent must refuse with. */
static int expect_apply(int patch, bool replace)
{
	const struct model_patch *definition = &model_patches[patch];

	if (applied(patch))
		return replace && model.count + model.waiting_count > 1 ? -SUTURE_E_NAME_TAKEN : 0;
	if (definition->on >= 0 && !waits(definition->on) && (replace || !applied(definition->on)))
		return -SUTURE_E_DEPENDENCY;
	if (must_wait(patch))
		return replace ? -SUTURE_E_UNSUPPORTED : 0;
	for (int i = 0; i < model.count && !replace; i++)
		if (model.stack[i] != definition->on &&
		    model_patches[model.stack[i]].functions & definition->functions)
			return -SUTURE_E_DEPENDENCY;
	return 0;
}

static bool is_built_on(int other, int patch)
{
	return model_patches[other].on == patch && (applied(other) || waits(other));
}

static int expect_revert(int patch)
{
	if (!model.ever[patch])
		return -SUTURE_E_NOT_APPLIED;
	if (!applied(patch) && !waits(patch))
		return 0;
	for (int other = 0; other < MODEL_PATCHES; other++)
		if (is_built_on(other, patch))
			return -SUTURE_E_DEPENDENCY;
	return 0;
}

static void model_apply(int patch, bool replace)
{
	if (applied(patch))
		return;
	model.ever[patch] = true;
	if (must_wait(patch)) {
		if (!waits(patch))
			model.waiting[model.waiting_count++] = patch;
		return;
	}
	if (replace)
		model.count = model.waiting_count = 0;
	drop(model.waiting, &model.waiting_count, patch);
	model.stack[model.count++] = patch;
}

/* It was in force for a moment. Patches that it replaced, or would have, are there as before. */
static void model_regretted(int patch)
{
	model.ever[patch] = true;
	drop(model.waiting, &model.waiting_count, patch);
}

static void model_revert(int patch)
{
	drop(model.stack, &model.count, patch);
	drop(model.waiting, &model.waiting_count, patch);
}

/* Modules have changed, and somebody looks: those that can go in do, oldest first. */
static void model_settle(void)
{
	for (int i = 0; i < model.waiting_count; i++) {
		int patch = model.waiting[i];

		if (expect_apply(patch, false) || must_wait(patch))
			continue;
		model_apply(patch, false);
		i = -1;
	}
}

static void model_load(void)
{
	model_library_load();
	model_settle();
}

/* Patches of the library, and those that are built on them, wait; in the order of their coming. */
static void model_unload(void)
{
	bool goes[MODEL_PATCHES] = {false};

	for (int round = 0; round < MODEL_PATCHES; round++)
		for (int i = 0; i < model.count; i++) {
			const struct model_patch *patch = &model_patches[model.stack[i]];

			if (patch->functions & MODEL_LIBRARY || (patch->on >= 0 && goes[patch->on]))
				goes[model.stack[i]] = true;
		}
	for (int i = 0; i < model.count; i++)
		if (goes[model.stack[i]])
			model.waiting[model.waiting_count++] = model.stack[i];
	for (int patch = 0; patch < MODEL_PATCHES; patch++)
		if (goes[patch])
			drop(model.stack, &model.count, patch);
	model_library_unload();
	model_settle();
}

/* ---- steps --------------------------------------------------------------------------------- */

static uint64_t seed;

static unsigned dice(unsigned sides)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % sides;
}

static unsigned countdown;

static bool fail_step(const char *step)
{
	(void)step;
	return countdown && --countdown == 0;
}

static int fail_write(enum code_writer_step step, void *context)
{
	(void)context;
	return step != CODE_WRITER_UNDO && countdown && --countdown == 0 ? -5 /* EIO */ : 0;
}

static const struct transaction_options quick = {.timeout_ns = 20000000000ull};

static int take_step(unsigned kind, int patch, struct suture_error *err)
{
	struct transaction_options options = quick;
	struct transaction_result result;
	struct patch_file file;
	char text[256];
	int rc;

	if (kind == 2) {
		snprintf(text, sizeof(text), "model%d", patch);
		rc = transaction_revert(&agent, text, &options, &result, err);
	} else {
		snprintf(text, sizeof(text), "%s/model%d.so", folder, patch);
		assert_int_equal(patch_file_read(text, &file, NULL), 0);
		options.replace = kind == 1;
		rc = transaction_apply(&agent, &file, &options, &result, err);
	}
	transaction_result_fini(&result);
	return rc;
}

static const uint8_t *text_start;
static size_t text_size;

static void find_text(void)
{
	struct image image;

	assert_int_equal(image_take(&image, NULL), 0);
	for (size_t i = 0; i < image.modules[0].phnum; i++) {
		const ElfW(Phdr) *phdr = &image.modules[0].phdr[i];

		if (phdr->p_type == PT_LOAD && (phdr->p_flags & PF_X)) {
			text_start = (const uint8_t *)(image.modules[0].bias + phdr->p_vaddr);
			text_size = phdr->p_memsz;
		}
	}
	image_fini(&image);
}

static void compare(const uint8_t *before, unsigned step)
{
	size_t callable = model_library_loaded() ? MODEL_FUNCTIONS : MODEL_FUNCTIONS - 2;
	int waiting = 0;

	for (size_t i = 0; i < callable; i++)
		for (int x = -1; x < 3; x++)
			if (model_functions[i](x) != answer(i, x))
				fail_msg("step %u: function %zu answers %d to %d, not %d", step, i,
					 model_functions[i](x), x, answer(i, x));
	if (model_setting != setting())
		fail_msg("step %u: set to %d, not %d", step, model_setting, setting());
	assert_int_equal(agent.applied, model.count);
	for (const struct pending *each = agent.pending; each; each = each->next)
		waiting++;
	assert_int_equal(waiting, model.waiting_count);
	if (!model.count)
		assert_memory_equal(before, text_start, text_size);
}

static atomic_bool stop_callers;
static atomic_ulong calls;

/* What they get is not checked: they are in the way. */
static void *call_for_ever(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop_callers)) {
		/* Not those of the library: it goes while they would be inside. */
		for (size_t i = 0; i < MODEL_FUNCTIONS - 2; i++)
			model_functions[i](1);
		/* A breath now and then, for who shares the processors. */
		if (atomic_fetch_add(&calls, MODEL_FUNCTIONS - 2) % 65536 == 0)
			sched_yield();
	}
	return NULL;
}

static unsigned number_from(const char *variable, unsigned otherwise)
{
	const char *text = getenv(variable);

	return text ? (unsigned)strtoul(text, NULL, 0) : otherwise;
}

static void come_or_go(void)
{
	if (model_library_loaded())
		model_unload();
	else
		model_load();
	pending_look(&agent);
}

static void the_agent_does_what_the_model_does(void **state)
{
	unsigned steps = number_from("SUTURE_MODEL_STEPS", 3000), injected = 0, refused = 0,
		 regretted = 0;
	pthread_t callers[CALLERS];
	size_t mapped, mapped_at_half = 0, used, loads = 0, loads_at_half = 0;
	uint8_t *before;

	(void)state;
	seed = number_from("SUTURE_MODEL_SEED", 20261122);
	find_text();
	before = malloc(text_size);
	memcpy(before, text_start, text_size);
	for (int i = 0; i < CALLERS; i++)
		pthread_create(&callers[i], NULL, call_for_ever, NULL);
	for (unsigned step = 0; step < steps; step++) {
		unsigned kind = dice(5); /* 0 apply, 1 replace, others revert */
		int patch = (int)dice(MODEL_PATCHES), rc, expected;
		struct suture_error err = {0};
		unsigned armed;
		bool fired, regrets;

		if (dice(8) == 0) {
			come_or_go();
			loads++;
			compare(before, step);
		}
		kind = kind > 2 ? (kind == 3 ? 0 : 2) : kind;
		expected = kind == 2 ? expect_revert(patch) : expect_apply(patch, kind == 1);
		armed = countdown = dice(3) ? 0 : 1 + dice(60);
		model_regret = !armed && kind < 2 && dice(4) == 0;
		regrets = model_regret && !expected && !applied(patch) && !must_wait(patch);
		if (regrets)
			expected = -SUTURE_E_HOOK_FAILED;
		fault_hook = fail_step;
		agent.writer.fault = fail_write;
		rc = take_step(kind, patch, &err);
		fault_hook = NULL;
		agent.writer.fault = NULL;
		/* What was injected may come before what is refused; where an island can't be
		 * written, there is none. */
		fired = rc && armed && !countdown &&
			(err.code == SUTURE_E_IO || err.code == SUTURE_E_INTERNAL ||
			 err.code == SUTURE_E_NO_ROOM || err.code == SUTURE_E_UNPATCHABLE_ENTRY);
		if (rc != expected && !fired)
			fail_msg("step %u: kind %u of patch %d: %d, expected %d: %s", step, kind,
				 patch, rc, expected, err.message);
		injected += fired;
		refused += expected != 0;
		regretted += regrets;
		model_regret = 0;
		if (regrets)
			model_regretted(patch);
		else if (!rc && kind == 2)
			model_revert(patch);
		else if (!rc)
			model_apply(patch, kind == 1);
		compare(before, step);
		near_usage(&agent.near, &mapped, &used);
		/* Places to wait at: where the bytes of entries want them, and never too many. */
		mapped -= agent.near.forced_pages * 4096;
		if (step == steps / 2) {
			mapped_at_half = mapped;
			loads_at_half = loads;
		}
	}
	/* Memory near the target does not grow with the number of transactions; a library that is
	 * loaded anew has new sites. */
	assert_true(mapped <= mapped_at_half + (loads - loads_at_half) * 4096);
	while (model.count || model.waiting_count) {
		struct suture_error err;
		int last = model.waiting_count ? model.waiting[model.waiting_count - 1]
					       : model.stack[model.count - 1];

		if (take_step(2, last, &err))
			fail_msg("%s", err.message);
		model_revert(last);
	}
	compare(before, steps);
	atomic_store(&stop_callers, true);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(callers[i], NULL);
	print_message("%u steps: %u refused as they should be (%u in force, and taken back), %u "
		      "failed by injection and undone; %zu times the library came or went; %lu "
		      "calls meanwhile\n",
		      steps, refused, regretted, injected, loads, atomic_load(&calls));
	free(before);
}

static int make(void **state)
{
	(void)state;
	folder = model_make();
	return agent_init(&agent, NULL);
}

static int clean(void **state)
{
	(void)state;
	test_folder_remove(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_agent_does_what_the_model_does)};

	return cmocka_run_group_tests(tests, make, clean);
}
