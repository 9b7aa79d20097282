/* SPDX-License-Identifier: MIT */
/* System calls without libc: no errno, no cancellation, callable in any context. */
#include "arch/arch.h"

long arch_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

void arch_relax(void)
{
	__asm__ volatile("pause");
}
