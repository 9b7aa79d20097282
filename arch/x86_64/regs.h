/* SPDX-License-Identifier: MIT */
/* The registers of a stopped thread. */
#ifndef ARCH_X86_64_REGS_H
#define ARCH_X86_64_REGS_H

#include "arch/arch.h"

/* Those used by name; rax 0, rdx 1, rcx 2, rbx 3, rsi 4, rdi 5, r8 8 … r15 15. */
enum { X86_DWARF_RBP = 6, X86_DWARF_RSP = 7, X86_DWARF_RETURN = 16 };

void x86_regs_from_user_stopped(const void *user_regs, struct arch_regs *out);
void x86_regs_from_sleep_stopped(uint64_t sp, uint64_t pc, struct arch_regs *out);
bool x86_syscall_restart_stopped(void *user_regs);

#endif
