/* SPDX-License-Identifier: MIT */
/*
 * The patch file: an ELF shared object without undefined symbols, plus the sections below, which
 * are not loaded (no SHF_ALLOC). docs/FORMAT.md tells the same in prose.
 *
 * Each section is an array of one fixed-size record, 8-byte aligned, so that the sections of
 * several object files may simply be concatenated by the linker. A field named *_ref is a byte
 * offset into another section; object files fill it by an absolute 64-bit relocation against that
 * section, as DWARF does. Fields named *_address are link-time addresses in the patch (before the
 * agent moves it), also filled by relocation. Addresses "in the target" are link-time addresses in
 * the target module's file: run-time address minus load bias. All integers are little-endian.
 * FORMAT_NONE marks an absent reference.
 */
#ifndef PATCH_FORMAT_H
#define PATCH_FORMAT_H

#include <stdint.h>

#define FORMAT_MAGIC "SUTURE\r\n" /* 8 bytes; damaged by text-mode copies on purpose */

enum {
	FORMAT_VERSION = 1,
	FORMAT_HASH_SIZE = 32,		  /* BLAKE2b-256 */
	FORMAT_BUILD_ID_SIZE = 32,	  /* longest build-id that is understood, bytes */
	FORMAT_NEIGHBOUR_LIMIT = 1 << 16, /* bytes of a function whose padding is used */
	FORMAT_OBJECT_LIMIT = 64 << 20,	  /* bytes of the largest object that is migrated */
	FORMAT_PARTS_LIMIT = 16,	  /* patch files in each other, see below */
};

#define FORMAT_NONE UINT64_MAX

#define FORMAT_SECTION_PREFIX "suture."
/* X(field, section name, record) */
#define FORMAT_SECTIONS(X)                                                 \
	X(header, ".suture.header", struct format_header)                  \
	X(strings, ".suture.strings", char)                                \
	X(modules, ".suture.modules", struct format_module)                \
	X(functions, ".suture.functions", struct format_function)          \
	X(symbols, ".suture.symbols", struct format_symbol)                \
	X(relocs, ".suture.relocs", struct format_reloc)                   \
	X(data, ".suture.data", struct format_data)                        \
	X(hooks, ".suture.hooks", struct format_hook)                      \
	X(surroundings, ".suture.surroundings", struct format_surrounding) \
	X(idle, ".suture.idle", struct format_idle)                        \
	X(constructors, ".suture.constructors", struct format_constructor) \
	X(originals, ".suture.originals", struct format_original)          \
	X(depends, ".suture.depends", struct format_depend)                \
	X(migrations, ".suture.migrations", struct format_migration)       \
	X(variables, ".suture.variables", struct format_variable)          \
	X(constructs, ".suture.constructs", struct format_construct)       \
	X(provides, ".suture.provides", struct format_provide)             \
	X(provenance, ".suture.provenance", struct format_provenance)      \
	X(further, ".suture.further", uint8_t)

/* Exactly one. */
struct format_header {
	char magic[8];
	uint32_t version;	  /* FORMAT_VERSION; another one is refused */
	uint16_t elf_machine;	  /* as in the ELF header */
	uint16_t flags;		  /* 0 */
	uint64_t name_ref;	  /* what the operator calls the patch: [A-Za-z0-9._-]{1,64} */
	uint64_t description_ref; /* one line, or FORMAT_NONE */
	uint64_t header_size;	  /* sizeof(struct format_header): room to grow */
	/*
	 * BLAKE2b-256 of the whole file with these 32 bytes taken as zero, written when all else
	 * is: a damaged file is refused before the loader, which trusts its tables blindly, sees
	 * it.
	 */
	uint8_t digest[FORMAT_HASH_SIZE];
};

enum format_module_flag {
	FORMAT_MODULE_EXECUTABLE = 1, /* the main program; else a shared object found by build-id */
};

/* A module to be patched. The first is the one the patch is loaded near to. */
struct format_module {
	uint64_t name_ref; /* base name, for messages; identity is the build-id */
	uint32_t flags;
	uint32_t build_id_size;
	uint8_t build_id[FORMAT_BUILD_ID_SIZE];
};

