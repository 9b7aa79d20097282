/* SPDX-License-Identifier: MIT */
/* Registers for an errand: no call is restarted by accident, and no restart is forgotten. */
#include "../test.h"

#include "arch/arch.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/user.h>

static void knows_a_call_that_starts_again(void **state)
{
	const struct arch_ops *arch = arch_native();
	struct user_regs_struct regs = {.orig_rax = SYS_read, .rax = (uint64_t)-512};
	long number = -1;

	(void)state;
	assert_true(arch->in_syscall(&regs, &number));
	assert_int_equal(number, SYS_read);
	regs.rax = 17; /* it has ended */
	assert_false(arch->in_syscall(&regs, &number));
	regs.rax = (uint64_t)-EINTR;
	assert_false(arch->in_syscall(&regs, &number));
	regs.rax = (uint64_t)-516;
	assert_true(arch->in_syscall(&regs, &number));
	arch->forget_rest(&regs);
	assert_int_equal((int64_t)regs.rax, -514);
	regs.orig_rax = UINT64_MAX; /* it was in none */
	assert_false(arch->in_syscall(&regs, &number));
}

static void sets_registers_that_nothing_restarts(void **state)
{
	const struct arch_ops *arch = arch_native();
	const uint64_t arguments[ARCH_MAX_CALL] = {1, 2, 3, 4, 5, 6};
	struct user_regs_struct regs = {.orig_rax = SYS_read, .eflags = 0x400 | 0x100 | 2};

	(void)state;
	arch->set_syscall(&regs, 0x1234, SYS_mmap, arguments);
	assert_int_equal((int64_t)regs.orig_rax, -1);
	assert_int_equal(regs.eflags, 2);
	assert_int_equal(regs.rip, 0x1234);
	assert_int_equal(regs.rax, SYS_mmap);
	assert_int_equal(regs.r10, 4);
	arch->set_call(&regs, 0x5678, 9, 0x10000);
	assert_int_equal(regs.rip, 0x5678);
	assert_int_equal(regs.rdi, 9);
	/* As behind a call. */
	assert_int_equal(regs.rsp % 16, 8);
	assert_true(regs.rsp < 0x10000);
}

/* Locks of libraries are futexes: never better than a wait that can be nothing else. */
static void ranks_waits(void **state)
{
	const struct arch_ops *arch = arch_native();

	(void)state;
	assert_true(arch->wait_rank(SYS_epoll_wait) < arch->wait_rank(SYS_read));
	assert_true(arch->wait_rank(SYS_read) < arch->wait_rank(SYS_futex));
	assert_true(arch->wait_is_futex(SYS_futex));
	assert_true(arch->wait_is_futex(SYS_restart_syscall));
	assert_int_equal(arch->wait_rank(SYS_mmap), 0);
	assert_int_equal(arch->wait_rank(SYS_clone), 0);
	assert_int_equal(arch->wait_rank(-1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_a_call_that_starts_again),
		cmocka_unit_test(sets_registers_that_nothing_restarts),
		cmocka_unit_test(ranks_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
