/* SPDX-License-Identifier: MIT */
/*
 * Whatever is wrong with a patch file, the reader says so and touches nothing out of bounds (run it
 * under ASan). A sealed file with wrong contents is the interesting case: the digest alone would
 * catch the rest.
 */
#include "../test.h"

#include "base/file.h"
#include "handmade.h"
#include "patch/file.h"

#include <dlfcn.h>
#include <elf.h>

int file_test_target(int x);
int file_test_other(int x);

__attribute__((noinline)) int file_test_target(int x)
{
	__asm__ volatile("" ::: "memory");
	return x * 3 + 1;
}

__attribute__((noinline)) int file_test_other(int x)
{
	__asm__ volatile("" ::: "memory");
	return x * 5 + 1;
}

static char folder[128], path[256];
static uint8_t *good;
static size_t good_size;

static int make(void **state)
{
	struct handmade patch;
	unsigned symbol;

	(void)state;
	test_folder_make(folder, sizeof(folder));
	handmade_init(&patch, "good-1.0");
	handmade_code(&patch, "extern int (*other)(int);\n"
			      "int new_target(int x) { return other(x) + 1; }\n"
			      "int hook(void) { return 0; }\n"
			      "int (*other)(int) __attribute__((section(\".data.slots\"))) = 0;\n");
	handmade_replace(&patch, file_test_target, "new_target");
	symbol = handmade_target(&patch, file_test_other);
	handmade_slot(&patch, "other", symbol);
	handmade_hook(&patch, FORMAT_HOOK_PRE_APPLY, "hook");
	handmade_idle(&patch, file_test_other, 4, "file_test_other");
	handmade_build(&patch, folder, path, sizeof(path));
	handmade_fini(&patch);
	return file_read(path, 1 << 24, &good, &good_size, NULL);
}

static int clean(void **state)
{
	(void)state;
	free(good);
	test_folder_remove(folder);
	return 0;
}

static uint8_t *copy_of_good(void)
{
	uint8_t *copy = malloc(good_size);

	assert_non_null(copy);
	memcpy(copy, good, good_size);
	return copy;
}

/* Parses a copy that `edit` has spoilt, sealed again; returns the code and the message. */
static int parse_spoilt(void (*edit)(uint8_t *data), struct suture_error *err)
{
	struct patch_file file;
	uint8_t *copy = copy_of_good();
	int rc;

	edit(copy);
	handmade_seal(copy, good_size);
	rc = patch_file_parse(copy, good_size, "spoilt", &file, err);
	if (!rc)
		patch_file_fini(&file);
	return rc;
}

static void a_good_file(void **state)
{
	struct patch_file file;

	(void)state;
	assert_int_equal(patch_file_read(path, &file, NULL), 0);
	assert_string_equal(file.name, "good-1.0");
	assert_null(file.description);
	assert_int_equal(file.functions.count, 1);
	assert_string_equal(patch_file_string(&file, file.functions.records[0].name_ref),
			    "file_test_target");
	assert_int_equal(file.symbols.count, 1);
	assert_int_equal(file.relocs.count, 1);
	assert_int_equal(file.hooks.count, 1);
	assert_int_equal(file.idle.count, 1);
	assert_true(file.high > file.low);
	patch_file_fini(&file);
}

static void no_patches(void **state)
{
	struct patch_file file;
	struct suture_error err;

	(void)state;
	assert_int_equal(patch_file_read("/etc/passwd", &file, &err), -SUTURE_E_BAD_PATCH_FILE);
	assert_non_null(strstr(err.message, "not an ELF file"));
	assert_int_equal(patch_file_read("/proc/self/exe", &file, &err), -SUTURE_E_BAD_PATCH_FILE);
	assert_int_equal(patch_file_read("/", &file, &err), -SUTURE_E_BAD_PATCH_FILE);
	assert_int_equal(patch_file_read("/no/such", &file, &err), -SUTURE_E_BAD_PATCH_FILE);
}

static void every_truncation(void **state)
{
	size_t step = good_size / 400 + 1;

	(void)state;
	for (size_t size = 0; size < good_size; size += size < 256 ? 1 : step) {
		uint8_t *copy = malloc(size ? size : 1);
		struct patch_file file;
		struct suture_error err;

		memcpy(copy, good, size);
		assert_int_equal(patch_file_parse(copy, size, "cut", &file, &err),
				 -SUTURE_E_BAD_PATCH_FILE);
	}
}

