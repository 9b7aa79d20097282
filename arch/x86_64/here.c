/* SPDX-License-Identifier: MIT */
/* Registers of stacks that nobody traces: of the calling thread, and of a saved context. */
#include "arch/arch.h"
#include "arch/x86_64/regs.h"

#include <ucontext.h>

/*
 * DWARF numbers: rbx 3, rbp 6, rsp 7, r12 to r15 12 to 15, return address 16. Others are not
 * preserved by calls: unknown. The offsets are those of struct arch_regs.
 */
_Static_assert(offsetof(struct arch_regs, known) == 272 && offsetof(struct arch_regs, pc) == 280,
	       "used below");

__asm__(".pushsection .text\n"
	".globl arch_regs_here\n"
	".hidden arch_regs_here\n"
	".type arch_regs_here, @function\n"
	"arch_regs_here:\n"
	".cfi_startproc\n"
	"endbr64\n"
	"movq %rbx, 24(%rdi)\n"	 /* mov [rdi+24], rbx */
	"movq %rbp, 48(%rdi)\n"	 /* mov [rdi+48], rbp */
	"leaq 8(%rsp), %rax\n"	 /* lea rax, [rsp+8]: after the return */
	"movq %rax, 56(%rdi)\n"	 /* mov [rdi+56], rax */
	"movq %r12, 96(%rdi)\n"	 /* mov [rdi+96], r12 */
	"movq %r13, 104(%rdi)\n" /* mov [rdi+104], r13 */
	"movq %r14, 112(%rdi)\n" /* mov [rdi+112], r14 */
	"movq %r15, 120(%rdi)\n" /* mov [rdi+120], r15 */
	"movq (%rsp), %rax\n"	 /* mov rax, [rsp]: where it returns to */
	"movq %rax, 128(%rdi)\n" /* mov [rdi+128], rax */
	"movq %rax, 280(%rdi)\n" /* mov [rdi+280], rax */
	"movl $0x1f0c8, %eax\n"	 /* mov eax, bits 3 6 7 12 to 16 */
	"movq %rax, 272(%rdi)\n" /* mov [rdi+272], rax */
	"ret\n"
	".cfi_endproc\n"
	".size arch_regs_here, . - arch_regs_here\n"
	".popsection\n");

void arch_regs_from_context_stopped(const void *ucontext, struct arch_regs *out)
{
	const ucontext_t *context = ucontext;
	const greg_t *saved = context->uc_mcontext.gregs;

	out->value[3] = (uint64_t)saved[REG_RBX];
	out->value[X86_DWARF_RBP] = (uint64_t)saved[REG_RBP];
	out->value[X86_DWARF_RSP] = (uint64_t)saved[REG_RSP];
	out->value[12] = (uint64_t)saved[REG_R12];
	out->value[13] = (uint64_t)saved[REG_R13];
	out->value[14] = (uint64_t)saved[REG_R14];
	out->value[15] = (uint64_t)saved[REG_R15];
	out->value[X86_DWARF_RETURN] = (uint64_t)saved[REG_RIP];
	out->known = 0x1f0c8; /* bits 3 6 7 12 to 16 */
	out->pc = (uint64_t)saved[REG_RIP];
}

size_t arch_context_size(void)
{
	return offsetof(ucontext_t, uc_mcontext) + sizeof(mcontext_t);
}

uintptr_t arch_return_address_at_entry(const struct arch_regs *regs)
{
	return *(const uintptr_t *)(uintptr_t)regs->value[X86_DWARF_RSP];
}
