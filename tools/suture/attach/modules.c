/* SPDX-License-Identifier: MIT */
/* From the memory map to ELF objects; see modules.h. Nothing that is read is trusted. */
#include "cli/attach/modules.h"

#include "arch/arch.h"
#include "base/error.h"
#include "base/maps.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MAX_HEADERS = 128, MAX_DYNAMIC = 256 };

static bool read_headers(const struct remote *remote, struct module *module)
{
	ElfW(Ehdr) header;

	if (!remote_read(remote, module->start, &header, sizeof(header)) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_machine != arch_native()->elf_machine ||
	    header.e_phentsize != sizeof(ElfW(Phdr)) || header.e_phnum == 0 ||
	    header.e_phnum > MAX_HEADERS)
		return false;
	module->phdr = calloc(header.e_phnum, sizeof(ElfW(Phdr)));
	module->phnum = header.e_phnum;
	return module->phdr && remote_read(remote, module->start + header.e_phoff, module->phdr,
					   header.e_phnum * sizeof(ElfW(Phdr)));
}

static bool place(struct module *module)
{
	bool found = false;

	for (size_t i = 0; i < module->phnum && !found; i++)
		if (module->phdr[i].p_type == PT_LOAD && module->phdr[i].p_offset == 0) {
			module->bias = module->start - module->phdr[i].p_vaddr;
			found = true;
		}
	for (size_t i = 0; i < module->phnum; i++) {
		const ElfW(Phdr) *ph = &module->phdr[i];

		if (ph->p_type == PT_LOAD && module->bias + ph->p_vaddr + ph->p_memsz > module->end)
			module->end = module->bias + ph->p_vaddr + ph->p_memsz;
	}
	return found && module->end > module->start;
}

/* The loader has made addresses of these, but for objects that it does not load (the vDSO). */
static uint64_t address_of(const struct module *module, uint64_t value)
{
	return value && value < module->bias ? module->bias + value : value;
}

static void read_dynamic(const struct remote *remote, struct module *module)
{
	ElfW(Dyn) entries[MAX_DYNAMIC];
	uint64_t name = 0;
	size_t count = 0;

	for (size_t i = 0; i < module->phnum; i++) {
		const ElfW(Phdr) *ph = &module->phdr[i];

		if (ph->p_type != PT_DYNAMIC)
			continue;
		count = ph->p_memsz / sizeof(entries[0]);
		if (count > MAX_DYNAMIC)
			count = MAX_DYNAMIC;
		if (!remote_read(remote, module->bias + ph->p_vaddr, entries,
				 count * sizeof(entries[0])))
			return;
		break;
	}
	for (size_t i = 0; i < count && entries[i].d_tag != DT_NULL; i++) {
		uint64_t value = entries[i].d_un.d_val;

		if (entries[i].d_tag == DT_STRTAB)
			module->strings = address_of(module, value);
		else if (entries[i].d_tag == DT_SYMTAB)
			module->symbols = address_of(module, value);
		else if (entries[i].d_tag == DT_VERSYM)
			module->versions = address_of(module, value);
		else if (entries[i].d_tag == DT_GNU_HASH)
			module->gnu_hash = address_of(module, value);
		else if (entries[i].d_tag == DT_SONAME)
			name = value;
	}
	if (!name || !module->strings ||
	    !remote_string(remote, module->strings + name, module->soname, sizeof(module->soname)))
		module->soname[0] = '\0';
}

static void module_fini(struct module *module)
{
	free(module->path);
	free(module->phdr);
}

/* Somebody may have mapped an object just to read it. */
static bool is_code(const struct maps *maps, const struct module *module)
{
	for (size_t i = 0; i < module->phnum; i++) {
		const ElfW(Phdr) *ph = &module->phdr[i];
		const struct map_region *region;

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
			continue;
		region = maps_find(maps, module->bias + ph->p_vaddr);
		return region && (region->prot & PROT_EXEC) && region->inode == module->inode;
	}
	return false;
}

/* False: no object, or no memory. */
static bool module_read(const struct remote *remote, const struct maps *maps,
			const struct map_region *region, struct module *module)
{
	*module = (struct module){.inode = region->inode, .start = region->start};
	if (!read_headers(remote, module) || !place(module) || !is_code(maps, module)) {
		free(module->phdr);
		return false;
	}
	module->path = strdup(region->path);
	read_dynamic(remote, module);
	if (!module->path) {
		free(module->phdr);
		return false;
	}
	return true;
}

/* AT_PHDR lies in the main program. */
static void mark_executable(const struct remote *remote, struct modules *modules)
{
	uint64_t entry[2];
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)remote->pid);
	file = fopen(path, "re");
	while (file && fread(entry, sizeof(entry), 1, file) == 1 && entry[0] != AT_NULL)
		for (size_t i = 0; entry[0] == AT_PHDR && i < modules->count; i++)
			modules->items[i].executable = entry[1] >= modules->items[i].start &&
						       entry[1] < modules->items[i].end;
	if (file)
		fclose(file);
}

int modules_read(const struct remote *remote, struct modules *modules, struct suture_error *err)
{
	struct modules found = {0};
	struct maps maps;
	int rc = maps_read(remote->pid, &maps, err);

	if (rc)
		return rc;
	found.items = calloc(maps.count ? maps.count : 1, sizeof(*found.items));
	for (size_t i = 0; found.items && i < maps.count; i++) {
		const struct map_region *region = &maps.regions[i];

		if ((region->path[0] == '/' && region->offset == 0) ||
		    strcmp(region->path, "[vdso]") == 0)
			found.count +=
				module_read(remote, &maps, region, &found.items[found.count]);
	}
	maps_fini(&maps);
	if (!found.items)
		return error_no_memory(err);
	mark_executable(remote, &found);
	*modules = found;
	return 0;
}

void modules_fini(struct modules *modules)
{
	for (size_t i = 0; i < modules->count; i++)
		module_fini(&modules->items[i]);
	free(modules->items);
	*modules = (struct modules){0};
}

const struct module *modules_at(const struct modules *modules, uint64_t address)
{
	for (size_t i = 0; i < modules->count; i++)
		if (address >= modules->items[i].start && address < modules->items[i].end)
			return &modules->items[i];
	return NULL;
}

const struct module *modules_named(const struct modules *modules, const char *soname)
{
	for (size_t i = 0; i < modules->count; i++)
		if (strcmp(modules->items[i].soname, soname) == 0)
			return &modules->items[i];
	return NULL;
}

const struct module *modules_executable(const struct modules *modules)
{
	for (size_t i = 0; i < modules->count; i++)
		if (modules->items[i].executable)
			return &modules->items[i];
	return NULL;
}

bool modules_keep(const struct modules *other, const struct module *module)
{
	const struct module *there = modules_at(other, module->start);

	return there && there->start == module->start && there->end == module->end &&
	       there->inode == module->inode && strcmp(there->path, module->path) == 0;
}
