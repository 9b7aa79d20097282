/* SPDX-License-Identifier: MIT */
/* ELF relocations of x86-64: their table, and putting values into fields. */
#ifndef ARCH_X86_64_ELFRELOC_H
#define ARCH_X86_64_ELFRELOC_H

#include "arch/arch.h"

/* Numbers from the processor's ABI; <elf.h> is not used so that tools elsewhere build alike. */
enum x86_reloc {
	X86_NONE = 0,
	X86_64 = 1,
	X86_PC32 = 2,
	X86_GOT32 = 3,
	X86_PLT32 = 4,
	X86_COPY = 5,
	X86_GLOB_DAT = 6,
	X86_JUMP_SLOT = 7,
	X86_RELATIVE = 8,
	X86_GOTPCREL = 9,
	X86_32 = 10,
	X86_32S = 11,
	X86_16 = 12,
	X86_PC16 = 13,
	X86_8 = 14,
	X86_PC8 = 15,
	X86_DTPMOD64 = 16,
	X86_DTPOFF64 = 17,
	X86_TPOFF64 = 18,
	X86_TLSGD = 19,
	X86_TLSLD = 20,
	X86_DTPOFF32 = 21,
	X86_GOTTPOFF = 22,
	X86_TPOFF32 = 23,
	X86_PC64 = 24,
	X86_GOTOFF64 = 25,
	X86_GOTPC32 = 26,
	X86_GOT64 = 27,
	X86_GOTPCREL64 = 28,
	X86_GOTPC64 = 29,
	X86_PLTOFF64 = 31,
	X86_SIZE32 = 32,
	X86_SIZE64 = 33,
	X86_GOTPC32_TLSDESC = 34,
	X86_TLSDESC_CALL = 35,
	X86_TLSDESC = 36,
	X86_IRELATIVE = 37,
	X86_GOTPCRELX = 41,
	X86_REX_GOTPCRELX = 42,
};

enum arch_reason x86_reloc_info(uint32_t type, struct arch_reloc_info *out);
uint32_t x86_reloc_type(enum arch_reloc_form form, size_t size);
enum arch_reason x86_reloc_store(uint32_t type, uint8_t *field, uint64_t value);
int64_t x86_reloc_bias(uint32_t type, const uint8_t *object, size_t size, size_t offset);
enum arch_reason x86_reloc_match(uint32_t type, int64_t addend, const uint8_t *object,
				 const uint8_t *linked, size_t size, size_t offset,
				 uint64_t address, struct arch_reloc_match *out);

#endif
