/* SPDX-License-Identifier: MIT */
/* A module's exported functions by its GNU hash table, read from its memory; see modules.h. */
#include "cli/attach/modules.h"

#include <elf.h>
#include <string.h>

enum { MAX_CHAIN = 4096, HIDDEN_VERSION = 0x8000 };

/* The table's header; bloom filter, buckets and chains follow. */
struct hash_header {
	uint32_t buckets;
	uint32_t first; /* symbol that the chains begin with */
	uint32_t bloom; /* words of 64 bits */
	uint32_t shift;
};

static uint32_t hash_name(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

/* The one that a program linked today would get: older versions of a symbol are marked hidden. */
static bool is_default(const struct remote *remote, const struct module *module, uint32_t index)
{
	ElfW(Versym) version;

	if (!module->versions)
		return true;
	return remote_read(remote, module->versions + index * sizeof(version), &version,
			   sizeof(version)) &&
	       !(version & HIDDEN_VERSION);
}

/* Not thread-local, not chosen by a function at run time. */
static bool is_plain(const ElfW(Sym) * entry)
{
	return ELF64_ST_TYPE(entry->st_info) == STT_FUNC ||
	       ELF64_ST_TYPE(entry->st_info) == STT_OBJECT;
}

static bool is_wanted(const struct remote *remote, const struct module *module, uint32_t index,
		      const char *name, struct symbol *symbol)
{
	char text[MODULE_NAME_SIZE];
	ElfW(Sym) entry;

	if (!remote_read(remote, module->symbols + index * sizeof(entry), &entry, sizeof(entry)) ||
	    entry.st_shndx == SHN_UNDEF || !is_plain(&entry) ||
	    !remote_string(remote, module->strings + entry.st_name, text, strlen(name) + 1) ||
	    strcmp(text, name) != 0 || !is_default(remote, module, index))
		return false;
	symbol->start = module->bias + entry.st_value;
	symbol->end = symbol->start + entry.st_size;
	return true;
}

bool module_symbol(const struct remote *remote, const struct module *module, const char *name,
		   struct symbol *symbol)
{
	uint32_t hash = hash_name(name), index, entry = 0;
	uint64_t buckets, chains;
	struct hash_header header;

	if (!module->gnu_hash || !module->symbols || !module->strings ||
	    !remote_read(remote, module->gnu_hash, &header, sizeof(header)) || !header.buckets)
		return false;
	buckets = module->gnu_hash + sizeof(header) + (uint64_t)header.bloom * 8;
	chains = buckets + (uint64_t)header.buckets * 4;
	if (!remote_read(remote, buckets + (uint64_t)(hash % header.buckets) * 4, &index,
			 sizeof(index)) ||
	    index < header.first)
		return false;
	/* The lowest bit of a chain's entry ends it. */
	for (unsigned steps = 0; steps < MAX_CHAIN && !(entry & 1); steps++, index++) {
		if (!remote_read(remote, chains + (uint64_t)(index - header.first) * 4, &entry,
				 sizeof(entry)))
			return false;
		if ((entry | 1) == (hash | 1) && is_wanted(remote, module, index, name, symbol))
			return true;
	}
	return false;
}
