/* SPDX-License-Identifier: MIT */
/* Dynamic symbols and relocations of a loaded module; see dynamic.h. Plan phase only. */
#include "image/dynamic.h"

#include "arch/arch.h"
#include "base/error.h"

#include <string.h>

/* glibc relocates these pointers in place, but not for the vDSO: tell by their size. */
static uintptr_t dynamic_pointer(const struct image_module *module, ElfW(Addr) value)
{
	return value < module->bias ? value + module->bias : value;
}

/* The GNU hash table lists every defined symbol; the largest index ends the last chain. */
static size_t count_gnu_hash(const uint32_t *table)
{
	uint32_t buckets = table[0], first = table[1], bloom_words = table[2], last = 0;
	const uint32_t *bucket = table + 4 + (size_t)bloom_words * (sizeof(ElfW(Addr)) / 4);
	const uint32_t *chain = bucket + buckets;

	for (uint32_t i = 0; i < buckets; i++)
		if (bucket[i] > last)
			last = bucket[i];
	if (last < first)
		return first;
	while (!(chain[last - first] & 1))
		last++;
	return (size_t)last + 1;
}

int dynamic_open(const struct image_module *module, struct dynamic *dynamic,
		 struct suture_error *err)
{
	struct dynamic result = {.module = module};

	for (const ElfW(Dyn) *entry = module->dynamic; entry && entry->d_tag != DT_NULL; entry++) {
		const void *pointer = (const void *)dynamic_pointer(module, entry->d_un.d_ptr);

		switch (entry->d_tag) {
		case DT_STRTAB:
			result.strings = pointer;
			break;
		case DT_STRSZ:
			result.strings_size = entry->d_un.d_val;
			break;
		case DT_SYMTAB:
			result.symbols = pointer;
			break;
		case DT_VERSYM:
			result.versions = pointer;
			break;
		case DT_VERNEED:
			result.needs = pointer;
			break;
		case DT_VERNEEDNUM:
			result.need_count = entry->d_un.d_val;
			break;
		case DT_VERDEF:
			result.defines = pointer;
			break;
		case DT_VERDEFNUM:
			result.define_count = entry->d_un.d_val;
			break;
		case DT_RELA:
			result.relocs = pointer;
			break;
		case DT_RELASZ:
			result.reloc_count = entry->d_un.d_val / sizeof(ElfW(Rela));
			break;
		case DT_JMPREL:
			result.calls = pointer;
			break;
		case DT_PLTRELSZ:
			result.call_count = entry->d_un.d_val / sizeof(ElfW(Rela));
			break;
		case DT_GNU_HASH:
			result.gnu_hash = pointer;
			break;
		case DT_SYMBOLIC:
			result.symbolic = true;
			break;
		case DT_FLAGS:
			result.symbolic |= (entry->d_un.d_val & DF_SYMBOLIC) != 0;
			break;
		case DT_HASH:
			result.sysv_hash = pointer;
			break;
		default:
			break;
		}
	}
	if (!result.symbols || !result.strings)
		return error_set(err, SUTURE_E_UNSUPPORTED, "%s has no dynamic symbols",
				 module->path);
	/* Sizes that are absent leave their tables empty. */
	if (!result.relocs)
		result.reloc_count = 0;
	if (!result.calls)
		result.call_count = 0;
	if (result.sysv_hash)
		result.symbol_count = result.sysv_hash[1];
	else if (result.gnu_hash)
		result.symbol_count = count_gnu_hash(result.gnu_hash);
	*dynamic = result;
	return 0;
}

static const char *symbol_name(const struct dynamic *dynamic, const ElfW(Sym) * symbol)
{
	return symbol->st_name < dynamic->strings_size ? dynamic->strings + symbol->st_name : "";
}

