/* SPDX-License-Identifier: MIT */
/* Reading a patch file's tables by libelf, bounds-checked; see onpatch.h. */
#include "builder/onpatch.h"

#include "base/error.h"
#include "base/file.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

enum { PATCH_LIMIT = 1 << 28 };

enum table {
#define TABLE_ENUM(field, section, record) TABLE_##field,
	FORMAT_SECTIONS(TABLE_ENUM)
#undef TABLE_ENUM
		TABLE_COUNT
};

struct tables {
	struct onpatch *patch;
	const uint8_t *data[TABLE_COUNT];
	size_t size[TABLE_COUNT];
};

static int damaged(const struct onpatch *patch, const char *what, struct suture_error *err)
{
	error_set(err, SUTURE_E_BAD_PATCH_FILE, "--on %s: %s", patch->path, what);
	return error_next(err, "name a patch file that suture build made");
}

static const char *text_at(const struct tables *tables, uint64_t ref)
{
	const uint8_t *strings = tables->data[TABLE_strings];
	size_t size = tables->size[TABLE_strings];

	if (ref >= size || !memchr(strings + ref, '\0', size - ref))
		return NULL;
	return (const char *)strings + ref;
}

static void take_section(struct tables *tables, const char *name, const GElf_Shdr *shdr)
{
	static const struct {
		const char *name;
		size_t record;
	} kinds[TABLE_COUNT] = {
#define TABLE_KIND(field, section, record) {section, sizeof(record)},
		FORMAT_SECTIONS(TABLE_KIND)
#undef TABLE_KIND
	};
	const struct onpatch *patch = tables->patch;

	for (size_t i = 0; i < TABLE_COUNT; i++) {
		if (strcmp(name, kinds[i].name) != 0 || shdr->sh_type != SHT_PROGBITS ||
		    shdr->sh_offset > patch->size ||
		    shdr->sh_size > patch->size - shdr->sh_offset ||
		    shdr->sh_size % kinds[i].record || (kinds[i].record > 1 && shdr->sh_offset % 8))
			continue;
		tables->data[i] = patch->bytes + shdr->sh_offset;
		tables->size[i] = shdr->sh_size;
	}
}

static void find_tables(struct tables *tables)
{
	struct onpatch *patch = tables->patch;
	Elf *elf = elf_memory((char *)patch->bytes, patch->size);
	Elf_Scn *section = NULL;
	size_t names;

	if (elf && !elf_getshdrstrndx(elf, &names)) {
		while ((section = elf_nextscn(elf, section))) {
			GElf_Shdr shdr;
			const char *name = gelf_getshdr(section, &shdr)
						   ? elf_strptr(elf, names, shdr.sh_name)
						   : NULL;

			if (name)
				take_section(tables, name, &shdr);
		}
	}
	elf_end(elf);
}

static int read_header(struct tables *tables, struct suture_error *err)
{
	struct onpatch *patch = tables->patch;
	const struct format_header *header = (const void *)tables->data[TABLE_header];
	const struct format_module *module = (const void *)tables->data[TABLE_modules];

	if (!header || tables->size[TABLE_header] != sizeof(*header) || !module ||
	    memcmp(header->magic, FORMAT_MAGIC, sizeof(header->magic)) != 0)
		return damaged(patch, "no patch", err);
	if (header->version != FORMAT_VERSION)
		return damaged(patch, "a patch of another version of suture", err);
	patch->name = text_at(tables, header->name_ref);
	patch->description = text_at(tables, header->description_ref);
	if (tables->size[TABLE_modules] != sizeof(*module) || tables->size[TABLE_further]) {
		error_set(err, SUTURE_E_UNSUPPORTED, "--on %s: it is for several modules",
			  patch->path);
		return error_next(err, "build one patch of all the diffs together, and apply it "
				       "with --replace");
	}
	if (!patch->name || module->build_id_size > sizeof(patch->build_id))
		return damaged(patch, "damaged", err);
	memcpy(patch->build_id, module->build_id, module->build_id_size);
	patch->build_id_size = module->build_id_size;
	patch->depends = (const void *)tables->data[TABLE_depends];
	patch->depend_count = tables->size[TABLE_depends] / sizeof(*patch->depends);
	return 0;
}

