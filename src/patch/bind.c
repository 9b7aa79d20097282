/* SPDX-License-Identifier: MIT */
/* Binding of a patch's references; see bind.h. Plan phase. */
#include "patch/bind.h"

#include "arch/arch.h"
#include "base/error.h"
#include "base/forkguard.h"
#include "image/dynamic.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct binder {
	const struct patch_file *file;
	const struct image *image;
	const struct image_module *const *modules;
	const struct bind_depend *depends;
	const uintptr_t *taken;
	struct dynamic *dynamics; /* one per module; opened when strings is set */
};

struct tls_probe {
	size_t module;
	int64_t offset;
	bool found;
};

static int probe_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct tls_probe *probe = arg;

	(void)size;
	if (info->dlpi_tls_modid == probe->module && info->dlpi_tls_data) {
		probe->offset = (int64_t)((uintptr_t)info->dlpi_tls_data - arch_thread_pointer());
		probe->found = true;
	}
	return 0;
}

static void *probe_thread(void *arg)
{
	fork_guard_enter();
	dl_iterate_phdr(probe_module, arg);
	fork_guard_leave();
	return NULL;
}

/*
 * Is the module's block at one offset from the thread pointer in all threads? The main program's
 * is. Another module's is if a fresh thread finds it where we do; a block that is allocated on
 * first use isn't there yet in a fresh thread.
 */
static bool tls_is_static(const struct image_module *module, int64_t *offset)
{
	struct tls_probe probe = {.module = module->tls_module};
	pthread_t thread;

	if (!module->tls_block)
		return false;
	*offset = (int64_t)(module->tls_block - arch_thread_pointer());
	if (module->executable)
		return true;
	if (pthread_create(&thread, NULL, probe_thread, &probe) != 0)
		return false;
	pthread_join(thread, NULL);
	return probe.found && probe.offset == *offset;
}

static int bind_tls(const struct image_module *module, const char *name, uint64_t offset,
		    struct bind_value *value, struct suture_error *err)
{
	int64_t block;

	if (!module->tls_module)
		return error_set(err, SUTURE_E_UNRESOLVED_SYMBOL,
				 "%s: %s has no thread-local storage", name,
				 image_module_name(module));
	value->address = offset;
	value->tls_module = module->tls_module;
	value->tls_static = tls_is_static(module, &block);
	if (value->tls_static)
		value->tp_offset = block + (int64_t)offset;
	return 0;
}

/* An IFUNC's resolver takes what the loader passes it; on x86-64 nothing. */
static uint64_t call_resolver(uint64_t resolver)
{
	return ((uint64_t(*)(void))resolver)();
}

static int bind_target(const struct binder *binder, const struct format_symbol *symbol,
		       const char *name, struct bind_value *value, struct suture_error *err)
{
	const struct image_module *module =
		binder->modules[symbol->module_ref / sizeof(struct format_module)];

	if (symbol->flags & FORMAT_SYMBOL_TLS)
		return bind_tls(module, name, symbol->value, value, err);
	value->address = module->bias + symbol->value;
	/* One past the end is a legal address of an array. */
	if (value->address < module->start || value->address > module->end)
		return error_set(err, SUTURE_E_UNRESOLVED_SYMBOL, "%s lies outside %s", name,
				 image_module_name(module));
	if (symbol->flags & FORMAT_SYMBOL_INDIRECT)
		value->address = call_resolver(value->address);
	return 0;
}

/* A lazily bound slot still points into its own module's procedure linkage table. */
static bool slot_is_resolved(const struct image_module *module, uint64_t value)
{
	return value && !(value >= module->start && value < module->end);
}

