/* SPDX-License-Identifier: MIT */
/* Registers by DWARF number, and which interrupted system calls are restarted. */
#include "../test.h"

#include "arch/arch.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <unistd.h>

static void registers_get_their_dwarf_numbers(void **state)
{
	const struct arch_ops *arch = arch_native();
	struct user_regs_struct user = {.rax = 0,
					.rdx = 1,
					.rcx = 2,
					.rbx = 3,
					.rsi = 4,
					.rdi = 5,
					.rbp = 6,
					.rsp = 7,
					.r8 = 8,
					.r9 = 9,
					.r10 = 10,
					.r11 = 11,
					.r12 = 12,
					.r13 = 13,
					.r14 = 14,
					.r15 = 15,
					.rip = 16};
	struct arch_regs regs = {0};

	(void)state;
	assert_int_equal(arch->user_regs_size, sizeof(user));
	arch->regs_from_user_stopped(&user, &regs);
	for (unsigned i = 0; i <= 16; i++) {
		assert_true(regs.known >> i & 1);
		assert_int_equal(regs.value[i], i);
	}
	assert_int_equal(regs.known >> 17, 0);
	assert_int_equal(regs.pc, 16);
	assert_int_equal(arch->dwarf_sp, 7);
	assert_int_equal(arch->dwarf_fp, 6);
	assert_int_equal(arch->dwarf_return, 16);
}

static void sleepers_have_a_stack_pointer_and_nothing_else(void **state)
{
	struct arch_regs regs = {0};

	(void)state;
	arch_native()->regs_from_sleep_stopped(0x1000, 0x2000, &regs);
	assert_int_equal(regs.known, 1 << 7 | 1 << 16);
	assert_int_equal(regs.value[7], 0x1000);
	assert_int_equal(regs.pc, 0x2000);
}

static bool restarts(long number, long result)
{
	struct user_regs_struct user = {.orig_rax = (unsigned long long)number,
					.rax = (unsigned long long)result,
					.rip = 0x1234};
	bool changed = arch_native()->syscall_restart_stopped(&user);

	assert_int_equal(user.rip, 0x1234);
	assert_int_equal(user.orig_rax, number);
	assert_int_equal((long)user.rax, changed ? -514 : result);
	return changed;
}

static void calls_that_would_say_eintr_start_again(void **state)
{
	static const long listed[] = {SYS_epoll_wait,	   SYS_epoll_pwait,    SYS_epoll_pwait2,
				      SYS_rt_sigtimedwait, SYS_io_uring_enter, SYS_semop,
				      SYS_semtimedop,	   SYS_io_getevents,   SYS_recvfrom,
				      SYS_recvmsg,	   SYS_read,	       SYS_accept4,
				      SYS_connect};

	(void)state;
	for (size_t i = 0; i < sizeof(listed) / sizeof(listed[0]); i++)
		assert_true(restarts(listed[i], -EINTR));
	/* What the kernel restarts by itself has other results. */
	assert_false(restarts(SYS_epoll_wait, -512));
	assert_false(restarts(SYS_epoll_wait, 3));
	assert_false(restarts(SYS_epoll_wait, -EAGAIN));
	/* Not in a system call. */
	assert_false(restarts(-1, -EINTR));
	/* Running it twice is not the same as once. */
	assert_false(restarts(SYS_close, -EINTR));
}

static void raw_system_calls_return_the_kernels_value(void **state)
{
	(void)state;
	errno = 0;
	assert_int_equal(arch_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0), getpid());
	assert_int_equal(arch_syscall(SYS_close, -1, 0, 0, 0, 0, 0), -EBADF);
	assert_int_equal(errno, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_get_their_dwarf_numbers),
		cmocka_unit_test(sleepers_have_a_stack_pointer_and_nothing_else),
		cmocka_unit_test(calls_that_would_say_eintr_start_again),
		cmocka_unit_test(raw_system_calls_return_the_kernels_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
