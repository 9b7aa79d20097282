/* SPDX-License-Identifier: MIT */
/*
 * The frame by which rt_sigreturn() puts all of a thread's state back: registers, vectors, mask. It
 * is what the kernel writes for a signal handler (struct rt_sigframe): a return address, which is
 * popped before the call, then a ucontext, whose vectors lie behind it.
 */
#include "arch/x86_64/borrow.h"

#include <signal.h>
#include <string.h>
#include <sys/ucontext.h>
#include <sys/user.h>

enum {
	CONTEXT_AT = 8,	   /* behind the return address */
	VECTORS_AT = 1024, /* from the frame's start, which is aligned as they must be */
	SOFTWARE_AT = 464, /* in the vectors: what struct _fpx_sw_bytes tells */
	MASK_AT = 464,	   /* in what ptrace gives of them: which parts there are */
	MAGIC_1 = 0x46505853,
	MAGIC_2 = 0x46505845,
	LEGACY_SIZE = 512,
	KEPT_SIZE = 2696,	    /* all parts but the tiles of AMX, which need a permission */
	FLAG_EXTENDED = 1,	    /* UC_FP_XSTATE */
	FLAG_STACK_SEGMENT = 2 | 4, /* UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS */
	NO_ALTERNATE = 0xff,	    /* makes no sense, so that the kernel leaves that stack alone */
	SYSCALL_SIZE = 2,
};

#define TILES ((uint64_t)3 << 17)

static void fill_registers(const struct user_regs_struct *user, greg_t *to)
{
	const uint64_t values[] = {user->r8,  user->r9,	 user->r10,   user->r11, user->r12,
				   user->r13, user->r14, user->r15,   user->rdi, user->rsi,
				   user->rbp, user->rbx, user->rdx,   user->rax, user->rcx,
				   user->rsp, user->rip, user->eflags};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		to[i] = (greg_t)values[i];
	to[REG_CSGSFS] = (greg_t)(user->cs | user->ss << 48);
}

/* Nobody looks whether a call has to start again: it does so by standing at its instruction. */
static void restart(struct user_regs_struct *user)
{
	long number;

	if (!x86_in_syscall(user, &number))
		return;
	user->rax = (uint64_t)number;
	user->rip -= SYSCALL_SIZE;
}

static size_t fill_vectors(const uint8_t *vectors, size_t size, uint8_t *to)
{
	struct software {
		uint32_t magic1;
		uint32_t extended_size;
		uint64_t features;
		uint32_t size;
		uint32_t padding[7];
	} software = {.magic1 = MAGIC_1};
	const uint32_t magic2 = MAGIC_2;

	if (size > KEPT_SIZE)
		size = KEPT_SIZE;
	memcpy(to, vectors, size);
	if (size <= LEGACY_SIZE)
		return size;
	memcpy(&software.features, vectors + MASK_AT, sizeof(software.features));
	software.features &= ~TILES;
	software.size = (uint32_t)size;
	software.extended_size = (uint32_t)(size + sizeof(magic2));
	memcpy(to + SOFTWARE_AT, &software, sizeof(software));
	memcpy(to + size, &magic2, sizeof(magic2));
	return size + sizeof(magic2);
}

size_t x86_return_frame(const void *user_regs, const void *vectors, size_t vectors_size,
			uint64_t mask, uint64_t address, uint8_t *out, size_t size, uint64_t *sp)
{
	struct user_regs_struct user;
	ucontext_t context = {.uc_flags = FLAG_STACK_SEGMENT, .uc_stack.ss_flags = NO_ALTERNATE};

	if (size <
	    VECTORS_AT + sizeof(uint32_t) + (vectors_size < KEPT_SIZE ? vectors_size : KEPT_SIZE))
		return 0;
	memcpy(&user, user_regs, sizeof(user));
	restart(&user);
	fill_registers(&user, context.uc_mcontext.gregs);
	if (vectors_size > LEGACY_SIZE)
		context.uc_flags |= FLAG_EXTENDED;
	context.uc_mcontext.fpregs = (fpregset_t)(uintptr_t)(address + VECTORS_AT);
	memcpy(&context.uc_sigmask, &mask, sizeof(mask));
	memset(out, 0, VECTORS_AT);
	/* The kernel's is shorter: it ends with the mask. */
	memcpy(out + CONTEXT_AT, &context, offsetof(ucontext_t, uc_sigmask) + sizeof(mask));
	*sp = address + CONTEXT_AT;
	return VECTORS_AT + fill_vectors(vectors, vectors_size, out + VECTORS_AT);
}
