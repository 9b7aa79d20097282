/* SPDX-License-Identifier: MIT */
/*
 * The relocation table of x86-64. One line per type says what it puts into its field and which
 * values fit; everything else here reads that table. Any thread.
 */
#include "arch/x86_64/elfreloc.h"

#include "arch/x86_64/insn.h"

#include <string.h>

/* Which 64-bit values a field can hold. */
enum field_range {
	ANY,	  /* 64 bits, or no field */
	SIGNED,	  /* sign-extended */
	UNSIGNED, /* zero-extended */
	EITHER,	  /* both: the ABI does not say for 8 and 16 bits */
};

struct reloc_entry {
	uint32_t type;
	const char *name;
	enum arch_reloc_form form;
	uint8_t size;
	enum field_range range;
};

#define RELOC(number, form, size, range)                                          \
	{                                                                         \
		X86_##number, "R_X86_64_" #number, ARCH_RELOC_##form, size, range \
	}

static const struct reloc_entry entries[] = {
	RELOC(NONE, NONE, 0, ANY),
	RELOC(64, ABSOLUTE, 8, ANY),
	RELOC(PC32, PC, 4, SIGNED),
	RELOC(GOT32, SLOT_BASE, 4, SIGNED),
	RELOC(PLT32, CALL, 4, SIGNED),
	RELOC(COPY, COPY, 0, ANY),
	RELOC(GLOB_DAT, SLOT_DATA, 8, ANY),
	RELOC(JUMP_SLOT, SLOT_CALL, 8, ANY),
	RELOC(RELATIVE, RELATIVE, 8, ANY),
	RELOC(GOTPCREL, SLOT_PC, 4, SIGNED),
	RELOC(32, ABSOLUTE, 4, UNSIGNED),
	RELOC(32S, ABSOLUTE, 4, SIGNED),
	RELOC(16, ABSOLUTE, 2, EITHER),
	RELOC(PC16, PC, 2, SIGNED),
	RELOC(8, ABSOLUTE, 1, EITHER),
	RELOC(PC8, PC, 1, SIGNED),
	RELOC(DTPMOD64, TLS_MODULE, 8, ANY),
	RELOC(DTPOFF64, TLS_OFFSET, 8, ANY),
	RELOC(TPOFF64, TP_OFFSET, 8, ANY),
	RELOC(TLSGD, TLS_GD_PC, 4, SIGNED),
	RELOC(TLSLD, TLS_LD_PC, 4, SIGNED),
	RELOC(DTPOFF32, TLS_OFFSET, 4, SIGNED),
	RELOC(GOTTPOFF, TP_SLOT_PC, 4, SIGNED),
	RELOC(TPOFF32, TP_OFFSET, 4, SIGNED),
	RELOC(PC64, PC, 8, ANY),
	RELOC(GOTOFF64, SLOT_BASE, 8, ANY),
	RELOC(GOTPC32, SLOT_BASE, 4, SIGNED),
	RELOC(GOT64, SLOT_BASE, 8, ANY),
	RELOC(GOTPCREL64, SLOT_PC, 8, ANY),
	RELOC(GOTPC64, SLOT_BASE, 8, ANY),
	RELOC(PLTOFF64, SLOT_BASE, 8, ANY),
	RELOC(SIZE32, SIZE, 4, UNSIGNED),
	RELOC(SIZE64, SIZE, 8, ANY),
	RELOC(GOTPC32_TLSDESC, TLS_DESC_PC, 4, SIGNED),
	RELOC(TLSDESC_CALL, TLS_DESC_CALL, 0, ANY),
	RELOC(TLSDESC, TLS_DESC_PC, 16, ANY),
	RELOC(IRELATIVE, INDIRECT, 8, ANY),
	RELOC(GOTPCRELX, SLOT_PC, 4, SIGNED),
	RELOC(REX_GOTPCRELX, SLOT_PC, 4, SIGNED),
};

static const struct reloc_entry *entry_find(uint32_t type)
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (entries[i].type == type)
			return &entries[i];
	return NULL;
}

enum arch_reason x86_reloc_info(uint32_t type, struct arch_reloc_info *out)
{
	const struct reloc_entry *entry = entry_find(type);

	if (!entry)
		return ARCH_UNKNOWN_RELOCATION;
	*out = (struct arch_reloc_info){
		.name = entry->name, .form = entry->form, .size = entry->size};
	return ARCH_OK;
}

uint32_t x86_reloc_type(enum arch_reloc_form form, size_t size)
{
	/* Addresses of 32 bits are sign-extended by nearly every instruction that holds one. */
	if (form == ARCH_RELOC_ABSOLUTE && size == 4)
		return X86_32S;
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (entries[i].form == form && entries[i].size == size)
			return entries[i].type;
	return X86_NONE;
}

static bool value_fits(enum field_range range, size_t size, uint64_t value)
{
	unsigned bits = (unsigned)size * 8;
	bool fits_signed, fits_unsigned;

	if (range == ANY || bits >= 64)
		return true;
	fits_signed = value + (UINT64_C(1) << (bits - 1)) < UINT64_C(1) << bits;
	fits_unsigned = value >> bits == 0;
	switch (range) {
	case SIGNED:
		return fits_signed;
	case UNSIGNED:
		return fits_unsigned;
	default:
		return fits_signed || fits_unsigned;
	}
}

enum arch_reason x86_reloc_store(uint32_t type, uint8_t *field, uint64_t value)
{
	const struct reloc_entry *entry = entry_find(type);

	if (!entry || entry->size > sizeof(value))
		return ARCH_UNKNOWN_RELOCATION;
	if (!value_fits(entry->range, entry->size, value))
		return ARCH_OVERFLOW;
	memcpy(field, &value, entry->size);
	return ARCH_OK;
}

int64_t x86_reloc_bias(uint32_t type, const uint8_t *object, size_t size, size_t offset)
{
	const struct reloc_entry *entry = entry_find(type);
	size_t behind;

	if (!entry || entry->size == 0)
		return 0;
	switch (entry->form) {
	case ARCH_RELOC_CALL:
	case ARCH_RELOC_SLOT_PC:
	case ARCH_RELOC_TP_SLOT_PC:
	case ARCH_RELOC_TLS_GD_PC:
	case ARCH_RELOC_TLS_LD_PC:
	case ARCH_RELOC_TLS_DESC_PC:
		break;
	case ARCH_RELOC_PC:
		if (entry->size != 4) /* data, or a short branch that no compiler relocates */
			return entry->size == 8 ? 0 : entry->size;
		break;
	default:
		return 0;
	}
	/*
	 * A PC-relative operand counts from the instruction's end. The field is followed by nothing
	 * but an immediate of 1, 2 or 4 bytes, so look for an instruction that has the field as its
	 * displacement and ends there.
	 */
	if (x86_bytes_behind_field(object, size, offset, &behind))
		return 4 + (int64_t)behind;
	return 4;
}