/* Unsealed, each flipped bit is caught by something. */
static void every_flipped_byte(void **state)
{
	(void)state;
	for (size_t at = 0; at < good_size; at += 7) {
		uint8_t *copy = copy_of_good();
		struct patch_file file;
		struct suture_error err;
		int rc;

		copy[at] ^= (uint8_t)(1 << (at % 8));
		rc = patch_file_parse(copy, good_size, "flipped", &file, &err);
		assert_true(rc == -SUTURE_E_BAD_PATCH_FILE || rc == -SUTURE_E_ARCHITECTURE ||
			    rc == -SUTURE_E_NEW_TLS);
	}
}

/* Sealed again after random damage: never out of bounds, whatever the verdict. */
static void damage_under_a_valid_seal(void **state)
{
	unsigned seed = 20261122, accepted = 0;

	(void)state;
	for (int round = 0; round < 4000; round++) {
		uint8_t *copy = copy_of_good();
		struct patch_file file;
		uint8_t *header;

		for (int i = 0; i < 1 + round % 4; i++)
			copy[rand_r(&seed) % good_size] = (uint8_t)rand_r(&seed);
		header = memmem(copy, good_size, FORMAT_MAGIC, 8);
		if (header && header + sizeof(struct format_header) <= copy + good_size)
			handmade_seal(copy, good_size);
		if (patch_file_parse(copy, good_size, "damaged", &file, NULL) == 0) {
			accepted++; /* a byte of code or of debug information */
			patch_file_fini(&file);
		}
	}
	assert_true(accepted < 4000);
}

static Elf64_Ehdr *ehdr(uint8_t *data)
{
	return (Elf64_Ehdr *)data;
}

static Elf64_Phdr *segment(uint8_t *data, uint32_t type, uint32_t flags)
{
	Elf64_Phdr *phdr = (Elf64_Phdr *)(data + ehdr(data)->e_phoff);

	for (int i = 0; i < ehdr(data)->e_phnum; i++)
		if (phdr[i].p_type == type && (phdr[i].p_flags & flags) == flags)
			return &phdr[i];
	fail_msg("no such segment");
	return NULL;
}

static void *table(uint8_t *data, const char *name)
{
	Elf64_Shdr *shdr = (Elf64_Shdr *)(data + ehdr(data)->e_shoff);
	const char *names = (char *)data + shdr[ehdr(data)->e_shstrndx].sh_offset;

	for (int i = 0; i < ehdr(data)->e_shnum; i++)
		if (strcmp(names + shdr[i].sh_name, name) == 0)
			return data + shdr[i].sh_offset;
	fail_msg("no section %s", name);
	return NULL;
}

static void other_processor(uint8_t *data)
{
	ehdr(data)->e_machine = EM_AARCH64;
}

static void other_version(uint8_t *data)
{
	((struct format_header *)table(data, ".suture.header"))->version = 99;
}

static void writable_code(uint8_t *data)
{
	segment(data, PT_LOAD, PF_X)->p_flags |= PF_W;
}

static void thread_local_segment(uint8_t *data)
{
	segment(data, PT_GNU_STACK, 0)->p_type = PT_TLS;
}

static void two_dynamic_sections(uint8_t *data)
{
	segment(data, PT_GNU_STACK, 0)->p_type = PT_DYNAMIC;
}

static void executable_stack(uint8_t *data)
{
	segment(data, PT_GNU_STACK, 0)->p_flags |= PF_X;
}

static void needs_a_library(uint8_t *data)
{
	Elf64_Dyn *dyn = (Elf64_Dyn *)(data + segment(data, PT_DYNAMIC, 0)->p_offset);

	for (; dyn->d_tag != DT_NULL; dyn++)
		if (dyn->d_tag != DT_STRTAB && dyn->d_tag != DT_SYMTAB)
			break;
	dyn->d_tag = DT_NEEDED;
}

static void endless_dynamic(uint8_t *data)
{
	Elf64_Phdr *phdr = segment(data, PT_DYNAMIC, 0);
	Elf64_Dyn *dyn = (Elf64_Dyn *)(data + phdr->p_offset);

	for (size_t i = 0; i < phdr->p_filesz / sizeof(*dyn); i++)
		if (dyn[i].d_tag == DT_NULL)
			dyn[i].d_tag = DT_SONAME;
}

static void replacement_in_data(uint8_t *data)
{
	struct format_function *function = table(data, ".suture.functions");

	function->replacement_address = segment(data, PT_LOAD, PF_W)->p_vaddr;
}

static void huge_function(uint8_t *data)
{
	((struct format_function *)table(data, ".suture.functions"))->size = UINT64_MAX;
}

static void wild_string(uint8_t *data)
{
	((struct format_function *)table(data, ".suture.functions"))->name_ref = 1 << 30;
}

