/* SPDX-License-Identifier: MIT */
/* See subjects.h. */
#include "subjects.h"

#include "../test.h"

#include "handmade.h"
#include "patch/file.h"

#include <dlfcn.h>

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
int model_setting = MODEL_UNSET;
int model_regret;

int (*model_functions[MODEL_FUNCTIONS])(int) = {model_plain,	 model_push, model_mark,
						model_tiny,	 model_loop, model_call,
						model_mark_tiny, model_data};
static const size_t padding[MODEL_FUNCTIONS] = {0, 0, 0, 12, 2, 0, 8, 0, 0, 0};

/* ---- the patches --------------------------------------------------------------------------- */

const struct model_patch model_patches[MODEL_PATCHES] = {
	{0x01, -1, false, false},
	{0x06, -1, true, false},
	{0x18, -1, false, true},
	{0x20, -1, true, false},
	{0xff, -1, false, false},
	{0x01, 0, true, false},
	{0x07, 1, false, false},
	{0x99, 2, true, false},
	{0xc0, -1, true, true},
	{0x05, 6, true, false},
	/* The library's, with functions of the program, and what is built on those. */
	{0x300, -1, false, false},
	{0x101, -1, true, true},
	{0x100, 10, true, false},
	{0x0c, 11, false, false},
};

static char folder[128];
static char library[256];
static void *handle;

static void build(size_t index)
{
	const struct model_patch *definition = &model_patches[index];
	struct handmade patch;
	char name[32], text[512], by[32], slot[32], path[256];

	snprintf(name, sizeof(name), "model%zu", index);
	/* A library's patch is loaded near the library. */
	handmade_init_for(&patch, name,
			  definition->functions & MODEL_LIBRARY ? (const void *)model_functions[8]
								: (const void *)model_plain);
	for (size_t i = 0; i < MODEL_FUNCTIONS; i++) {
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
		handmade_replace(&patch, (const void *)model_functions[i], by);
		if (definition->wraps)
			handmade_original(&patch, slot, by);
	}
	snprintf(text, sizeof(text),
		 "int *regret __attribute__((section(\".data.s\"))) = 0;\n"
		 "int new_setting = %zu;\n"
		 "int post(void) { int no = *regret; *regret = 0; return no; }\n",
		 (size_t)MODEL_SETTING(index));
	handmade_code(&patch, text);
	handmade_slot(&patch, "regret", handmade_target(&patch, &model_regret));
	handmade_hook(&patch, FORMAT_HOOK_POST_APPLY, "post");
	if (definition->sets)
		handmade_data(&patch, FORMAT_DATA_SET, &model_setting, sizeof(model_setting),
			      "new_setting");
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

bool model_library_loaded(void)
{
	return handle != NULL;
}

void model_library_load(void)
{
	handle = dlopen(library, RTLD_NOW);
	assert_non_null(handle);
	model_functions[8] = (int (*)(int))dlsym(handle, "lib_a");
	model_functions[9] = (int (*)(int))dlsym(handle, "lib_b");
}

void model_library_unload(void)
{
	dlclose(handle);
	handle = NULL;
	assert_null(dlopen(library, RTLD_NOW | RTLD_NOLOAD));
}

const char *model_make(void)
{
	test_folder_make(folder, sizeof(folder));
	setenv("SUTURE_DIR", folder, 1);
	handmade_library(
		folder, "lib",
		"int lib_a(int x) { __asm__ volatile(\"nop; nop; nop\"); return x + 9; }\n"
		"int lib_b(int x) { __asm__ volatile(\"nop; nop; nop\"); return x + 10; }\n",
		library, sizeof(library));
	model_library_load();
	for (size_t i = 0; i < MODEL_PATCHES; i++)
		build(i);
	model_library_unload();
	return folder;
}
