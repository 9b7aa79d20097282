/* SPDX-License-Identifier: MIT */
/*
 * A patch is bound, moved and loaded near by the system's loader, in this very process: it reaches
 * static and global functions and variables, thread-local variables, and what libc exports.
 */
#include "../test.h"

#include "base/file.h"
#include "handmade.h"
#include "image/image.h"
#include "patch/load.h"

#include <dlfcn.h>
#include <elf.h>
#include <pthread.h>

int load_test_target(int x);
int load_test_global = 40;
__thread int load_test_thread_local = 7;
static int hidden_variable = 2;

__attribute__((noinline)) int load_test_target(int x)
{
	__asm__ volatile("" ::: "memory");
	return x * 3 + 1;
}

__attribute__((noinline)) static int hidden_function(int x)
{
	__asm__ volatile("" ::: "memory");
	return x + hidden_variable;
}

static char folder[128];

static int make(void **state)
{
	(void)state;
	test_folder_make(folder, sizeof(folder));
	setenv("SUTURE_DIR", folder, 1);
	return 0;
}

static int clean(void **state)
{
	(void)state;
	test_folder_remove(folder);
	return 0;
}

static int load(struct handmade *patch, struct patch_file *file, struct load *load,
		struct suture_error *err)
{
	const struct image_module *modules[1];
	struct bind_value *values = NULL;
	struct image image;
	char path[256];
	int rc;

	handmade_build(patch, folder, path, sizeof(path));
	assert_int_equal(patch_file_read(path, file, err), 0);
	assert_int_equal(image_take(&image, err), 0);
	modules[0] = image_executable(&image);
	rc = bind_symbols(file, &image, modules, NULL, NULL, &values, err);
	if (!rc)
		rc = load_near(file, modules[0], values, load, err);
	free(values);
	image_fini(&image);
	return rc;
}

static void *call_in_thread(void *function)
{
	load_test_thread_local = 100;
	return (void *)(intptr_t)((int (*)(int))function)(1);
}

static void reaches_everything(void **state)
{
	struct handmade patch;
	struct patch_file file;
	struct load loaded;
	struct suture_error err;
	int (*replacement)(int);
	Dl_info info;
	pthread_t thread;
	void *result;

	(void)state;
	handmade_init(&patch, "reach");
	handmade_code(
		&patch,
		"#define SLOT __attribute__((section(\".data.slots\")))\n"
		"int *global SLOT = 0; int *hidden SLOT = 0; int (*function)(int) SLOT = 0;\n"
		"long tpoff SLOT = 0; int (*snprintf_slot)(char *, unsigned long, const char *, "
		"...) SLOT = 0;\n"
		"int own_data = 5; int own_zero; const char *text[] = {\"a%d\", \"b\"};\n"
		"int replacement(int x) {\n"
		"  char out[20]; char *tp = __builtin_thread_pointer();\n"
		"  own_zero += 1;\n"
		"  *global += 1; *hidden += 1; *(int *)(tp + tpoff) += 1;\n"
		"  snprintf_slot(out, sizeof(out), text[0], own_data);\n"
		"  return function(x) * 10000 + *global * 100 + (out[1] - '0') * 10 + own_zero;\n"
		"}\n"
		/* A call by 32-bit displacement, straight to the target's code: it must be near. */
		"asm(\".globl near_call, near_site\\n near_call: .byte 0xe9\\n near_site: .long "
		"0\");\n");
	handmade_replace(&patch, load_test_target, "replacement");
	handmade_slot(&patch, "global", handmade_target(&patch, &load_test_global));
	handmade_slot(&patch, "hidden", handmade_target(&patch, &hidden_variable));
	handmade_slot(&patch, "function", handmade_target(&patch, hidden_function));
	handmade_slot(&patch, "snprintf_slot",
		      handmade_import(&patch, "snprintf", FORMAT_SYMBOL_FUNCTION));
	{
		struct image image;
		uintptr_t block;

		assert_int_equal(image_take(&image, NULL), 0);
		block = image_executable(&image)->tls_block;
		image_fini(&image);
		handmade_reloc(&patch, "tpoff", R_X86_64_TPOFF64,
			       handmade_tls(&patch, (uintptr_t)&load_test_thread_local - block), 0);
	}
	handmade_reloc(&patch, "near_site", R_X86_64_PC32, handmade_target(&patch, hidden_function),
		       -4);
	if (load(&patch, &file, &loaded, &err))
		fail_msg("%s", err.message);
	replacement = (int (*)(int))(loaded.base + file.functions.records[0].replacement_address);

	assert_int_equal(replacement(1), (1 + 3) * 10000 + 41 * 100 + 50 + 1);
	assert_int_equal(load_test_global, 41);
	assert_int_equal(hidden_variable, 3);
	assert_int_equal(load_test_thread_local, 8);
	/* Each thread has its own thread-local variable. */
	pthread_create(&thread, NULL, call_in_thread, (void *)replacement);
	pthread_join(thread, &result);
	assert_int_equal((intptr_t)result, (1 + 4) * 10000 + 42 * 100 + 50 + 2);
	assert_int_equal(load_test_thread_local, 8);
	/* Within reach of a 32-bit displacement, and known to the loader like any library. */
	assert_true(llabs((long long)loaded.start - (long long)(uintptr_t)load_test_target) <
		    (1ll << 31));
	assert_int_not_equal(dladdr((void *)replacement, &info), 0);
	assert_non_null(strstr(info.dli_fname, "reach-"));
	assert_non_null(strstr(info.dli_fname, folder));

	load_undo(&loaded);
	patch_file_fini(&file);
	handmade_fini(&patch);
}

