/* SPDX-License-Identifier: MIT */
/* See records.h. Pure, plan phase. */
#include "patch/records.h"

#include "arch/arch.h"

#include <string.h>

/* Checks references while the tables are walked; the first bad one decides. */
struct checker {
	const struct patch_file *file;
	const char *bad; /* what is wrong, or NULL */
};

static void check_that(struct checker *checker, bool good, const char *bad)
{
	if (!good && !checker->bad)
		checker->bad = bad;
}

static void check_string(struct checker *checker, uint64_t ref, bool optional)
{
	const struct patch_file *file = checker->file;

	if (optional && ref == FORMAT_NONE)
		return;
	check_that(checker,
		   ref < file->strings.count &&
			   memchr(file->strings.records + ref, 0, file->strings.count - ref),
		   "a string lies outside its table");
}

static void check_ref(struct checker *checker, uint64_t ref, size_t record, size_t count,
		      const char *bad)
{
	check_that(checker, ref % record == 0 && ref / record < count, bad);
}

static void check_module(struct checker *checker, uint64_t ref)
{
	check_ref(checker, ref, sizeof(struct format_module), checker->file->modules.count,
		  "a module reference is wrong");
}

static void check_range(struct checker *checker, uint64_t address, uint64_t size, uint32_t flags,
			const char *bad)
{
	uint64_t offset;

	check_that(checker, patch_file_offset(checker->file, address, size, flags, &offset), bad);
}

static void check_target(struct checker *checker, uint64_t target, uint64_t size)
{
	check_that(checker, size > 0 && target + size > target, "a target range is wrong");
}

static void check_modules_and_functions(struct checker *checker)
{
	const struct patch_file *file = checker->file;

	for (size_t i = 0; i < file->modules.count; i++) {
		const struct format_module *module = &file->modules.records[i];

		check_string(checker, module->name_ref, false);
		check_that(checker,
			   module->build_id_size >= 4 &&
				   module->build_id_size <= FORMAT_BUILD_ID_SIZE,
			   "a build-id has a strange size");
	}
	for (size_t i = 0; i < file->functions.count; i++) {
		const struct format_function *function = &file->functions.records[i];

		check_module(checker, function->module_ref);
		check_string(checker, function->name_ref, false);
		check_string(checker, function->unit_ref, true);
		check_target(checker, function->target, function->size);
		check_that(checker, function->replacement_size > 0, "a replacement is empty");
		check_range(checker, function->replacement_address, function->replacement_size,
			    PF_X, "a replacement lies outside the patch's code");
		for (size_t j = 0; j < i; j++) {
			const struct format_function *other = &file->functions.records[j];

			check_that(checker,
				   other->module_ref != function->module_ref ||
					   function->target + function->size <= other->target ||
					   other->target + other->size <= function->target,
				   "two replaced functions overlap");
		}
	}
}

static void check_symbols_and_relocs(struct checker *checker)
{
	const struct patch_file *file = checker->file;

	for (size_t i = 0; i < file->symbols.count; i++) {
		const struct format_symbol *symbol = &file->symbols.records[i];

		check_string(checker, symbol->name_ref, symbol->kind == FORMAT_SYMBOL_SELF);
		check_string(checker, symbol->version_ref, true);
		switch (symbol->kind) {
		case FORMAT_SYMBOL_TARGET:
		case FORMAT_SYMBOL_IMPORT:
			check_module(checker, symbol->module_ref);
			break;
		case FORMAT_SYMBOL_SELF:
			check_that(checker, symbol->value <= file->high,
				   "a symbol lies outside the patch");
			break;
		case FORMAT_SYMBOL_PATCH:
			check_ref(checker, symbol->depend_ref, sizeof(struct format_depend),
				  file->depends.count, "a dependency reference is wrong");
			break;
		default:
			check_that(checker, false, "a symbol is of an unknown kind");
		}
	}
	for (size_t i = 0; i < file->relocs.count; i++) {
		const struct format_reloc *reloc = &file->relocs.records[i];
		struct arch_reloc_info info = {0};

		check_ref(checker, reloc->symbol_ref, sizeof(struct format_symbol),
			  file->symbols.count, "a relocation refers to no symbol");
		check_that(checker, arch_native()->reloc_info(reloc->type, &info) == ARCH_OK,
			   "a relocation is of an unknown type");
		check_range(checker, reloc->site_address, info.size, 0,
			    "a relocation lies outside the patch");
	}
}

/* The agent stores there by a plain store: it must be mapped, writable, and stay so. */
static void check_original(struct checker *checker, const struct format_original *original)
{
	const struct patch_file *file = checker->file;
	bool found = false;

	check_range(checker, original->slot_address, sizeof(uint64_t), PF_W,
		    "the slot of an original is not in writable data");
	check_that(checker, original->slot_address % sizeof(uint64_t) == 0,
		   "the slot of an original is not aligned");
	for (size_t i = 0; i < file->phnum; i++) {
		const Elf64_Phdr *phdr = &file->phdrs[i];

		if (phdr->p_type == PT_GNU_RELRO)
			check_that(checker, original->slot_address - phdr->p_vaddr >= phdr->p_memsz,
				   "the slot of an original becomes read-only");
	}
	for (size_t i = 0; i < file->functions.count; i++)
		found = found || file->functions.records[i].replacement_address ==
					 original->replacement_address;
	check_that(checker, found, "an original of a function that is not replaced");
}

