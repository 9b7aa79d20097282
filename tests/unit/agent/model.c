/* SPDX-License-Identifier: MIT */
/*
 * Random sequences of apply, revert, replace and injected failure against a model: after every step
 * each function must answer what the model says, and the text is the original's whenever nothing
 * is applied. The functions have entries of every kind; the patches stack, wrap what they replace,
 * and depend on each other. SUTURE_MODEL_SEED and SUTURE_MODEL_STEPS choose another run.
 */
#include "../test.h"

#include "agent/transaction.h"
#include "base/fault.h"
#include "handmade.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- what is patched ----------------------------------------------------------------------- */

#define FUNCTION(name, text)                                                                  \
	__asm__(".pushsection .text.model, \"ax\", @progbits\n.p2align 4\n.globl " #name      \
		"\n.type " #name ", @function\n" #name ":\n.cfi_startproc\n" text             \
		"\n.cfi_endproc\n.size " #name ", . - " #name "\n.p2align 4\n.popsection\n"); \
	extern int name(int x)

#define PUSH ".cfi_def_cfa_offset 16\n"
#define POP  ".cfi_def_cfa_offset 8\n"

FUNCTION(model_plain, "lea 1(%rdi), %eax\n nop\n nop\n nop\n ret");
FUNCTION(model_push, "push %rbx\n" PUSH "lea 2(%rdi), %eax\n pop %rbx\n" POP "ret");
FUNCTION(model_mark, "endbr64\n push %rbx\n" PUSH "lea 3(%rdi), %eax\n pop %rbx\n" POP "ret");
FUNCTION(model_tiny, "lea 4(%rdi), %eax\n ret");
FUNCTION(model_loop, "xor %eax, %eax\n1: inc %eax\n cmp $5, %eax\n jb 1b\n add %edi, %eax\n ret");
FUNCTION(model_call,
	 "sub $8, %rsp\n" PUSH "call model_plain\n add $5, %eax\n add $8, %rsp\n" POP "ret");
FUNCTION(model_mark_tiny, "endbr64\n lea 7(%rdi), %eax\n ret");
FUNCTION(model_data, "mov model_seven(%rip), %eax\n lea 1(%rax, %rdi), %eax\n ret");

int model_seven = 7;

enum { FUNCTIONS = 8, PATCHES = 10, CALLERS = 2 };

static int (*const functions[FUNCTIONS])(int) = {model_plain,	  model_push, model_mark,
						 model_tiny,	  model_loop, model_call,
						 model_mark_tiny, model_data};
static const size_t padding[FUNCTIONS] = {0, 0, 0, 12, 2, 0, 8, 0};

/* What the original code answers; model_call goes through whatever model_plain is now. */
static int answer(size_t function, int x);

static int original_answer(size_t function, int x)
{
	return function == 5 ? answer(0, x) + 5 : x + (int)function + 1;
}

/* ---- the patches --------------------------------------------------------------------------- */

struct definition {
	unsigned functions; /* bits */
	int on;		    /* patch that it is built on, or -1 */
	bool wraps;	    /* calls the original */
};

static const struct definition definitions[PATCHES] = {
	{0x01, -1, false}, {0x06, -1, true}, {0x18, -1, false}, {0x20, -1, true}, {0xff, -1, false},
	{0x01, 0, true},   {0x07, 1, false}, {0x99, 2, true},	{0xc0, -1, true}, {0x05, 6, true},
};

static char folder[128];
static struct agent agent;

static void build(size_t index)
{
	const struct definition *definition = &definitions[index];
	struct handmade patch;
	char name[32], text[512], by[32], slot[32], path[256];

	snprintf(name, sizeof(name), "model%zu", index);
	handmade_init(&patch, name);
	for (size_t i = 0; i < FUNCTIONS; i++) {
		if (!(definition->functions >> i & 1))
			continue;
		snprintf(by, sizeof(by), "by%zu", i);
		snprintf(slot, sizeof(slot), "slot%zu", i);
		if (definition->wraps)
			snprintf(text, sizeof(text),
				 "int (*volatile %s)(int) __attribute__((section(\".data.s\"))) = "
				 "0;\n"
				 "int %s(int x) { return %s(x) * 3 + %zu; }\n",
				 slot, by, slot, index);
		else
			snprintf(text, sizeof(text), "int %s(int x) { return x * 100 + %zu; }\n",
				 by, index);
		handmade_code(&patch, text);
		patch.padding = padding[i];
		handmade_replace(&patch, (const void *)functions[i], by);
		if (definition->wraps)
			handmade_original(&patch, slot, by);
	}
	if (definition->on >= 0) {
		struct patch_file below;

		snprintf(path, sizeof(path), "%s/model%d.so", folder, definition->on);
		assert_int_equal(patch_file_read(path, &below, NULL), 0);
		snprintf(name, sizeof(name), "model%d", definition->on);
		handmade_depend(&patch, name, below.hash);
		patch_file_fini(&below);
	}
	handmade_build(&patch, folder, path, sizeof(path));
	handmade_fini(&patch);
}

/* ---- the model ----------------------------------------------------------------------------- */

struct model {
	int stack[PATCHES]; /* applied patches, oldest first */
	int count;
	bool ever[PATCHES];
};

static struct model model;

static int version_answer(size_t function, int level, int x)
{
	for (; level >= 0; level--) {
		const struct definition *definition = &definitions[model.stack[level]];

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

static int position(int patch)
{
	for (int i = 0; i < model.count; i++)
		if (model.stack[i] == patch)
			return i;
	return -1;
}

/* 0, or the code that the agent must refuse with. */
static int expect_apply(int patch, bool replace)
{
	const struct definition *definition = &definitions[patch];

	if (position(patch) >= 0)
		return 0;
	if (definition->on >= 0 && (replace || position(definition->on) < 0))
		return -SUTURE_E_DEPENDENCY;
	for (int i = 0; i < model.count && !replace; i++)
		if (model.stack[i] != definition->on &&
		    definitions[model.stack[i]].functions & definition->functions)
			return -SUTURE_E_DEPENDENCY;
	return 0;
}

static int expect_revert(int patch)
{
	if (!model.ever[patch])
		return -SUTURE_E_NOT_APPLIED;
	if (position(patch) < 0)
		return 0;
	for (int i = 0; i < model.count; i++)
		if (definitions[model.stack[i]].on == patch)
			return -SUTURE_E_DEPENDENCY;
	return 0;
}

static void model_apply(int patch, bool replace)
{
	if (position(patch) >= 0)
		return;
	if (replace)
		model.count = 0;
	model.stack[model.count++] = patch;
	model.ever[patch] = true;
}

static void model_revert(int patch)
{
	int at = position(patch);

	if (at < 0)
		return;
	model.count--;
	for (; at < model.count; at++)
		model.stack[at] = model.stack[at + 1];
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
	for (size_t i = 0; i < FUNCTIONS; i++)
		for (int x = -1; x < 3; x++)
			if (functions[i](x) != answer(i, x))
				fail_msg("step %u: function %zu answers %d to %d, not %d", step, i,
					 functions[i](x), x, answer(i, x));
	assert_int_equal(agent.applied, model.count);
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
		for (size_t i = 0; i < FUNCTIONS; i++)
			functions[i](1);
		atomic_fetch_add(&calls, FUNCTIONS);
	}
	return NULL;
}

static unsigned number_from(const char *variable, unsigned otherwise)
{
	const char *text = getenv(variable);

	return text ? (unsigned)strtoul(text, NULL, 0) : otherwise;
}

static void the_agent_does_what_the_model_does(void **state)
{
	unsigned steps = number_from("SUTURE_MODEL_STEPS", 3000), injected = 0, refused = 0;
	pthread_t callers[CALLERS];
	size_t mapped, mapped_at_half = 0, used;
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
		int patch = (int)dice(PATCHES), rc, expected;
		struct suture_error err = {0};
		unsigned armed;
		bool fired;

		kind = kind > 2 ? (kind == 3 ? 0 : 2) : kind;
		expected = kind == 2 ? expect_revert(patch) : expect_apply(patch, kind == 1);
		armed = countdown = dice(3) ? 0 : 1 + dice(60);
		fault_hook = fail_step;
		agent.writer.fault = fail_write;
		rc = take_step(kind, patch, &err);
		fault_hook = NULL;
		agent.writer.fault = NULL;
		/* What was injected may come before what is refused. */
		fired = rc && armed && !countdown &&
			(err.code == SUTURE_E_IO || err.code == SUTURE_E_INTERNAL);
		if (rc != expected && !fired)
			fail_msg("step %u: kind %u of patch %d: %d, expected %d: %s", step, kind,
				 patch, rc, expected, err.message);
		injected += fired;
		refused += expected != 0;
		if (!rc && kind == 2)
			model_revert(patch);
		else if (!rc)
			model_apply(patch, kind == 1);
		compare(before, step);
		near_usage(&agent.near, &mapped, &used);
		if (step == steps / 2)
			mapped_at_half = mapped;
	}
	/* Memory near the target does not grow with the number of transactions. */
	assert_int_equal(mapped, mapped_at_half);
	while (model.count) {
		struct suture_error err;
		int last = model.stack[model.count - 1];

		if (take_step(2, last, &err))
			fail_msg("%s", err.message);
		model_revert(last);
	}
	compare(before, steps);
	atomic_store(&stop_callers, true);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(callers[i], NULL);
	print_message("%u steps: %u refused as they should be, %u failed by injection and undone; "
		      "%lu calls meanwhile\n",
		      steps, refused, injected, atomic_load(&calls));
	free(before);
}

static int make(void **state)
{
	(void)state;
	test_folder_make(folder, sizeof(folder));
	setenv("SUTURE_DIR", folder, 1);
	for (size_t i = 0; i < PATCHES; i++)
		build(i);
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
