/* SPDX-License-Identifier: MIT */
/*
 * The loader has left the slots of weak symbols that nobody defined at 0; see late.h. Each is
 * filled by one aligned store, while other threads read it. What leaves comes before what enters:
 * whoever finds the one must find the other.
 */
#include "agent/late.h"

#include "arch/arch.h"
#include "base/log.h"
#include "image/dynamic.h"

#include <suture/suture.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

struct symbol {
	const char *name;
	uintptr_t address; /* 0: is not to be found any more */
	bool called;	   /* now those that calls go through, else those that are looked at */
	unsigned unheard;  /* enum late_unheard: what those have said who look for it */
};

static atomic_uint unheard; /* written once, before the agent serves */

/* A slot that the loader has made read-only is so again afterwards: nobody else has to write it. */
static bool is_read_only(const struct image_module *module, uintptr_t slot)
{
	for (size_t i = 0; i < module->phnum; i++) {
		const ElfW(Phdr) *segment = &module->phdr[i];
		uintptr_t start = module->bias + segment->p_vaddr;

		if (segment->p_type == PT_GNU_RELRO && slot >= start &&
		    slot < start + segment->p_memsz)
			return true;
	}
	return false;
}

static void fill(const struct image_module *module, const ElfW(Rela) * reloc, int form,
		 void *context)
{
	const struct symbol *symbol = context;
	uintptr_t slot = module->bias + reloc->r_offset;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *start = (void *)(slot & ~(page - 1));
	uintptr_t value;

	if (symbol->called != (form == ARCH_RELOC_SLOT_CALL))
		return;
	if (!image_module_covers(module, slot, sizeof(value), PF_W) || slot % sizeof(value))
		return;
	/* One of a call leads into the module itself as long as nobody has called. */
	value = atomic_load_explicit((_Atomic uintptr_t *)slot, memory_order_relaxed);
	if (!value)
		atomic_fetch_or_explicit(&unheard, symbol->unheard, memory_order_relaxed);
	if (value == symbol->address || (value && form != ARCH_RELOC_SLOT_CALL))
		return;
	if (is_read_only(module, slot) && mprotect(start, page, PROT_READ | PROT_WRITE) < 0) {
		log_error("%s does not find %s", image_module_name(module), symbol->name);
		return;
	}
	/* Release: partner of the plain load in SUTURE_FOUND(), which the processor orders. */
	atomic_store_explicit((_Atomic uintptr_t *)slot, symbol->address, memory_order_release);
	if (is_read_only(module, slot))
		mprotect(start, page, PROT_READ);
}

static void each_module(const struct image *image, struct symbol *symbol)
{
	for (size_t i = 0; i < image->count; i++) {
		struct dynamic dynamic;

		if (dynamic_open(&image->modules[i], &dynamic, NULL) == 0)
			dynamic_each_use(&dynamic, symbol->name, fill, symbol);
	}
}

void late_be_found(void)
{
	struct symbol symbols[] = {
		{"suture_safepoint_depart", (uintptr_t)suture_safepoint_depart, false, 0},
		{"suture_safepoint_visit", (uintptr_t)suture_safepoint_visit, false, 0},
		{"suture_safepoint_state", (uintptr_t)&suture_safepoint_state, false, 0},
		{"suture_agent_scope_leave", (uintptr_t)suture_agent_scope_leave, false, 0},
		{"suture_agent_scope_end", (uintptr_t)suture_agent_scope_end, false, 0},
		{"suture_agent_scope_current", (uintptr_t)suture_agent_scope_current, false, 0},
		{"suture_agent_scope_adopt", (uintptr_t)suture_agent_scope_adopt, false, 0},
		{"suture_agent_scope_enter", (uintptr_t)suture_agent_scope_enter, false, 0},
		{"suture_fiber_remove", (uintptr_t)suture_fiber_remove, false, 0},
		{"suture_fiber_add", (uintptr_t)suture_fiber_add, false, LATE_FIBERS},
		{"suture_agent_command", 0, false, LATE_COMMANDS},
		{"suture_agent_objects", 0, false, LATE_OBJECTS},
	};
	struct suture_error err;
	struct image image;

	if (image_take(&image, &err)) {
		log_error("safe points and scopes: %s", err.message);
		return;
	}
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
		/* Whoever sees that a function is there must be able to call it. */
		for (int called = 1; called >= 0; called--) {
			symbols[i].called = called;
			each_module(&image, &symbols[i]);
		}
	image_fini(&image);
}

unsigned late_unheard(void)
{
	return atomic_load_explicit(&unheard, memory_order_relaxed);
}
