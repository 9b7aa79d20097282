/* SPDX-License-Identifier: MIT */
/* A small ELF reader for tests over files that the test trusts. */
#ifndef TESTS_UNIT_ARCH_ELFFILE_H
#define TESTS_UNIT_ARCH_ELFFILE_H

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct elffile {
	const uint8_t *data;
	size_t size;
	const Elf64_Ehdr *header;
	const Elf64_Shdr *sections;
};

static inline bool elffile_open(struct elffile *file, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *data = MAP_FAILED;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0)
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		return false;
	file->data = data;
	file->size = (size_t)st.st_size;
	file->header = data;
	file->sections = (const Elf64_Shdr *)(file->data + file->header->e_shoff);
	return memcmp(data, ELFMAG, SELFMAG) == 0 && file->header->e_machine == EM_X86_64;
}

static inline void elffile_close(struct elffile *file)
{
	munmap((void *)file->data, file->size);
}

static inline const char *elffile_section_name(const struct elffile *file, size_t index)
{
	const Elf64_Shdr *names = &file->sections[file->header->e_shstrndx];

	return (const char *)file->data + names->sh_offset + file->sections[index].sh_name;
}

static inline const Elf64_Shdr *elffile_section(const struct elffile *file, const char *name)
{
	for (size_t i = 1; i < file->header->e_shnum; i++)
		if (strcmp(elffile_section_name(file, i), name) == 0)
			return &file->sections[i];
	return NULL;
}

/* .symtab, else .dynsym; *names gets the string table. */
static inline const Elf64_Sym *elffile_symbols(const struct elffile *file, size_t *count,
					       const char **names)
{
	const Elf64_Shdr *table = elffile_section(file, ".symtab");

	if (!table)
		table = elffile_section(file, ".dynsym");
	if (!table)
		return NULL;
	*count = table->sh_size / sizeof(Elf64_Sym);
	*names = (const char *)file->data + file->sections[table->sh_link].sh_offset;
	return (const Elf64_Sym *)(file->data + table->sh_offset);
}

static inline const Elf64_Sym *elffile_symbol(const struct elffile *file, const char *name)
{
	const char *names;
	size_t count;
	const Elf64_Sym *symbols = elffile_symbols(file, &count, &names);

	for (size_t i = 0; symbols && i < count; i++)
		if (strcmp(names + symbols[i].st_name, name) == 0)
			return &symbols[i];
	return NULL;
}

/* Contents at a link-time address, and how many bytes of its segment follow; NULL if none. */
static inline const uint8_t *elffile_at(const struct elffile *file, uint64_t address, size_t *left)
{
	const Elf64_Phdr *headers = (const Elf64_Phdr *)(file->data + file->header->e_phoff);

	for (size_t i = 0; i < file->header->e_phnum; i++) {
		const Elf64_Phdr *segment = &headers[i];

		if (segment->p_type != PT_LOAD || address < segment->p_vaddr ||
		    address >= segment->p_vaddr + segment->p_filesz)
			continue;
		if (left)
			*left = segment->p_vaddr + segment->p_filesz - address;
		return file->data + segment->p_offset + (address - segment->p_vaddr);
	}
	return NULL;
}

#endif
