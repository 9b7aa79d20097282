/* SPDX-License-Identifier: MIT */
/* Registers of a thread that does an errand; see arch.h. */
#ifndef ARCH_X86_64_BORROW_H
#define ARCH_X86_64_BORROW_H

#include "arch/arch.h"

/* errand.S; its size and the new thread's entry, checked there by the assembler. */
enum { X86_ERRAND_THREAD = 64, X86_ERRAND_SIZE = 512 };

extern const uint8_t x86_errand[X86_ERRAND_SIZE] __attribute__((visibility("hidden")));

unsigned x86_wait_rank(long number);
bool x86_wait_is_futex(long number);
bool x86_in_syscall(const void *user_regs, long *number);
void x86_set_syscall(void *user_regs, uint64_t at, long number, const uint64_t *arguments);
void x86_set_call(void *user_regs, uint64_t entry, uint64_t argument, uint64_t top);
size_t x86_return_frame(const void *user_regs, const void *vectors, size_t vectors_size,
			uint64_t mask, uint64_t address, uint8_t *out, size_t size, uint64_t *sp);
int64_t x86_result(const void *user_regs);
void x86_forget_rest(void *user_regs);

#endif
