/* SPDX-License-Identifier: MIT */
/*
 * Time, and waiting for a word to change. Raw system calls: used by the helper, and by the caller
 * while threads are stopped.
 */
#include "stop/session.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

enum { SPINS = 64 /* between two looks at the clock */ };

uint64_t wait_now_stopped(void)
{
	struct timespec now = {0};

	arch_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0, 0, 0, 0);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint32_t wait_change_stopped(_Atomic uint32_t *word, uint32_t old, uint64_t spin_ns)
{
	uint64_t start = spin_ns ? wait_now_stopped() : 0;
	uint32_t value;

	/* Acquire: partner of the release store of the other side (phase, command). */
	while (spin_ns && wait_now_stopped() - start < spin_ns)
		for (unsigned i = 0; i < SPINS; i++) {
			value = atomic_load_explicit(word, memory_order_acquire);
			if (value != old)
				return value;
			arch_relax();
		}
	/* Not FUTEX_PRIVATE: the kernel's wake at the helper's death is a shared one. */
	while ((value = atomic_load_explicit(word, memory_order_acquire)) == old)
		arch_syscall(SYS_futex, (long)word, FUTEX_WAIT, (long)old, 0, 0, 0);
	return value;
}

uint32_t wait_soon_stopped(_Atomic uint32_t *word, uint32_t old)
{
	struct timespec limit = {.tv_nsec = STOP_SOON_NS};

	/* Acquire, and not private: as above. A signal or a value that is new ends it early. */
	if (atomic_load_explicit(word, memory_order_acquire) == old)
		arch_syscall(SYS_futex, (long)word, FUTEX_WAIT, (long)old, (long)&limit, 0, 0);
	return atomic_load_explicit(word, memory_order_acquire);
}

void wait_wake_stopped(_Atomic uint32_t *word)
{
	arch_syscall(SYS_futex, (long)word, FUTEX_WAKE, 1, 0, 0, 0);
}
