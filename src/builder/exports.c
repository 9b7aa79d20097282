/* SPDX-License-Identifier: MIT */
/* Dynamic symbol tables; see exports.h. */
#include "builder/exports.h"

#include "base/file.h"

#include <fcntl.h>
#include <gelf.h>

void exports_read(const char *path, bool functions_only, struct strings *names)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Sym symbol;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = fd >= 0 ? elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;
	while (elf && (section = elf_nextscn(elf, section))) {
		Elf_Data *data = NULL;

		if (gelf_getshdr(section, &header) && header.sh_type == SHT_DYNSYM)
			data = elf_getdata(section, NULL);
		for (int i = 1; data && gelf_getsym(data, i, &symbol); i++) {
			const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);

			if (name && symbol.st_shndx != SHN_UNDEF &&
			    GELF_ST_BIND(symbol.st_info) != STB_LOCAL &&
			    (!functions_only || GELF_ST_TYPE(symbol.st_info) == STT_FUNC))
				strings_add(names, name);
		}
	}
	elf_end(elf);
}