/* A function that is replaced. */
struct format_function {
	uint64_t module_ref;
	uint64_t name_ref;
	uint64_t unit_ref; /* source file, for messages */
	uint64_t target;   /* address in the target */
	uint64_t size;	   /* bytes of the old function, without padding behind it */
	uint64_t replacement_address;
	uint64_t replacement_size;
	/*
	 * Bytes between the end of the old function and the next symbol or the section's end in the
	 * target: where they are padding, a jump may run into them. 0 when it isn't known.
	 */
	uint64_t padding;
	uint8_t old_hash[FORMAT_HASH_SIZE]; /* of the old function's size bytes as linked */
};

enum format_symbol_kind {
	FORMAT_SYMBOL_TARGET = 1, /* value is an address in module: proven by the builder */
	FORMAT_SYMBOL_IMPORT = 2, /* by name and version: bound as module's own imports are */
	FORMAT_SYMBOL_SELF = 3, /* value_address in this patch: fields that the linker can't fill */
	FORMAT_SYMBOL_PATCH = 4, /* value is an address in the patch named by depend_ref */
};

enum format_symbol_flag {
	FORMAT_SYMBOL_WEAK = 1, /* binds to 0 where nothing defines it */
	FORMAT_SYMBOL_FUNCTION = 2,
	FORMAT_SYMBOL_TLS = 4,	    /* value is an offset in the module's thread-local block */
	FORMAT_SYMBOL_INDIRECT = 8, /* value is the resolver of an IFUNC */
};

/* What a relocation of the side table refers to. */
struct format_symbol {
	uint64_t module_ref; /* TARGET: where; IMPORT: on whose behalf it is bound */
	uint64_t name_ref;
	uint64_t version_ref; /* IMPORT: wanted version or FORMAT_NONE */
	uint64_t value;	      /* TARGET, PATCH: address; SELF: relocated address; IMPORT: address of
				 module's own PLT stub for it, or 0 */
	uint32_t kind;	      /* enum format_symbol_kind */
	uint32_t flags;
	uint64_t depend_ref; /* PATCH: into .suture.depends; else FORMAT_NONE */
};

/* One field of the patch that the agent fills in its private copy, before it is mapped. */
struct format_reloc {
	uint64_t site_address;
	uint64_t symbol_ref;
	int64_t addend;
	uint32_t type; /* ELF relocation type of the architecture */
	uint32_t reserved;
};

enum format_data_kind {
	FORMAT_DATA_CONST = 1, /* constant data changed in place with the code */
	FORMAT_DATA_SET = 2,   /* writable data set by request (--data set) */
	FORMAT_DATA_NEW = 3,   /* new data in the patch, for reports and successors; target is 0 */
	FORMAT_DATA_KEEP = 4, /* initial value changed, running value kept (--data keep); reports */
	FORMAT_DATA_ADDRESS =
		5, /* an address in a constant: the loader made it, old_hash is unused */
};

struct format_data {
	uint64_t module_ref;
	uint64_t name_ref;
	uint64_t unit_ref;
	uint64_t target;      /* address in the target */
	uint64_t size;	      /* bytes */
	uint64_t new_address; /* contents in the patch */
	uint32_t kind;
	uint32_t flags;
	uint8_t old_hash[FORMAT_HASH_SIZE]; /* CONST: of the bytes as they must be */
};

enum format_hook_kind {
	FORMAT_HOOK_PRE_APPLY = 1,
	FORMAT_HOOK_ON_SWITCH,
	FORMAT_HOOK_POST_APPLY,
	FORMAT_HOOK_PRE_REVERT,
	FORMAT_HOOK_ON_UNSWITCH,
	FORMAT_HOOK_POST_REVERT,
};

struct format_hook {
	uint64_t function_address;
	uint32_t kind;
	uint32_t flags;
};

/*
 * Code that no thread may be inside at the switch, besides the functions being replaced. Parts of a
 * replaced function that lie elsewhere are listed here under its name with a suffix ("f.cold"),
 * and are searched for branches into its entry.
 */
