/* SPDX-License-Identifier: MIT */
/*
 * A patch file in memory, validated: whatever this returns may be trusted to be well formed, that
 * is, every reference points inside its table, every string ends, every address lies in a segment
 * of the right kind. Nothing here looks at a process. Any thread; plan phase.
 */
#ifndef PATCH_FILE_H
#define PATCH_FILE_H

#include "patch/format.h"

#include <suture/error.h>

#include <elf.h>
#include <stddef.h>

enum {
	PATCH_FILE_LIMIT = 256 << 20, /* bytes; a larger file is refused */
	PATCH_NAME_LIMIT = 64,	      /* bytes of a patch's name, without NUL */
};

/* A table of records inside the file. */
#define PATCH_TABLE(type)            \
	struct {                     \
		const type *records; \
		size_t count;        \
	}

struct patch_file {
	uint8_t *bytes; /* owned: a private copy that nobody else can write */
	size_t size;
	uint8_t hash[FORMAT_HASH_SIZE]; /* of all bytes */

	const Elf64_Ehdr *ehdr; /* into bytes, like everything below */
	const Elf64_Phdr *phdrs;
	size_t phnum;
	const Elf64_Shdr *shdrs;
	size_t shnum;
	uint64_t low; /* link-time address range of all segments, page aligned */
	uint64_t high;
	uint64_t alignment; /* largest of the segments', bytes */

	/*
	 * The file for further modules inside of this one, whose bytes are part of these; or NULL.
	 * Then the tables below hold its records too, behind this file's own, as if all of it were
	 * one file whose link-time addresses from `split` on are those of `next` plus `shift`. What
	 * concerns one file alone stays apart: symbols, relocs and depends.
	 */
	struct patch_file *next; /* owned */
	uint64_t split;
	uint64_t shift;
	void *joined; /* owned: the tables */

	const char *name;
	const char *description; /* NULL when there is none */
#define PATCH_FILE_TABLE(field, section, type) PATCH_TABLE(type) field;
	FORMAT_SECTIONS(PATCH_FILE_TABLE)
#undef PATCH_FILE_TABLE
};

/* The record of a variable's data. */
const struct format_data *patch_file_data(const struct patch_file *file,
					  const struct format_variable *variable);

/* Does applying it write to the target? Else it is a report, or lies in the patch. */
bool patch_data_is_written(const struct format_data *data);

/*
 * Takes ownership of data (malloc'ed), also on failure. label is the file's name for messages.
 * BAD_PATCH_FILE, ARCHITECTURE or NEW_TLS on refusal.
 */
int patch_file_parse(uint8_t *data, size_t size, const char *label, struct patch_file *file,
		     struct suture_error *err);

/* Reads and parses what fd refers to (a regular file or memfd, from its start). */
int patch_file_read_fd(int fd, const char *label, struct patch_file *file,
		       struct suture_error *err);
int patch_file_read(const char *path, struct patch_file *file, struct suture_error *err);

void patch_file_fini(struct patch_file *file);

/* The string at ref, or NULL for FORMAT_NONE. */
const char *patch_file_string(const struct patch_file *file, uint64_t ref);

const struct format_module *patch_file_module(const struct patch_file *file, uint64_t ref);

/*
 * File offset of [address, address + size) if it lies inside the file-backed part of one segment
 * with all of flags (PF_…); false otherwise.
 */
bool patch_file_offset(const struct patch_file *file, uint64_t address, uint64_t size,
		       uint32_t flags, uint64_t *offset);

/* As in <suture/patch.h>: "pre_apply"; "unknown" of a kind that there is not. */
const char *patch_hook_name(uint32_t kind);

/* Is name one that a patch may have? [A-Za-z0-9._-]{1,64}, not starting with a dot or dash. */
bool patch_name_valid(const char *name);

#endif
