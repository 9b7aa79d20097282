/* SPDX-License-Identifier: MIT */
/* From program headers to struct unwind_object. Reads mapped headers only; any thread. */
#include "unwind/unwind.h"

#include <elf.h>
#include <string.h>

bool unwind_object_from_headers(uintptr_t bias, const ElfW(Phdr) * headers, size_t count,
				const char *name, struct unwind_object *object)
{
	struct unwind_object found = {.name = name, .start = UINTPTR_MAX};
	const ElfW(Phdr) *hdr = NULL;

	for (size_t i = 0; i < count; i++) {
		const ElfW(Phdr) *ph = &headers[i];

		if (ph->p_type == PT_GNU_EH_FRAME)
			hdr = ph;
		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
			continue;
		if (bias + ph->p_vaddr < found.start)
			found.start = bias + ph->p_vaddr;
		if (bias + ph->p_vaddr + ph->p_memsz > found.end)
			found.end = bias + ph->p_vaddr + ph->p_memsz;
	}
	if (!hdr || found.start >= found.end || found.end - found.start >= UINT32_MAX)
		return false;
	found.eh_frame_hdr = bias + hdr->p_vaddr;
	found.eh_frame_hdr_size = hdr->p_memsz;

	/* Linkers put .eh_frame_hdr and .eh_frame into one segment. */
	for (size_t i = 0; i < count; i++) {
		const ElfW(Phdr) *ph = &headers[i];

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_R) || hdr->p_vaddr < ph->p_vaddr ||
		    hdr->p_vaddr + hdr->p_memsz > ph->p_vaddr + ph->p_filesz)
			continue;
		found.data_start = bias + ph->p_vaddr;
		found.data_end = found.data_start + ph->p_filesz;
		*object = found;
		return true;
	}
	return false;
}

bool unwind_object_from_phdr(const struct dl_phdr_info *info, struct unwind_object *object)
{
	return unwind_object_from_headers(info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum,
					  info->dlpi_name, object);
}

bool unwind_object_from_elf(uintptr_t header, const char *name, struct unwind_object *object)
{
	const ElfW(Ehdr) *ehdr = (const ElfW(Ehdr) *)header;
	const ElfW(Phdr) * headers;

	if (!ehdr || memcmp(ehdr->e_ident, ELFMAG, SELFMAG) != 0 ||
	    ehdr->e_phentsize != sizeof(*headers))
		return false;
	headers = (const ElfW(Phdr) *)(header + ehdr->e_phoff);
	for (size_t i = 0; i < ehdr->e_phnum; i++)
		if (headers[i].p_type == PT_LOAD && headers[i].p_offset == 0)
			return unwind_object_from_headers(header - headers[i].p_vaddr, headers,
							  ehdr->e_phnum, name, object);
	return false;
}
