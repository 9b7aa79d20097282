/* SPDX-License-Identifier: MIT */
/* Where branches go, and moving instructions elsewhere. */
#ifndef ARCH_X86_64_BRANCH_H
#define ARCH_X86_64_BRANCH_H

#include "arch/arch.h"

enum arch_reason x86_scan_branches(const struct arch_scan *scan);
void x86_find_distances(const uint8_t *code, size_t size, uint64_t address, uint64_t low,
			uint64_t high,
			void (*found)(void *context, uint64_t place, uint64_t target),
			void *context);
enum arch_reason x86_relocate(const uint8_t *code, size_t size, uint64_t from, size_t window_size,
			      uint64_t to, struct arch_relocated *out);

#endif
