/* SPDX-License-Identifier: MIT */
/* The loaded modules as the loader tells of them; bindings; names. */
#include "../test.h"

#include "arch/arch.h"
#include "image/dynamic.h"
#include "image/image.h"
#include "image/names.h"

#include <dlfcn.h>
#include <elf.h>

int image_test_exported(int x);
static int quiet_function(int x);

__attribute__((noinline)) int image_test_exported(int x)
{
	__asm__ volatile("" ::: "memory");
	return x + 1;
}

__attribute__((noinline)) static int quiet_function(int x)
{
	__asm__ volatile("" ::: "memory");
	return x + 2;
}

static struct image image;

static int take(void **state)
{
	(void)state;
	return image_take(&image, NULL);
}

static int drop(void **state)
{
	(void)state;
	image_fini(&image);
	return 0;
}

static void knows_itself_and_libc(void **state)
{
	const struct image_module *self = image_executable(&image);
	const struct image_module *libc =
		image_find_address(&image, (uintptr_t)dlsym(RTLD_NEXT, "gnu_get_libc_version"));

	(void)state;
	assert_true(self->executable);
	assert_string_equal(image_module_name(self), "unit_image_image");
	assert_ptr_equal(image_find_address(&image, (uintptr_t)quiet_function), self);
	assert_true(self->build_id_size >= 16);
	assert_ptr_equal(image_find_build_id(&image, self->build_id, self->build_id_size), self);
	assert_null(image_find_build_id(&image, self->build_id, 0));
	assert_non_null(libc);
	assert_false(libc->executable);
	assert_non_null(strstr(libc->path, "libc.so"));
	assert_true(libc->eh_frame_hdr != 0);
	assert_null(image_find_address(&image, 1));
}

static void covers_respects_segments(void **state)
{
	const struct image_module *self = image_executable(&image);
	uintptr_t code = (uintptr_t)quiet_function;

	(void)state;
	assert_true(image_module_covers(self, code, 1, PF_X));
	assert_false(image_module_covers(self, code, 1, PF_W));
	assert_false(image_module_covers(self, code, SIZE_MAX, PF_X));
	assert_false(image_module_covers(self, self->end, 1, 0));
}

static void generation_counts_libraries(void **state)
{
	uint64_t before = image_generation();
	void *handle;

	(void)state;
	handle = dlopen("libm.so.6", RTLD_NOW);
	if (!handle)
		skip();
	dlclose(handle);
	assert_true(image_generation() >= before);
}

static void bindings_of_the_executable(void **state)
{
	struct dynamic dynamic;
	const ElfW(Rela) * reloc;
	const ElfW(Sym) * symbol;
	int form = 0;

	(void)state;
	assert_int_equal(dynamic_open(image_executable(&image), &dynamic, NULL), 0);
	/* dlsym is called in this file. */
	reloc = dynamic_find_reloc(&dynamic, "dlsym", NULL, &form);
	assert_non_null(reloc);
	assert_true(form == ARCH_RELOC_SLOT_CALL || form == ARCH_RELOC_SLOT_DATA);
	assert_null(dynamic_find_reloc(&dynamic, "no_such_function", NULL, &form));
	assert_null(dynamic_find_reloc(&dynamic, "dlsym", "NO_SUCH_VERSION", &form));
	symbol = dynamic_find_symbol(&dynamic, "image_test_exported", NULL);
	assert_non_null(symbol);
	assert_ptr_equal(image_executable(&image)->bias + symbol->st_value, image_test_exported);
	assert_null(dynamic_find_symbol(&dynamic, "quiet_function", NULL));
}

/* Two of these have no definition anywhere: the loader leaves their slots at 0. */
#pragma GCC visibility push(default)
extern int image_test_nobody(void) __attribute__((weak));
extern int image_test_nobody_either __attribute__((weak));
#pragma GCC visibility pop

struct uses {
	size_t count;
	uintptr_t slot;
	const struct image_module *module;
};

static void note_use(const struct image_module *module, const ElfW(Rela) * reloc, int form,
		     void *context)
{
	struct uses *uses = context;

	assert_true(form == ARCH_RELOC_SLOT_CALL || form == ARCH_RELOC_SLOT_DATA ||
		    form == ARCH_RELOC_ABSOLUTE);
	uses->count++;
	uses->slot = module->bias + reloc->r_offset;
	uses->module = module;
}

static struct uses uses_of(const char *name)
{
	struct uses uses = {0};
	struct dynamic dynamic;

	assert_int_equal(dynamic_open(image_executable(&image), &dynamic, NULL), 0);
	dynamic_each_use(&dynamic, name, note_use, &uses);
	return uses;
}

static void each_use_of_what_nobody_has(void **state)
{
	struct uses function = uses_of("image_test_nobody");
	struct uses variable = uses_of("image_test_nobody_either");

	(void)state;
	assert_null(image_test_nobody);
	assert_null(&image_test_nobody_either);
	assert_int_equal(function.count, 1);
	assert_int_equal(variable.count, 1);
	assert_ptr_equal(function.module, image_executable(&image));
	assert_int_equal(*(uintptr_t *)function.slot, 0);
	assert_int_equal(*(uintptr_t *)variable.slot, 0);
	assert_int_not_equal(function.slot, variable.slot);
	/* One that is bound: where the loader has put it. Part of a name is no name. */
	assert_true(uses_of("dlsym").count >= 1);
	assert_int_equal(uses_of("image_test_nob").count, 0);
	/* Its own are not looked for anywhere. */
	assert_int_equal(uses_of("image_test_exported").count, 0);
	assert_int_equal(uses_of("quiet_function").count, 0);
}

static void versions_are_told_apart(void **state)
{
	const struct image_module *libc =
		image_find_address(&image, (uintptr_t)dlsym(RTLD_NEXT, "gnu_get_libc_version"));
	struct dynamic dynamic;

	(void)state;
	assert_int_equal(dynamic_open(libc, &dynamic, NULL), 0);
	assert_non_null(dynamic_find_symbol(&dynamic, "gnu_get_libc_version", "GLIBC_2.2.5"));
	assert_null(dynamic_find_symbol(&dynamic, "gnu_get_libc_version", "GLIBC_2.99"));
}

static void names_for_people(void **state)
{
	char text[200];

	(void)state;
	assert_int_equal(image_test_exported(1) + quiet_function(1), 5);
	names_describe(&image, (uintptr_t)quiet_function, true, text, sizeof(text));
	assert_string_equal(text, "quiet_function+0x0 (unit_image_image)");
	names_describe(&image, (uintptr_t)image_test_exported + 1, false, text, sizeof(text));
	assert_string_equal(text, "image_test_exported+0x1 (unit_image_image)");
	names_describe(&image, 1, true, text, sizeof(text));
	assert_string_equal(text, "0x1");
	names_describe(&image, (uintptr_t)quiet_function, true, text, 5);
	assert_string_equal(text, "quie");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_itself_and_libc),
		cmocka_unit_test(covers_respects_segments),
		cmocka_unit_test(generation_counts_libraries),
		cmocka_unit_test(bindings_of_the_executable),
		cmocka_unit_test(each_use_of_what_nobody_has),
		cmocka_unit_test(versions_are_told_apart),
		cmocka_unit_test(names_for_people),
	};

	return cmocka_run_group_tests(tests, take, drop);
}
