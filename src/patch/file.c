/* SPDX-License-Identifier: MIT */
/* Reads and validates a patch file's own tables; see file.h. Pure, plan phase. */
#include "patch/file.h"

#include "arch/arch.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/reader.h"
#include "patch/join.h"
#include "patch/loadable.h"
#include "patch/records.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int refuse(struct suture_error *err, const char *label, const char *what)
{
	error_set(err, SUTURE_E_BAD_PATCH_FILE, "%s: %s", label, what);
	return error_next(err, "build it again with suture build");
}

bool patch_file_offset(const struct patch_file *file, uint64_t address, uint64_t size,
		       uint32_t flags, uint64_t *offset)
{
	for (size_t i = 0; i < file->phnum; i++) {
		const Elf64_Phdr *phdr = &file->phdrs[i];

		if (phdr->p_type != PT_LOAD || (phdr->p_flags & flags) != flags ||
		    address < phdr->p_vaddr || size > phdr->p_filesz ||
		    address - phdr->p_vaddr > phdr->p_filesz - size)
			continue;
		*offset = phdr->p_offset + (address - phdr->p_vaddr);
		return true;
	}
	return false;
}

const char *patch_file_string(const struct patch_file *file, uint64_t ref)
{
	return ref == FORMAT_NONE ? NULL : file->strings.records + ref;
}

const struct format_module *patch_file_module(const struct patch_file *file, uint64_t ref)
{
	return &file->modules.records[ref / sizeof(struct format_module)];
}

const struct format_data *patch_file_data(const struct patch_file *file,
					  const struct format_variable *variable)
{
	return &file->data.records[variable->data_ref / sizeof(struct format_data)];
}

bool patch_data_is_written(const struct format_data *data)
{
	return data->kind == FORMAT_DATA_CONST || data->kind == FORMAT_DATA_SET ||
	       data->kind == FORMAT_DATA_ADDRESS;
}

const char *patch_hook_name(uint32_t kind)
{
	static const char *const names[] = {
		[FORMAT_HOOK_PRE_APPLY] = "pre_apply",
		[FORMAT_HOOK_ON_SWITCH] = "on_switch",
		[FORMAT_HOOK_POST_APPLY] = "post_apply",
		[FORMAT_HOOK_PRE_REVERT] = "pre_revert",
		[FORMAT_HOOK_ON_UNSWITCH] = "on_unswitch",
		[FORMAT_HOOK_POST_REVERT] = "post_revert",
	};

	return kind < sizeof(names) / sizeof(names[0]) && names[kind] ? names[kind] : "unknown";
}

bool patch_name_valid(const char *name)
{
	size_t length = strlen(name);

	return length >= 1 && length <= PATCH_NAME_LIMIT && name[0] != '.' && name[0] != '-' &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
		       length;
}

static const char *section_name(const struct patch_file *file, const Elf64_Shdr *shdr)
{
	const Elf64_Shdr *names;
	struct reader strings;

	if (file->ehdr->e_shstrndx >= file->shnum)
		return NULL;
	names = &file->shdrs[file->ehdr->e_shstrndx];
	reader_init(&strings, file->bytes, file->size, "section names");
	strings = reader_sub(&strings, names->sh_offset, names->sh_size);
	reader_seek(&strings, shdr->sh_name);
	return reader_string(&strings);
}

/* Other sections may share the prefix: a patch's import slots are ordinary data. */
static bool is_table(const char *name)
{
#define TABLE_NAME(field, section, type) strcmp(name, section) == 0 ||
	return FORMAT_SECTIONS(TABLE_NAME) false;
#undef TABLE_NAME
}

/* Finds the tables; one that is absent stays empty, one that stands twice is refused. */
static int find_tables(struct patch_file *file, const char *label, struct suture_error *err)
{
	for (size_t i = 0; i < file->shnum; i++) {
		const Elf64_Shdr *shdr = &file->shdrs[i];
		const char *name = section_name(file, shdr);

		if (!name || !is_table(name))
			continue;
		if (shdr->sh_type != SHT_PROGBITS || (shdr->sh_flags & SHF_ALLOC) ||
		    shdr->sh_offset > file->size || shdr->sh_size > file->size - shdr->sh_offset)
			return refuse(err, label, "a table has the wrong kind of section");
#define FIND_TABLE(field, section, type)                                                         \
	if (strcmp(name, section) == 0) {                                                        \
		if (file->field.records)                                                         \
			return refuse(err, label, "a table stands twice: " section);             \
		if (shdr->sh_size % sizeof(type) || shdr->sh_offset % _Alignof(type))            \
			return refuse(err, label, "a table is cut off or misaligned: " section); \
		file->field.records = (const void *)(file->bytes + shdr->sh_offset);             \
		file->field.count = shdr->sh_size / sizeof(type);                                \
	}
		FORMAT_SECTIONS(FIND_TABLE)
#undef FIND_TABLE
	}
	return 0;
}

/* All but the bytes. */
static void forget_tables(struct patch_file *file)
{
	if (file->next)
		forget_tables(file->next);
	free(file->next);
	free(file->joined);
	file->next = NULL;
	file->joined = NULL;
}

