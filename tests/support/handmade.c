/* SPDX-License-Identifier: MIT */
/* Patches written by hand; see handmade.h. Ends the test when something can't be done. */
#include "handmade.h"

#include "base/file.h"
#include "base/hash.h"
#include "image/image.h"

#include <dlfcn.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static void die(const char *what)
{
	fprintf(stderr, "handmade patch: %s\n", what);
	abort();
}

static void table(struct handmade *patch, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void table(struct handmade *patch, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	bytes_add(&patch->tables, text, strlen(text));
}

static void open_table(struct handmade *patch, const char *section)
{
	table(patch, "\t.section %s,\"\",@progbits\n\t.balign 8\n", section);
}

static void add_hash(struct handmade *patch, const uint8_t *hash)
{
	table(patch, "\t.byte ");
	for (unsigned i = 0; i < FORMAT_HASH_SIZE; i++)
		table(patch, "%s%u", i ? "," : "", hash[i]);
	table(patch, "\n");
}

static size_t add_string(struct handmade *patch, const char *text)
{
	return bytes_add_string(&patch->strings, text);
}

/* The patch's module that address is in, which may be a new one. */
static size_t module_of(struct handmade *patch, const void *address)
{
	const struct image_module *module;
	size_t known = 0, limit = sizeof(patch->modules) / sizeof(patch->modules[0]);
	struct image image;

	if (image_take(&image, NULL) < 0)
		die("no modules");
	module = image_find_address(&image, (uintptr_t)address);
	if (!module)
		die("the address is in no module");
	while (known < patch->module_count && patch->modules[known].bias != module->bias)
		known++;
	if (known == limit)
		die("too many modules");
	if (known == patch->module_count) {
		patch->module_count++;
		patch->modules[known].bias = module->bias;
		patch->modules[known].build_id_size = module->build_id_size;
		memcpy(patch->modules[known].build_id, module->build_id, module->build_id_size);
		open_table(patch, ".suture.modules");
		table(patch, "\t.quad %zu\n\t.long %d, %zu\n",
		      add_string(patch, module->executable ? "test" : image_module_name(module)),
		      module->executable ? FORMAT_MODULE_EXECUTABLE : 0, module->build_id_size);
		add_hash(patch, patch->modules[known].build_id);
	}
	image_fini(&image);
	return known;
}

/* Offset of the module's record, and the address in it. */
static size_t module_ref(struct handmade *patch, const void *address, uintptr_t *target)
{
	size_t module = module_of(patch, address);

	*target = (uintptr_t)address - patch->modules[module].bias;
	return module * sizeof(struct format_module);
}

void handmade_init_for(struct handmade *patch, const char *name, const void *address)
{
	*patch = (struct handmade){0};
	snprintf(patch->name, sizeof(patch->name), "%s", name);
	open_table(patch, ".suture.header");
	table(patch, "\t.ascii \"SUTURE\\r\\n\"\n\t.long 1\n\t.short 62, 0\n\t.quad %zu, -1, %zu\n",
	      add_string(patch, name), sizeof(struct format_header));
	table(patch, "\t.zero %d\n", FORMAT_HASH_SIZE);
	module_of(patch, address);
}

void handmade_init(struct handmade *patch, const char *name)
{
	handmade_init_for(patch, name, (const void *)handmade_init);
}

void handmade_fini(struct handmade *patch)
{
	bytes_fini(&patch->code);
	bytes_fini(&patch->tables);
	bytes_fini(&patch->strings);
}

void handmade_code(struct handmade *patch, const char *text)
{
	bytes_add(&patch->code, text, strlen(text));
}

static const ElfW(Sym) * symbol_of(const void *function, const char **name)
{
	const ElfW(Sym) *symbol = NULL;
	Dl_info info;

	if (!dladdr1(function, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol)
		die("the function is not exported by the test");
	*name = info.dli_sname;
	return symbol;
}

size_t handmade_size(const void *function)
{
	const char *name;

	return symbol_of(function, &name)->st_size;
}

void handmade_replace(struct handmade *patch, const void *function, const char *by)
{
	const char *name;
	const ElfW(Sym) *symbol = symbol_of(function, &name);
	uint8_t hash[HASH_SIZE];
	uintptr_t target;
	size_t module = module_ref(patch, function, &target);

	hash_bytes(function, symbol->st_size, hash);
	open_table(patch, ".suture.functions");
	/* The replacement's size is only known to the linker: its first byte stands for it. */
	table(patch, "\t.quad %zu, %zu, -1, 0x%zx, %zu, %s, 1, %zu\n", module,
	      add_string(patch, name), target, (size_t)symbol->st_size, by, patch->padding);
	add_hash(patch, hash);
}

static unsigned add_symbol(struct handmade *patch, size_t module, const char *name, uint64_t value,
			   unsigned kind, unsigned flags)
{
	open_table(patch, ".suture.symbols");
	table(patch, "\t.quad %zu, %zu, -1, 0x%llx\n\t.long %u, %u\n\t.quad -1\n", module,
	      add_string(patch, name), (unsigned long long)value, kind, flags);
	return patch->symbols++;
}

unsigned handmade_target(struct handmade *patch, const void *address)
{
	uintptr_t target;
	size_t module = module_ref(patch, address, &target);

	return add_symbol(patch, module, "target", target, FORMAT_SYMBOL_TARGET, 0);
}

unsigned handmade_tls(struct handmade *patch, uint64_t offset)
{
	return add_symbol(patch, 0, "tls", offset, FORMAT_SYMBOL_TARGET, FORMAT_SYMBOL_TLS);
}

unsigned handmade_import(struct handmade *patch, const char *name, unsigned flags)
{
	return add_symbol(patch, 0, name, 0, FORMAT_SYMBOL_IMPORT, flags);
}

void handmade_reloc(struct handmade *patch, const char *site, uint32_t type, unsigned symbol,
		    int64_t addend)
{
	open_table(patch, ".suture.relocs");
	table(patch, "\t.quad %s, %zu, %lld\n\t.long %u, 0\n", site,
	      symbol * sizeof(struct format_symbol), (long long)addend, type);
}

void handmade_slot(struct handmade *patch, const char *slot, unsigned symbol)
{
	handmade_reloc(patch, slot, 1 /* R_X86_64_64 */, symbol, 0);
}

void handmade_hook(struct handmade *patch, enum format_hook_kind kind, const char *function)
{
	open_table(patch, ".suture.hooks");
	table(patch, "\t.quad %s\n\t.long %d, 0\n", function, kind);
}

void handmade_constructor(struct handmade *patch, const char *function)
{
	open_table(patch, ".suture.constructors");
	table(patch, "\t.quad %s\n", function);
}

void handmade_original(struct handmade *patch, const char *slot, const char *by)
{
	open_table(patch, ".suture.originals");
	table(patch, "\t.quad %s, %s\n", slot, by);
}

void handmade_migration(struct handmade *patch, const char *type, size_t old_size, size_t new_size,
			const char *forward, const char *reverse)
{
	open_table(patch, ".suture.migrations");
	table(patch, "\t.quad %zu, %zu, %zu, %s, %s, 0\n", add_string(patch, type), old_size,
	      new_size, forward, reverse ? reverse : "-1");
}

void handmade_idle(struct handmade *patch, const void *function, size_t size, const char *name)
{
	uintptr_t target;
	size_t module = module_ref(patch, function, &target);

	open_table(patch, ".suture.idle");
	table(patch, "\t.quad %zu, %zu, 0x%zx, %zu\n", module, add_string(patch, name), target,
	      size);
}

void handmade_data(struct handmade *patch, enum format_data_kind kind, const void *target,
		   size_t size, const char *new_contents)
{
	uint8_t hash[HASH_SIZE];
	uintptr_t address;
	size_t module = module_ref(patch, target, &address);

	hash_bytes(target, size, hash);
	open_table(patch, ".suture.data");
	table(patch, "\t.quad %zu, %zu, -1, 0x%zx, %zu, %s\n\t.long %d, 0\n", module,
	      add_string(patch, "data"), address, size, new_contents, kind);
	add_hash(patch, hash);
}

void handmade_depend(struct handmade *patch, const char *name, const uint8_t *hash)
{
	open_table(patch, ".suture.depends");
	table(patch, "\t.quad %zu\n", add_string(patch, name));
	add_hash(patch, hash);
}

void handmade_carry(struct handmade *patch, const char *path)
{
	open_table(patch, ".suture.further");
	table(patch, "\t.incbin \"%s\"\n", path);
}

void handmade_seal(uint8_t *data, size_t size)
{
	uint8_t *header = memmem(data, size, FORMAT_MAGIC, 8);
	struct format_header *sealed = (struct format_header *)header;

	if (!header)
		die("no header");
	memset(sealed->digest, 0, sizeof(sealed->digest));
	hash_bytes(data, size, sealed->digest);
}

static void write_text(const char *path, const struct bytes *text)
{
	FILE *file = fopen(path, "we");

	if (!file || fwrite(text->data, 1, text->size, file) != text->size || fclose(file) != 0)
		die("writing the sources");
}

void handmade_library(const char *folder, const char *name, const char *code, char *path,
		      size_t size)
{
	char command[4096], c_path[512];
	struct bytes text = {.data = (uint8_t *)(uintptr_t)code, .size = strlen(code)};

	snprintf(path, size, "%s/%s.so", folder, name);
	snprintf(c_path, sizeof(c_path), "%s/%s.c", folder, name);
	write_text(c_path, &text);
	snprintf(command, sizeof(command),
		 HANDMADE_COMPILER " -O2 -fPIC -shared -Wl,--build-id -o %s %s", path, c_path);
	if (system(command) != 0)
		die("the compiler failed");
}

void handmade_build(struct handmade *patch, const char *folder, char *path, size_t size)
{
	char command[4096], c_path[512], s_path[512], b_path[512];
	uint8_t *data;
	size_t data_size;

	snprintf(path, size, "%s/%s.so", folder, patch->name);
	snprintf(c_path, sizeof(c_path), "%s/%s.c", folder, patch->name);
	snprintf(s_path, sizeof(s_path), "%s/%s-tables.s", folder, patch->name);
	snprintf(b_path, sizeof(b_path), "%s/%s.strings", folder, patch->name);
	open_table(patch, ".suture.strings");
	table(patch, "\t.incbin \"%s\"\n", b_path);
	write_text(c_path, &patch->code);
	write_text(s_path, &patch->tables);
	write_text(b_path, &patch->strings);
	snprintf(command, sizeof(command),
		 HANDMADE_COMPILER
		 " -O2 -g -fPIC -fvisibility=hidden -fexceptions -shared -nostdlib "
		 "-nostartfiles -Wl,-z,now -Wl,-z,noexecstack -Wl,--build-id "
		 "-Wl,--hash-style=gnu -o %s %s %s",
		 path, c_path, s_path);
	if (system(command) != 0)
		die("the compiler failed");
	if (file_read(path, 1 << 24, &data, &data_size, NULL) < 0)
		die("no patch");
	handmade_seal(data, data_size);
	if (file_replace(path, data, data_size, 0644, NULL) < 0)
		die("sealing");
	free(data);
}