static void check_migration(struct checker *checker, const struct format_migration *migration)
{
	check_string(checker, migration->type_ref, false);
	check_that(checker,
		   migration->old_size > 0 && migration->new_size > 0 &&
			   migration->old_size <= FORMAT_OBJECT_LIMIT &&
			   migration->new_size <= FORMAT_OBJECT_LIMIT,
		   "a type to be migrated has a strange size");
	check_that(checker, migration->flags == 0, "a migration has unknown flags");
	check_range(checker, migration->forward_address, 1, PF_X,
		    "a migration hook lies outside the code");
	if (migration->reverse_address != FORMAT_NONE)
		check_range(checker, migration->reverse_address, 1, PF_X,
			    "a migration hook lies outside the code");
}

static void check_variable(struct checker *checker, const struct format_variable *variable)
{
	const struct patch_file *file = checker->file;
	const struct format_data *data;

	check_string(checker, variable->owner_ref, true);
	check_string(checker, variable->stem_ref, false);
	check_ref(checker, variable->data_ref, sizeof(*data), file->data.count,
		  "a variable refers to no data");
	if (checker->bad)
		return;
	data = patch_file_data(file, variable);
	check_that(checker,
		   data->kind == FORMAT_DATA_NEW && data->new_address >= file->low &&
			   data->new_address <= file->high &&
			   data->size <= file->high - data->new_address,
		   "a variable lies outside the patch");
}

static void check_surrounding(struct checker *checker, const struct format_surrounding *around)
{
	bool label = around->kind == FORMAT_SURROUNDING_LABEL;

	check_module(checker, around->module_ref);
	check_that(checker, label || around->kind == FORMAT_SURROUNDING_NEIGHBOUR,
		   "something unknown surrounds an entry");
	check_that(checker, around->flags == 0, "a surrounding has unknown flags");
	if (label)
		check_that(checker, around->size == 0 && around->padding == 0,
			   "a label has a size");
	else
		check_target(checker, around->target, around->size);
	check_that(checker, around->size <= FORMAT_NEIGHBOUR_LIMIT, "a neighbour is too large");
}

static void check_the_rest(struct checker *checker)
{
	const struct patch_file *file = checker->file;

	for (size_t i = 0; i < file->data.count; i++) {
		const struct format_data *data = &file->data.records[i];

		check_module(checker, data->module_ref);
		check_string(checker, data->name_ref, false);
		check_string(checker, data->unit_ref, true);
		check_that(checker,
			   data->kind >= FORMAT_DATA_CONST && data->kind <= FORMAT_DATA_ADDRESS,
			   "a data record is of an unknown kind");
		if (patch_data_is_written(data)) {
			check_target(checker, data->target, data->size);
			check_range(checker, data->new_address, data->size, PF_R,
				    "new data lies outside the patch");
		}
	}
	for (size_t i = 0; i < file->hooks.count; i++) {
		const struct format_hook *hook = &file->hooks.records[i];

		check_range(checker, hook->function_address, 1, PF_X,
			    "a hook lies outside the code");
		check_that(checker,
			   hook->kind >= FORMAT_HOOK_PRE_APPLY &&
				   hook->kind <= FORMAT_HOOK_POST_REVERT,
			   "a hook is of an unknown kind");
	}
	for (size_t i = 0; i < file->surroundings.count; i++)
		check_surrounding(checker, &file->surroundings.records[i]);
	for (size_t i = 0; i < file->idle.count; i++) {
		const struct format_idle *idle = &file->idle.records[i];

		check_module(checker, idle->module_ref);
		check_string(checker, idle->name_ref, false);
		check_target(checker, idle->target, idle->size);
	}
	for (size_t i = 0; i < file->constructors.count; i++)
		check_range(checker, file->constructors.records[i].function_address, 1, PF_X,
			    "a constructor lies outside the code");
	for (size_t i = 0; i < file->originals.count; i++)
		check_original(checker, &file->originals.records[i]);
	for (size_t i = 0; i < file->depends.count; i++)
		check_string(checker, file->depends.records[i].name_ref, false);
	for (size_t i = 0; i < file->migrations.count; i++)
		check_migration(checker, &file->migrations.records[i]);
	for (size_t i = 0; i < file->variables.count; i++)
		check_variable(checker, &file->variables.records[i]);
	for (size_t i = 0; i < file->constructs.count; i++) {
		const struct format_construct *construct = &file->constructs.records[i];

		check_ref(checker, construct->constructor_ref, sizeof(struct format_constructor),
			  file->constructors.count, "a constructor reference is wrong");
		check_ref(checker, construct->variable_ref, sizeof(struct format_variable),
			  file->variables.count, "a variable reference is wrong");
	}
	for (size_t i = 0; i < file->provenance.count; i++) {
		check_string(checker, file->provenance.records[i].key_ref, false);
		check_string(checker, file->provenance.records[i].value_ref, false);
	}
}

const char *records_fault(const struct patch_file *file)
{
	const struct format_header *header = file->header.records;
	struct checker checker = {.file = file};

	check_string(&checker, header->name_ref, false);
	check_string(&checker, header->description_ref, true);
	check_that(&checker, file->modules.count > 0, "names no module to patch");
	check_that(&checker, file->functions.count + file->data.count + file->hooks.count > 0,
		   "patches nothing");
	check_modules_and_functions(&checker);
	check_symbols_and_relocs(&checker);
	check_the_rest(&checker);
	return checker.bad;
}
