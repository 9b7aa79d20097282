/* SPDX-License-Identifier: MIT */
/*
 * The reader of patch files, and moving one that was accepted to a base. Inputs are sealed first,
 * as if an attacker had done so: behind the digest is where the interesting bytes are. So is the
 * file for a further module that lies in one, where its section headers end as linkers write them.
 */
#include "base/hash.h"
#include "patch/file.h"
#include "patch/prelink.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void seal_one(uint8_t *data, size_t size)
{
	struct format_header header;
	uint8_t *at = memmem(data, size, FORMAT_MAGIC, sizeof(header.magic));
	uint8_t digest[HASH_SIZE] = {0};

	if (!at || (size_t)(data + size - at) < sizeof(header))
		return;
	at += offsetof(struct format_header, digest);
	memcpy(at, digest, sizeof(digest));
	hash_bytes(data, size, digest);
	memcpy(at, digest, sizeof(digest));
}

static void seal(uint8_t *data, size_t size)
{
	uint8_t *inner = size ? memmem(data + 1, size - 1, ELFMAG, SELFMAG) : NULL;
	Elf64_Ehdr elf;

	if (inner && (size_t)(data + size - inner) >= sizeof(elf)) {
		size_t left = (size_t)(data + size - inner);

		memcpy(&elf, inner, sizeof(elf));
		if (elf.e_shoff <= left && elf.e_shnum * sizeof(Elf64_Shdr) <= left - elf.e_shoff)
			seal_one(inner, elf.e_shoff + elf.e_shnum * sizeof(Elf64_Shdr));
	}
	seal_one(data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct patch_file file;
	struct suture_error err;
	uint8_t *moved;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	seal(copy, size);
	/* Takes the copy over. */
	if (patch_file_parse(copy, size, "input", &file, &err))
		return 0;
	moved = malloc(file.size);
	if (moved) {
		memcpy(moved, file.bytes, file.size);
		prelink_move(&file, moved, 0x10000000);
	}
	free(moved);
	patch_file_fini(&file);
	return 0;
}