/* The name of version index, from what is needed or defined; NULL for unversioned. */
static const char *version_name(const struct dynamic *dynamic, ElfW(Versym) index)
{
	const uint8_t *at = (const uint8_t *)dynamic->needs;

	index &= 0x7fff; /* the top bit marks hidden versions */
	if (index <= VER_NDX_GLOBAL)
		return NULL;
	for (size_t i = 0; at && i < dynamic->need_count; i++) {
		const ElfW(Verneed) *need = (const ElfW(Verneed) *)at;
		const uint8_t *aux_at = at + need->vn_aux;

		for (size_t j = 0; j < need->vn_cnt; j++) {
			const ElfW(Vernaux) *aux = (const ElfW(Vernaux) *)aux_at;

			if (aux->vna_other == index)
				return dynamic->strings + aux->vna_name;
			aux_at += aux->vna_next;
		}
		at += need->vn_next;
	}
	at = (const uint8_t *)dynamic->defines;
	for (size_t i = 0; at && i < dynamic->define_count; i++) {
		const ElfW(Verdef) *define = (const ElfW(Verdef) *)at;

		if (define->vd_ndx == index) {
			const ElfW(Verdaux) *aux = (const ElfW(Verdaux) *)(at + define->vd_aux);

			return dynamic->strings + aux->vda_name;
		}
		at += define->vd_next;
	}
	return NULL;
}

static bool symbol_matches(const struct dynamic *dynamic, size_t index, const char *name,
			   const char *version)
{
	const char *own;

	if (strcmp(symbol_name(dynamic, &dynamic->symbols[index]), name) != 0)
		return false;
	if (!version || !dynamic->versions)
		return true;
	own = version_name(dynamic, dynamic->versions[index]);
	return !own || strcmp(own, version) == 0;
}

const ElfW(Rela) * dynamic_find_reloc(const struct dynamic *dynamic, const char *name,
				      const char *version, int *form)
{
	const ElfW(Rela) *best = NULL;
	const struct {
		const ElfW(Rela) * table;
		size_t count;
	} tables[] = {
		{dynamic->relocs, dynamic->reloc_count},
		{dynamic->calls, dynamic->call_count},
	};

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		for (size_t i = 0; i < tables[t].count; i++) {
			const ElfW(Rela) *reloc = &tables[t].table[i];
			size_t index = ELF64_R_SYM(reloc->r_info);
			struct arch_reloc_info info;

			if (!index || !symbol_matches(dynamic, index, name, version) ||
			    arch_native()->reloc_info(ELF64_R_TYPE(reloc->r_info), &info) !=
				    ARCH_OK)
				continue;
			/* An offset from a symbol is not the symbol. */
			if (info.form == ARCH_RELOC_ABSOLUTE && reloc->r_addend)
				continue;
			*form = info.form;
			/* A copied object is the one that everybody uses; nothing beats that. */
			if (info.form == ARCH_RELOC_COPY || t == 0)
				return reloc;
			if (!best)
				best = reloc;
		}
	}
	return best;
}

void dynamic_each_use(const struct dynamic *dynamic, const char *name,
		      void (*each)(const struct image_module *module, const ElfW(Rela) * reloc,
				   int form, void *context),
		      void *context)
{
	const struct {
		const ElfW(Rela) * table;
		size_t count;
	} tables[] = {
		{dynamic->relocs, dynamic->reloc_count},
		{dynamic->calls, dynamic->call_count},
	};

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (size_t i = 0; i < tables[t].count; i++) {
			const ElfW(Rela) *reloc = &tables[t].table[i];
			size_t index = ELF64_R_SYM(reloc->r_info);
			struct arch_reloc_info info;

			if (index && !reloc->r_addend &&
			    dynamic->symbols[index].st_shndx == SHN_UNDEF &&
			    strcmp(symbol_name(dynamic, &dynamic->symbols[index]), name) == 0 &&
			    arch_native()->reloc_info(ELF64_R_TYPE(reloc->r_info), &info) ==
				    ARCH_OK)
				each(dynamic->module, reloc, info.form, context);
		}
}

const ElfW(Sym) *
	dynamic_find_symbol(const struct dynamic *dynamic, const char *name, const char *version)
{
	for (size_t i = 1; i < dynamic->symbol_count; i++)
		if (dynamic->symbols[i].st_shndx != SHN_UNDEF &&
		    symbol_matches(dynamic, i, name, version))
			return &dynamic->symbols[i];
	return NULL;
}

const char *dynamic_name_of(const struct dynamic *dynamic, uint64_t address)
{
	for (size_t i = 1; i < dynamic->symbol_count; i++) {
		const ElfW(Sym) *symbol = &dynamic->symbols[i];

		if (symbol->st_shndx != SHN_UNDEF && symbol->st_value == address &&
		    ELF64_ST_TYPE(symbol->st_info) == STT_OBJECT &&
		    ELF64_ST_VISIBILITY(symbol->st_other) == STV_DEFAULT)
			return symbol_name(dynamic, symbol);
	}
	return NULL;
}