static void unresolved_import_is_refused(void **state)
{
	struct handmade patch;
	struct patch_file file;
	struct load loaded;
	struct suture_error err;

	(void)state;
	handmade_init(&patch, "unresolved");
	handmade_code(&patch, "int replacement(int x) { return x; } void *slot = (void *)1;\n");
	handmade_replace(&patch, load_test_target, "replacement");
	handmade_slot(&patch, "slot", handmade_import(&patch, "no_such_function_at_all", 0));
	assert_int_equal(load(&patch, &file, &loaded, &err), -SUTURE_E_UNRESOLVED_SYMBOL);
	assert_non_null(strstr(err.message, "no_such_function_at_all"));
	patch_file_fini(&file);
	handmade_fini(&patch);
}

static void weak_import_is_null(void **state)
{
	struct handmade patch;
	struct patch_file file;
	struct load loaded;
	struct suture_error err;

	(void)state;
	handmade_init(&patch, "weak");
	handmade_code(&patch, "void *slot = (void *)1;\n"
			      "int replacement(int x) { return slot ? 1 : x; }\n");
	handmade_replace(&patch, load_test_target, "replacement");
	handmade_slot(&patch, "slot",
		      handmade_import(&patch, "no_such_function_at_all", FORMAT_SYMBOL_WEAK));
	assert_int_equal(load(&patch, &file, &loaded, &err), 0);
	assert_int_equal(
		((int (*)(int))(loaded.base + file.functions.records[0].replacement_address))(9),
		9);
	load_undo(&loaded);
	patch_file_fini(&file);
	handmade_fini(&patch);
}

/* Undone, nothing of it is mapped and its file is gone. */
static void undo_leaves_nothing(void **state)
{
	struct handmade patch;
	struct patch_file file;
	struct load loaded;
	struct image before, after;
	char path[4096];

	(void)state;
	handmade_init(&patch, "undone");
	handmade_code(&patch, "int replacement(int x) { return x; }\n");
	handmade_replace(&patch, load_test_target, "replacement");
	assert_int_equal(image_take(&before, NULL), 0);
	assert_int_equal(load(&patch, &file, &loaded, NULL), 0);
	snprintf(path, sizeof(path), "%s", loaded.store.path);
	assert_int_equal(access(path, F_OK), 0);
	load_undo(&loaded);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(image_take(&after, NULL), 0);
	assert_int_equal(after.count, before.count);
	image_fini(&before);
	image_fini(&after);
	patch_file_fini(&file);
	handmade_fini(&patch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reaches_everything),
		cmocka_unit_test(unresolved_import_is_refused),
		cmocka_unit_test(weak_import_is_null),
		cmocka_unit_test(undo_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