/* The digest covers the file as it was before the digest was written into it. */
static bool digest_matches(const struct patch_file *file)
{
	uint8_t *digest = (uint8_t *)(uintptr_t)file->header.records->digest;
	uint8_t written[FORMAT_HASH_SIZE], computed[FORMAT_HASH_SIZE];

	memcpy(written, digest, sizeof(written));
	memset(digest, 0, sizeof(written));
	hash_bytes(file->bytes, file->size, computed);
	memcpy(digest, written, sizeof(written));
	return memcmp(written, computed, sizeof(written)) == 0;
}

static int check_header(struct patch_file *file, const char *label, struct suture_error *err)
{
	const struct format_header *header = file->header.records;

	if (file->header.count != 1 || memcmp(header->magic, FORMAT_MAGIC, 8) != 0)
		return refuse(err, label, "a shared object, but not a Suture patch");
	if (header->version != FORMAT_VERSION || header->header_size != sizeof(*header)) {
		error_set(err, SUTURE_E_BAD_PATCH_FILE,
			  "%s: format version %" PRIu32 ", this is %d", label, header->version,
			  FORMAT_VERSION);
		return error_next(err, "build it again with the suture of this agent");
	}
	if (header->elf_machine != file->ehdr->e_machine)
		return refuse(err, label, "header and ELF file disagree about the processor");
	if (!digest_matches(file))
		return refuse(err, label, "damaged: its contents don't match its digest");
	return 0;
}

static int check_tables(struct patch_file *file, const char *label, struct suture_error *err)
{
	const struct format_header *header = file->header.records;
	const char *fault = records_fault(file);

	if (fault)
		return refuse(err, label, fault);
	file->name = patch_file_string(file, header->name_ref);
	file->description = patch_file_string(file, header->description_ref);
	if (!patch_name_valid(file->name))
		return refuse(err, label, "its name is not one that a patch may have");
	return 0;
}

static int parse(uint8_t *data, size_t size, const char *label, unsigned depth,
		 struct patch_file *file, struct suture_error *err);

/* The file for further modules in this one, whose name, hash and signature cover it. */
static int parse_further(struct patch_file *file, const char *label, unsigned depth,
			 struct suture_error *err)
{
	uint8_t *data = (uint8_t *)(uintptr_t)file->further.records;
	int rc;

	if (!file->further.count)
		return 0;
	if (depth == FORMAT_PARTS_LIMIT || (uintptr_t)data % _Alignof(Elf64_Ehdr))
		return refuse(err, label, "its part for further modules is not as it should be");
	file->next = calloc(1, sizeof(*file->next));
	if (!file->next)
		return error_no_memory(err);
	rc = parse(data, file->further.count, label, depth + 1, file->next, err);
	if (!rc && file->next->depends.count)
		rc = refuse(err, label, "a part for further modules depends on a patch");
	return rc ? rc : join_tables(file, label, err);
}

/* data is not taken over. */
static int parse(uint8_t *data, size_t size, const char *label, unsigned depth,
		 struct patch_file *file, struct suture_error *err)
{
	struct patch_file result = {.bytes = data, .size = size};
	int rc = loadable_open(&result, label, err);

	/* That it is no patch at all is said before what is wrong with it as one. */
	if (!rc)
		rc = find_tables(&result, label, err);
	if (!rc)
		rc = check_header(&result, label, err);
	if (!rc)
		rc = loadable_check(&result, label, err);
	if (!rc)
		rc = check_tables(&result, label, err);
	if (!rc)
		rc = parse_further(&result, label, depth, err);
	if (rc) {
		forget_tables(&result);
		return rc;
	}
	*file = result;
	return 0;
}

int patch_file_parse(uint8_t *data, size_t size, const char *label, struct patch_file *file,
		     struct suture_error *err)
{
	int rc = parse(data, size, label, 1, file, err);

	if (rc)
		free(data);
	else
		hash_bytes(data, size, file->hash);
	return rc;
}

int patch_file_read_fd(int fd, const char *label, struct patch_file *file, struct suture_error *err)
{
	uint8_t *data;
	size_t size;
	int rc = file_read_fd(fd, PATCH_FILE_LIMIT, label, &data, &size, err);

	if (rc) {
		if (err && err->code == SUTURE_E_BAD_INPUT)
			err->code = SUTURE_E_BAD_PATCH_FILE;
		return err ? -(int)err->code : rc;
	}
	return patch_file_parse(data, size, label, file, err);
}

int patch_file_read(const char *path, struct patch_file *file, struct suture_error *err)
{
	uint8_t *data;
	size_t size;
	int rc = file_read(path, PATCH_FILE_LIMIT, &data, &size, err);

	if (rc) {
		if (err && err->code == SUTURE_E_BAD_INPUT)
			err->code = SUTURE_E_BAD_PATCH_FILE;
		return err ? -(int)err->code : rc;
	}
	return patch_file_parse(data, size, path, file, err);
}

void patch_file_fini(struct patch_file *file)
{
	forget_tables(file);
	free(file->bytes);
	*file = (struct patch_file){0};
}
