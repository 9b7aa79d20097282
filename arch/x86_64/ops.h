/* SPDX-License-Identifier: MIT */
/* The x86-64 table; arch/arch.h has the contract. */
#ifndef ARCH_X86_64_OPS_H
#define ARCH_X86_64_OPS_H

#include "arch/arch.h"

extern const struct arch_ops arch_x86_64;

#endif
