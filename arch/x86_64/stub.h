/* SPDX-License-Identifier: MIT */
/* Jumps through slots: the linker's and ours. */
#ifndef ARCH_X86_64_STUB_H
#define ARCH_X86_64_STUB_H

#include "arch/arch.h"

void x86_import_stub(struct arch_stub *out);
bool x86_plt_slot(const uint8_t *code, size_t size, uint64_t address, uint64_t *slot);

bool x86_slot_load(uint32_t type, uint8_t *code, size_t size, size_t offset);

#endif
