/* SPDX-License-Identifier: MIT */
/*
 * The binary to be patched, as linked: sections, symbols (its own or those of its separate debug
 * file), the slots that the loader fills and the linker's stubs that jump through them.
 */
#ifndef BUILDER_BINARY_H
#define BUILDER_BINARY_H

#include "arch/arch.h"
#include "arena.h"

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BINARY_BUILD_ID_SIZE = 32 };

struct binary_section {
	const char *name;
	uint32_t type;
	uint64_t flags;
	uint64_t address;
	uint64_t size;
	const uint8_t *data; /* NULL for SHT_NOBITS */
};

struct binary_symbol {
	const char *name;
	const char *version; /* dynamic symbols: wanted or defined version, or NULL */
	const char *file;    /* local symbols: of the STT_FILE symbol in effect, or NULL */
	uint64_t address;    /* thread-local symbols: offset in the block */
	uint64_t size;
	uint8_t type;
	uint8_t bind;
	bool defined;
	bool dynamic; /* from .dynsym */
};

/* A place that the loader fills. */
struct binary_slot {
	uint64_t address;
	enum arch_reloc_form form;
	const struct binary_symbol *symbol; /* NULL for RELATIVE and kin */
	int64_t addend;
};

struct binary {
	const char *path;
	const char *name; /* base name */
	const struct arch_ops *arch;
	uint16_t machine;
	bool executable; /* has a program interpreter, or would need none */
	bool is_static;	 /* an executable without a program interpreter */
	bool position_independent;
	bool stripped; /* no symbol table, nor a debug file with one */
	uint8_t build_id[BINARY_BUILD_ID_SIZE];
	size_t build_id_size;
	bool has_tls;
	uint64_t tls_address;
	uint64_t tls_size; /* in memory */
	uint64_t tls_align;
	struct binary_section *sections;
	size_t section_count;
	struct binary_symbol *symbols; /* .symtab, then .dynsym; by name */
	size_t symbol_count;
	const struct binary_symbol **by_address; /* defined, typed function or object or none */
	size_t by_address_count;
	struct binary_slot *slots; /* by address */
	size_t slot_count;
};

/* Reads the file and, where it has no symbol table, its debug file. Everything lives in arena. */
int binary_read(struct arena *arena, const char *path, const char *debug_file,
		struct binary *binary, struct suture_error *err);

/* size bytes at address as they are in the file, or NULL. */
const uint8_t *binary_bytes(const struct binary *binary, uint64_t address, uint64_t size);

/* The section that holds [address, address + size), or NULL. */
const struct binary_section *binary_section_at(const struct binary *binary, uint64_t address,
					       uint64_t size);

/* The first of by_address at or behind address; by_address_count where there is none. */
size_t binary_first_symbol(const struct binary *binary, uint64_t address);

/*
 * Bytes from address to the next symbol or to its section's end: nobody's, so that a jump may run
 * into them where they are padding.
 */
uint64_t binary_gap(const struct binary *binary, uint64_t address);

/* All symbols of that name: *count of them from the result on. */
const struct binary_symbol *binary_symbols(const struct binary *binary, const char *name,
					   size_t *count);

const struct binary_slot *binary_slot(const struct binary *binary, uint64_t address);

/* What a linker-made stub at address jumps to: its slot, or NULL when it is none. */
const struct binary_slot *binary_stub(const struct binary *binary, uint64_t address);

/* Is there a defined symbol of that name at address? */
bool binary_symbol_is(const struct binary *binary, const char *name, uint64_t address);

/* From an offset to the thread pointer to one in the executable's thread-local block, and back. */
uint64_t binary_tls_from_tp(const struct binary *binary, uint64_t tp_offset);
uint64_t binary_tls_to_tp(const struct binary *binary, uint64_t block_offset);

#endif