static bool bind_as_module_does(const struct binder *binder, const struct dynamic *dynamic,
				const struct format_symbol *symbol, const char *name,
				const char *version, struct bind_value *value)
{
	int form;
	const ElfW(Rela) *reloc = dynamic_find_reloc(dynamic, name, version, &form);
	const struct image_module *module = dynamic->module;
	uint64_t slot;

	(void)binder;
	if (!reloc)
		return false;
	slot = module->bias + reloc->r_offset;
	switch (form) {
	case ARCH_RELOC_COPY:
		value->address = slot; /* the executable's copy; the library's own is stale */
		return true;
	case ARCH_RELOC_ABSOLUTE:
	case ARCH_RELOC_SLOT_DATA:
		value->address = *(const uint64_t *)slot;
		return value->address != 0;
	case ARCH_RELOC_SLOT_CALL:
		if (slot_is_resolved(module, *(const uint64_t *)slot)) {
			value->address = *(const uint64_t *)slot;
			return true;
		}
		if (!symbol->value)
			return false;
		value->address =
			module->bias + symbol->value; /* its stub binds at the first call */
		return true;
	default:
		return false;
	}
}

static void *find_in_scope(void *handle, const char *name, const char *version)
{
	return version ? dlvsym(handle, name, version) : dlsym(handle, name);
}

/* In the scope of a module that is loaded; path NULL: the main program. version may be NULL. */
static void *find_in_loaded(const char *path, const char *name, const char *version)
{
	void *handle, *address = NULL;

	fork_guard_enter();
	handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
	if (handle) {
		address = find_in_scope(handle, name, version);
		dlclose(handle);
	}
	fork_guard_leave();
	return address;
}

/* The agent's own interface: where it was attached, no scope of the target has it. */
static void *find_in_agent(const char *name)
{
	Dl_info info;

	if (!dladdr((const void *)(uintptr_t)bind_symbols, &info))
		return NULL;
	return find_in_loaded(info.dli_fname, name, NULL);
}

static int bind_import(struct binder *binder, const struct format_symbol *symbol, const char *name,
		       const char *version, struct bind_value *value, struct suture_error *err)
{
	size_t index = symbol->module_ref / sizeof(struct format_module);
	const struct image_module *module = binder->modules[index];
	struct dynamic *dynamic = &binder->dynamics[index];
	const ElfW(Sym) * own;
	void *address;

	if (!dynamic->strings && dynamic_open(module, dynamic, err) < 0)
		return error_context(err, "%s", name);
	if (symbol->flags & FORMAT_SYMBOL_TLS)
		return error_set(err, SUTURE_E_UNRESOLVED_SYMBOL,
				 "%s: another module's thread-local variable can't be reached",
				 name);
	if (bind_as_module_does(binder, dynamic, symbol, name, version, value))
		return 0;
	own = dynamic_find_symbol(dynamic, name, version);
	if (own && ELF64_ST_TYPE(own->st_info) != STT_TLS) {
		value->address = module->bias + own->st_value;
		if (ELF64_ST_TYPE(own->st_info) == STT_GNU_IFUNC)
			value->address = call_resolver(value->address);
		return 0;
	}
	/* New to the target: what its own loader scope gives. */
	address = find_in_loaded(module->executable ? NULL : module->path, name, version);
	if (!address && module->executable)
		address = find_in_scope(RTLD_DEFAULT, name, version);
	if (!address && strncmp(name, "suture_", 7) == 0)
		address = find_in_agent(name);
	value->address = (uint64_t)address;
	if (address || (symbol->flags & FORMAT_SYMBOL_WEAK))
		return 0;
	error_set(err, SUTURE_E_UNRESOLVED_SYMBOL, "%s%s%s: neither %s nor its libraries define it",
		  name, version ? "@" : "", version ? version : "", image_module_name(module));
	return error_next(err, "the patch may only use what the running program has loaded");
}

/* A place in the patch, unless it belongs to a variable that lives elsewhere already. */
static void bind_self(const struct binder *binder, const struct format_symbol *symbol,
		      struct bind_value *value)
{
	const struct patch_file *file = binder->file;

	value->address = symbol->value;
	value->self = true;
	for (size_t i = 0; binder->taken && i < file->variables.count; i++) {
		const struct format_data *data = patch_file_data(file, &file->variables.records[i]);

		if (!binder->taken[i] || symbol->value < data->new_address ||
		    symbol->value - data->new_address >= data->size)
			continue;
		value->address = binder->taken[i] + (symbol->value - data->new_address);
		value->self = false;
	}
}

