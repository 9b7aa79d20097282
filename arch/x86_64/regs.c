/* SPDX-License-Identifier: MIT */
/* From the kernel's order of registers to DWARF's. Callable while threads are stopped. */
#include "arch/x86_64/regs.h"

#include <sys/user.h>

void x86_regs_from_user_stopped(const void *user_regs, struct arch_regs *out)
{
	const struct user_regs_struct *user = user_regs;

	out->value[0] = user->rax;
	out->value[1] = user->rdx;
	out->value[2] = user->rcx;
	out->value[3] = user->rbx;
	out->value[4] = user->rsi;
	out->value[5] = user->rdi;
	out->value[X86_DWARF_RBP] = user->rbp;
	out->value[X86_DWARF_RSP] = user->rsp;
	out->value[8] = user->r8;
	out->value[9] = user->r9;
	out->value[10] = user->r10;
	out->value[11] = user->r11;
	out->value[12] = user->r12;
	out->value[13] = user->r13;
	out->value[14] = user->r14;
	out->value[15] = user->r15;
	out->value[X86_DWARF_RETURN] = user->rip;
	out->known = (UINT64_C(1) << (X86_DWARF_RETURN + 1)) - 1;
	out->pc = user->rip;
}

void x86_regs_from_sleep_stopped(uint64_t sp, uint64_t pc, struct arch_regs *out)
{
	out->value[X86_DWARF_RSP] = sp;
	out->value[X86_DWARF_RETURN] = pc;
	out->known = UINT64_C(1) << X86_DWARF_RSP | UINT64_C(1) << X86_DWARF_RETURN;
	out->pc = pc;
}