static void wild_symbol(uint8_t *data)
{
	((struct format_reloc *)table(data, ".suture.relocs"))->symbol_ref =
		sizeof(struct format_symbol);
}

static void crooked_symbol(uint8_t *data)
{
	((struct format_reloc *)table(data, ".suture.relocs"))->symbol_ref = 4;
}

static void wild_site(uint8_t *data)
{
	((struct format_reloc *)table(data, ".suture.relocs"))->site_address = UINT64_MAX - 2;
}

static void unknown_reloc(uint8_t *data)
{
	((struct format_reloc *)table(data, ".suture.relocs"))->type = 4711;
}

static void unknown_hook(uint8_t *data)
{
	((struct format_hook *)table(data, ".suture.hooks"))->kind = 99;
}

static void path_as_name(uint8_t *data)
{
	memcpy(table(data, ".suture.strings"), "../../x", 8);
}

static void spoilt_but_sealed(void **state)
{
	static const struct {
		void (*edit)(uint8_t *data);
		int code;
		const char *says;
	} cases[] = {
		{other_processor, SUTURE_E_ARCHITECTURE, "another processor"},
		{other_version, SUTURE_E_BAD_PATCH_FILE, "format version 99"},
		{writable_code, SUTURE_E_BAD_PATCH_FILE, "both writable and executable"},
		{thread_local_segment, SUTURE_E_NEW_TLS, "thread-local"},
		{two_dynamic_sections, SUTURE_E_BAD_PATCH_FILE, "two dynamic sections"},
		{executable_stack, SUTURE_E_BAD_PATCH_FILE, "executable stack"},
		{needs_a_library, SUTURE_E_BAD_PATCH_FILE, "needs another library"},
		{endless_dynamic, SUTURE_E_BAD_PATCH_FILE, "has no end"},
		{replacement_in_data, SUTURE_E_BAD_PATCH_FILE, "outside the patch's code"},
		{huge_function, SUTURE_E_BAD_PATCH_FILE, "target range"},
		{wild_string, SUTURE_E_BAD_PATCH_FILE, "string"},
		{wild_symbol, SUTURE_E_BAD_PATCH_FILE, "refers to no symbol"},
		{crooked_symbol, SUTURE_E_BAD_PATCH_FILE, "refers to no symbol"},
		{wild_site, SUTURE_E_BAD_PATCH_FILE, "outside the patch"},
		{unknown_reloc, SUTURE_E_BAD_PATCH_FILE, "unknown type"},
		{unknown_hook, SUTURE_E_BAD_PATCH_FILE, "hook"},
		{path_as_name, SUTURE_E_BAD_PATCH_FILE, "name"},
	};
	struct suture_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = parse_spoilt(cases[i].edit, &err);

		if (rc != -cases[i].code || !strstr(err.message, cases[i].says))
			fail_msg("case %zu: %d, %s", i, rc, rc ? err.message : "accepted");
	}
}

/* A library of its own, loaded; returns its function. */
static void *library_function(const char *name)
{
	char code[128], file[256];
	void *handle, *function;

	snprintf(code, sizeof(code), "int %s(int x); int %s(int x) { return x * 7 + 3; }\n", name,
		 name);
	handmade_library(folder, name, code, file, sizeof(file));
	handle = dlopen(file, RTLD_NOW);
	assert_non_null(handle);
	function = dlsym(handle, name);
	assert_non_null(function);
	return function;
}

/* Makes a patch of one function that carries another file, or none. */
static void make_part(const char *name, const void *function, const char *carried, char *file,
		      size_t size)
{
	struct handmade patch;

	handmade_init_for(&patch, name, function);
	handmade_code(&patch, "static int kept = 1; int new_one(int x) { return x + kept++; }\n"
			      "int hook(void) { return 0; }\n");
	handmade_replace(&patch, function, "new_one");
	handmade_hook(&patch, FORMAT_HOOK_POST_APPLY, "hook");
	if (carried)
		handmade_carry(&patch, carried);
	handmade_build(&patch, folder, file, size);
	handmade_fini(&patch);
}

