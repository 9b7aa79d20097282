/* SPDX-License-Identifier: MIT */
/* Questions about the linked binary; binary_read.c answers where the tables come from. */
#include "binary.h"

#include <elf.h>
#include <string.h>

const struct binary_section *binary_section_at(const struct binary *binary, uint64_t address,
					       uint64_t size)
{
	for (size_t i = 0; i < binary->section_count; i++) {
		const struct binary_section *section = &binary->sections[i];

		/* .tbss has an address but takes no room. */
		if (!(section->flags & SHF_ALLOC) ||
		    (section->type == SHT_NOBITS && (section->flags & SHF_TLS)))
			continue;
		if (address >= section->address && address - section->address < section->size &&
		    size <= section->size - (address - section->address))
			return section;
	}
	return NULL;
}

const uint8_t *binary_bytes(const struct binary *binary, uint64_t address, uint64_t size)
{
	const struct binary_section *section = binary_section_at(binary, address, size);

	return section && section->data ? section->data + (address - section->address) : NULL;
}

size_t binary_first_symbol(const struct binary *binary, uint64_t address)
{
	size_t low = 0, high = binary->by_address_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (binary->by_address[middle]->address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint64_t binary_gap(const struct binary *binary, uint64_t address)
{
	const struct binary_section *section = binary_section_at(binary, address, 0);
	uint64_t end = section ? section->address + section->size : address;
	size_t next = binary_first_symbol(binary, address);

	if (next < binary->by_address_count && binary->by_address[next]->address < end)
		end = binary->by_address[next]->address;
	return end - address;
}

const struct binary_symbol *binary_symbols(const struct binary *binary, const char *name,
					   size_t *count)
{
	size_t low = 0;
	size_t high = binary->symbol_count;
	size_t end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(binary->symbols[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	end = low;
	while (end < binary->symbol_count && strcmp(binary->symbols[end].name, name) == 0)
		end++;
	*count = end - low;
	return binary->symbols + low;
}

const struct binary_slot *binary_slot(const struct binary *binary, uint64_t address)
{
	size_t low = 0;
	size_t high = binary->slot_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (binary->slots[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == binary->slot_count || binary->slots[low].address != address)
		return NULL;
	return &binary->slots[low];
}

const struct binary_slot *binary_stub(const struct binary *binary, uint64_t address)
{
	enum { LONGEST_STUB = 16 };
	const struct binary_section *section = binary_section_at(binary, address, 1);
	uint64_t offset;
	uint64_t slot;
	size_t size;

	if (!section || !section->data || !(section->flags & SHF_EXECINSTR) ||
	    !binary->arch->plt_slot)
		return NULL;
	offset = address - section->address;
	size = section->size - offset < LONGEST_STUB ? section->size - offset : LONGEST_STUB;
	if (!binary->arch->plt_slot(section->data + offset, size, address, &slot))
		return NULL;
	return binary_slot(binary, slot);
}

bool binary_symbol_is(const struct binary *binary, const char *name, uint64_t address)
{
	size_t count;
	const struct binary_symbol *symbols = binary_symbols(binary, name, &count);

	for (size_t i = 0; i < count; i++)
		if (symbols[i].defined && symbols[i].type != STT_TLS &&
		    symbols[i].address == address)
			return true;
	return false;
}

/*
 * The two layouts of the ELF TLS specification. Variant II (x86): the block ends at the thread
 * pointer. Variant I (most others): it starts behind a control block of two words.
 */
static uint64_t tls_block_start(const struct binary *binary)
{
	uint64_t align = binary->tls_align ? binary->tls_align : 1;
	uint64_t control = 16;

	if (binary->machine == EM_X86_64)
		return -((binary->tls_size + (binary->tls_address & (align - 1)) + align - 1) &
			 ~(align - 1));
	return (control + align - 1) & ~(align - 1);
}

uint64_t binary_tls_from_tp(const struct binary *binary, uint64_t tp_offset)
{
	return tp_offset - tls_block_start(binary);
}

uint64_t binary_tls_to_tp(const struct binary *binary, uint64_t block_offset)
{
	return block_offset + tls_block_start(binary);
}