/* "VAR=keep" */
static bool take_decision(struct onpatch *patch, const char *text)
{
	const char *equals = strrchr(text, '=');
	struct core_data_decision *list = reallocarray(patch->decisions, patch->decision_count + 1,
						       sizeof(*patch->decisions));

	if (!list)
		return false;
	patch->decisions = list;
	if (!equals)
		return true;
	strings_take(&patch->texts, strndup(text, (size_t)(equals - text)));
	if (!strings_ok(&patch->texts))
		return false;
	list[patch->decision_count++] = (struct core_data_decision){
		patch->texts.items[patch->texts.count - 1],
		strcmp(equals, "=set") == 0 ? CORE_DATA_SET : CORE_DATA_KEEP};
	return true;
}

static int read_provenance(struct tables *tables, struct suture_error *err)
{
	struct onpatch *patch = tables->patch;
	const struct format_provenance *list = (const void *)tables->data[TABLE_provenance];
	bool ok = true;

	for (size_t i = 0; ok && i < tables->size[TABLE_provenance] / sizeof(*list); i++) {
		const char *key = text_at(tables, list[i].key_ref);
		const char *value = text_at(tables, list[i].value_ref);

		if (!key || !value)
			return damaged(patch, "damaged", err);
		if (strcmp(key, "diff") == 0)
			patch->diff_name = value;
		else if (strcmp(key, "diff-text") == 0)
			patch->diff = value;
		else if (strcmp(key, "data") == 0)
			ok = take_decision(patch, value);
		else if (strcmp(key, "accept-layout") == 0)
			strings_add(&patch->accepted, value);
	}
	if (!ok || !strings_ok(&patch->accepted))
		return error_no_memory(err);
	if (!patch->diff || !patch->diff_name || strchr(patch->diff_name, '/'))
		return damaged(patch, "it does not say which diff it was made from", err);
	return 0;
}

static int read_provides(struct tables *tables, struct suture_error *err)
{
	struct onpatch *patch = tables->patch;
	const struct format_provide *list = (const void *)tables->data[TABLE_provides];
	size_t count = tables->size[TABLE_provides] / sizeof(*list);

	patch->provides = calloc(count + 1, sizeof(*patch->provides));
	if (!patch->provides)
		return error_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		struct core_provide *provide = &patch->provides[patch->provide_count++];

		*provide = (struct core_provide){
			.unit = text_at(tables, list[i].unit_ref),
			.name = text_at(tables, list[i].name_ref),
			.address = list[i].address,
			.global = list[i].flags & FORMAT_PROVIDE_GLOBAL,
			.function = list[i].flags & FORMAT_PROVIDE_FUNCTION,
		};
		if (!provide->unit || !provide->name)
			return damaged(patch, "damaged", err);
	}
	return 0;
}

int onpatch_read(const char *path, struct onpatch *patch, struct suture_error *err)
{
	struct tables tables = {.patch = patch};
	int rc;

	*patch = (struct onpatch){.path = path};
	rc = file_read(path, PATCH_LIMIT, &patch->bytes, &patch->size, err);
	if (rc)
		return error_context(err, "--on");
	hash_bytes(patch->bytes, patch->size, patch->hash);
	elf_version(EV_CURRENT);
	find_tables(&tables);
	rc = read_header(&tables, err);
	if (!rc)
		rc = read_provenance(&tables, err);
	return rc ? rc : read_provides(&tables, err);
}

void onpatch_fini(struct onpatch *patch)
{
	free(patch->bytes);
	free(patch->decisions);
	free(patch->provides);
	strings_fini(&patch->texts);
	strings_fini(&patch->accepted);
	*patch = (struct onpatch){0};
}