/* Each file's records lead to its own things, and all of them are found in one table. */
static void files_in_each_other(void **state)
{
	const void *functions[] = {file_test_target, library_function("further_a"),
				   library_function("further_b")};
	static const char *const parts[] = {"outer", "middle", "inner"};
	static const char *const called[] = {"file_test_target", "further_a", "further_b"};
	char paths[3][256];
	struct patch_file file, single;
	uint64_t low = 0;

	(void)state;
	for (int i = 3; i-- > 0;)
		make_part(parts[i], functions[i], i < 2 ? paths[i + 1] : NULL, paths[i],
			  sizeof(paths[i]));
	assert_int_equal(patch_file_read(paths[2], &single, NULL), 0);
	assert_int_equal(patch_file_read(paths[0], &file, NULL), 0);
	assert_string_equal(file.name, "outer");
	assert_int_equal(file.modules.count, 3);
	assert_int_equal(file.functions.count, 3);
	assert_int_equal(file.hooks.count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct format_function *function = &file.functions.records[i];

		assert_string_equal(patch_file_string(&file, function->name_ref), called[i]);
		assert_int_equal(function->module_ref, i * sizeof(struct format_module));
		assert_true(function->replacement_address >= low);
		low = function->replacement_address + function->replacement_size;
	}
	assert_true(file.functions.records[1].replacement_address >= file.split);
	/* Down to the innermost, whose table is its own. */
	assert_int_equal(file.functions.records[2].replacement_address - file.shift -
				 file.next->shift,
			 single.functions.records[0].replacement_address);
	assert_int_equal(file.hooks.records[2].function_address - file.shift - file.next->shift,
			 single.hooks.records[0].function_address);
	assert_memory_equal(file.modules.records[2].build_id, single.modules.records[0].build_id,
			    FORMAT_BUILD_ID_SIZE);
	patch_file_fini(&single);
	patch_file_fini(&file);
}

static void a_bad_file_in_a_good_one(void **state)
{
	char inner[256], outer[256];
	struct patch_file file;
	struct suture_error err;
	uint8_t *bytes;
	size_t size;

	(void)state;
	make_part("outer", file_test_target, "/etc/passwd", outer, sizeof(outer));
	assert_int_equal(patch_file_read(outer, &file, &err), -SUTURE_E_BAD_PATCH_FILE);
	/* Both for one module: they could replace one function twice. */
	make_part("outer", file_test_target, path, outer, sizeof(outer));
	assert_int_equal(patch_file_read(outer, &file, &err), -SUTURE_E_BAD_PATCH_FILE);
	assert_non_null(strstr(err.message, "one module"));
	/* Its own seal counts. */
	make_part("inner", library_function("further_c"), NULL, inner, sizeof(inner));
	assert_int_equal(file_read(inner, 1 << 24, &bytes, &size, NULL), 0);
	bytes[size - 1] ^= 1;
	assert_int_equal(file_replace(inner, bytes, size, 0600, NULL), 0);
	free(bytes);
	make_part("outer", file_test_target, inner, outer, sizeof(outer));
	assert_int_equal(patch_file_read(outer, &file, &err), -SUTURE_E_BAD_PATCH_FILE);
	assert_non_null(strstr(err.message, "digest"));
}

/* What carries itself for ever ends at a depth. */
static void a_file_too_deep(void **state)
{
	char paths[2][256], name[32];
	struct patch_file file;
	struct suture_error err;

	(void)state;
	for (int i = 0; i <= FORMAT_PARTS_LIMIT; i++) {
		snprintf(name, sizeof(name), "deep-%d", i);
		make_part(name, file_test_target, i ? paths[(i + 1) % 2] : NULL, paths[i % 2],
			  sizeof(paths[0]));
	}
	assert_int_equal(patch_file_read(paths[FORMAT_PARTS_LIMIT % 2], &file, &err),
			 -SUTURE_E_BAD_PATCH_FILE);
	assert_non_null(strstr(err.message, "not as it should be"));
}

static void names(void **state)
{
	char longest[PATCH_NAME_LIMIT + 2];

	(void)state;
	assert_true(patch_name_valid("CVE-2024-51741_fix.2"));
	assert_false(patch_name_valid(""));
	assert_false(patch_name_valid("."));
	assert_false(patch_name_valid("-x"));
	assert_false(patch_name_valid("a/b"));
	assert_false(patch_name_valid("a b"));
	memset(longest, 'a', sizeof(longest));
	longest[PATCH_NAME_LIMIT] = '\0';
	assert_true(patch_name_valid(longest));
	longest[PATCH_NAME_LIMIT] = 'a';
	longest[PATCH_NAME_LIMIT + 1] = '\0';
	assert_false(patch_name_valid(longest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file),
		cmocka_unit_test(no_patches),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(every_flipped_byte),
		cmocka_unit_test(damage_under_a_valid_seal),
		cmocka_unit_test(spoilt_but_sealed),
		cmocka_unit_test(files_in_each_other),
		cmocka_unit_test(a_bad_file_in_a_good_one),
		cmocka_unit_test(a_file_too_deep),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