struct format_idle {
	uint64_t module_ref;
	uint64_t name_ref;
	uint64_t target; /* address in the target */
	uint64_t size;
};

enum format_surrounding_kind {
	/* A function near the entry of a replaced one that no jump may fit: the padding behind it
	 * can hold the jump. */
	FORMAT_SURROUNDING_NEIGHBOUR = 1,
	/* An address within the first bytes of a replaced function that something else leads to: a
	 * second symbol, a branch of other code. No jump may cover it. */
	FORMAT_SURROUNDING_LABEL = 2,
};

/* What the builder, who sees the whole binary, knows about the neighbourhood of an entry. */
struct format_surrounding {
	uint64_t module_ref;
	uint64_t target;  /* address in the target */
	uint64_t size;	  /* NEIGHBOUR: bytes of the function; LABEL: 0 */
	uint64_t padding; /* NEIGHBOUR: as in format_function; LABEL: 0 */
	uint32_t kind;
	uint32_t flags; /* 0 */
};

/* Constructors of new globals: run once by the agent, before the commit. */
struct format_constructor {
	uint64_t function_address;
};

/*
 * A pointer of the patch through which it calls a function as it was before: the agent fills it
 * before the commit. In data that stays writable.
 */
struct format_original {
	uint64_t slot_address;	      /* 8 bytes */
	uint64_t replacement_address; /* of the function's record in .suture.functions */
};

/* Patches that must be applied before this one. */
struct format_depend {
	uint64_t name_ref;
	uint8_t hash[FORMAT_HASH_SIZE]; /* of that patch file's bytes */
};

/*
 * Objects of a type whose layout the patch changes: at the safe point each one that the application
 * enumerates is written anew by a hook of the patch, and on revert written back.
 */
struct format_migration {
	uint64_t type_ref;	  /* the name under which the application registered its objects */
	uint64_t old_size;	  /* bytes of the type in the target */
	uint64_t new_size;	  /* bytes of it in the patch */
	uint64_t forward_address; /* int hook(const void *old, void *fresh) */
	uint64_t reverse_address; /* the same for the way back; FORMAT_NONE: there is none */
	uint64_t flags;		  /* 0 */
};

enum format_variable_flag {
	FORMAT_VARIABLE_AMBIGUOUS = 1, /* another one has the same identity: never taken over */
};

/*
 * A new writable variable, for successors: a patch that replaces this one and brings a variable of
 * the same identity (module, unit, owner, stem) takes over the one that lives. All references to it
 * are in the side table, against SELF symbols with its address.
 */
struct format_variable {
	uint64_t data_ref;  /* its record in .suture.data, of kind NEW */
	uint64_t owner_ref; /* the function that declares it, or FORMAT_NONE */
	uint64_t stem_ref;  /* its name without the compiler's numbering */
	uint32_t flags;
	uint32_t reserved;
	uint8_t type_hash[FORMAT_HASH_SIZE]; /* of its type's layout; zeroes where it has none */
};

/* A constructor's variables: where all of them are taken over, it does not run again. */
struct format_construct {
	uint64_t constructor_ref; /* into .suture.constructors */
	uint64_t variable_ref;	  /* into .suture.variables */
};

enum format_provide_flag {
	FORMAT_PROVIDE_GLOBAL = 1, /* other files may mean it by its name */
	FORMAT_PROVIDE_FUNCTION = 2,
};

/* What the patch brought, for patches that are built on it. The agent does not look at it. */
struct format_provide {
	uint64_t unit_ref;
	uint64_t name_ref; /* as the compiler had it */
	uint64_t address;
	uint32_t flags;
	uint32_t reserved;
};

/* How the patch came to be, as key and value: builder, compiler, diff-hash, command… */
struct format_provenance {
	uint64_t key_ref;
	uint64_t value_ref;
};

/*
 * .suture.further is a whole patch file for further modules, which may hold another one: code has
 * to lie within reach of the module that it was compiled for, and an executable and its libraries
 * are too far apart for one file to reach both. Each file is loaded near its own first module; all
 * of them are one patch, with the outermost file's name, hash and signature. The tables of each
 * refer to itself alone.
 */

#endif