static int bind_one(struct binder *binder, const struct format_symbol *symbol,
		    struct bind_value *value, struct suture_error *err)
{
	const char *name = patch_file_string(binder->file, symbol->name_ref);
	const char *version = patch_file_string(binder->file, symbol->version_ref);

	switch (symbol->kind) {
	case FORMAT_SYMBOL_SELF:
		bind_self(binder, symbol, value);
		return 0;
	case FORMAT_SYMBOL_PATCH:
		value->address =
			binder->depends[symbol->depend_ref / sizeof(struct format_depend)].base +
			symbol->value;
		return 0;
	case FORMAT_SYMBOL_TARGET:
		return bind_target(binder, symbol, name, value, err);
	default:
		return bind_import(binder, symbol, name, version, value, err);
	}
}

int bind_symbols(const struct patch_file *file, const struct image *image,
		 const struct image_module *const *modules, const struct bind_depend *depends,
		 const uintptr_t *taken, struct bind_value **values, struct suture_error *err)
{
	struct binder binder = {.file = file,
				.image = image,
				.modules = modules,
				.depends = depends,
				.taken = taken};
	struct bind_value *result = calloc(file->symbols.count + 1, sizeof(*result));
	int rc = 0;

	binder.dynamics = calloc(file->modules.count + 1, sizeof(*binder.dynamics));
	if (!result || !binder.dynamics)
		rc = error_no_memory(err);
	for (size_t i = 0; !rc && i < file->symbols.count; i++)
		rc = bind_one(&binder, &file->symbols.records[i], &result[i], err);
	free(binder.dynamics);
	if (rc)
		free(result);
	else
		*values = result;
	return rc;
}

static int field_value(const struct bind_value *value, const struct format_reloc *reloc,
		       enum arch_reloc_form form, uint64_t base, uint64_t *out,
		       struct suture_error *err, const char *name)
{
	uint64_t symbol = value->address + (value->self ? base : 0);
	uint64_t place = base + reloc->site_address;

	switch (form) {
	case ARCH_RELOC_ABSOLUTE:
		*out = symbol + (uint64_t)reloc->addend;
		return 0;
	case ARCH_RELOC_PC:
	case ARCH_RELOC_CALL:
		*out = symbol + (uint64_t)reloc->addend - place;
		return 0;
	case ARCH_RELOC_TLS_MODULE:
		*out = value->tls_module;
		return 0;
	case ARCH_RELOC_TLS_OFFSET:
		*out = symbol + (uint64_t)reloc->addend;
		return 0;
	case ARCH_RELOC_TP_OFFSET:
		if (!value->tls_static)
			return error_set(err, SUTURE_E_UNRESOLVED_SYMBOL,
					 "%s: its thread-local block moves from thread to thread",
					 name);
		*out = (uint64_t)(value->tp_offset + reloc->addend);
		return 0;
	default:
		return error_set(err, SUTURE_E_BAD_PATCH_FILE,
				 "%s: relocation type %" PRIu32 " can't stand in the side table",
				 name, reloc->type);
	}
}

int bind_apply(const struct patch_file *file, uint8_t *data, const struct bind_value *values,
	       uint64_t base, struct suture_error *err)
{
	for (size_t i = 0; i < file->relocs.count; i++) {
		const struct format_reloc *reloc = &file->relocs.records[i];
		size_t index = reloc->symbol_ref / sizeof(struct format_symbol);
		const char *name = patch_file_string(file, file->symbols.records[index].name_ref);
		struct arch_reloc_info info;
		enum arch_reason reason;
		uint64_t offset, value = 0;
		int rc;

		name = name ? name : "(a place in the patch)";
		arch_native()->reloc_info(reloc->type, &info);
		rc = field_value(&values[index], reloc, info.form, base, &value, err, name);
		if (rc)
			return rc;
		if (!patch_file_offset(file, reloc->site_address, info.size, 0, &offset))
			return error_set(err, SUTURE_E_BAD_PATCH_FILE, "%s: no such field", name);
		reason = arch_native()->reloc_store(reloc->type, data + offset, value);
		if (reason != ARCH_OK)
			return error_set(err, SUTURE_E_UNRESOLVED_SYMBOL, "%s: %s (%s)", name,
					 arch_reason_text(reason), info.name);
	}
	return 0;
}
