/* SPDX-License-Identifier: MIT */
/* The thread pointer: %fs:0 holds its own address (System V psABI, x86-64 TLS variant II). */
#include "arch/arch.h"

uintptr_t arch_thread_pointer(void)
{
	uintptr_t pointer;

	__asm__("movq %%fs:0, %0" : "=r"(pointer)); /* mov rax, fs:[0] */
	return pointer;
}
