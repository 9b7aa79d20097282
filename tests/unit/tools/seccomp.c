/* SPDX-License-Identifier: MIT */
/* A seccomp filter says of a call what the kernel would: programs as libseccomp writes them. */
#include "../test.h"

#include "cli/attach/seccomp.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#define ARCH AUDIT_ARCH_X86_64
#define RUN(program, number, ...)                                                       \
	seccomp_evaluate(program, sizeof(program) / sizeof((program)[0]), ARCH, number, \
			 (const uint64_t[6]){__VA_ARGS__})

static void allows_what_is_listed(void **state)
{
	static const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
	};

	(void)state;
	assert_int_equal(RUN(program, SYS_read, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(RUN(program, SYS_write, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(RUN(program, SYS_mmap, 0), SECCOMP_RET_ERRNO | 1);
}

/* As systemd's MemoryDenyWriteExecute: an argument, masked. */
static void looks_at_arguments(void **state)
{
	static const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 32), /* third argument, low half */
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 6, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_THREAD),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	(void)state;
	assert_int_equal(RUN(program, SYS_mmap, 0, 4096, 5), SECCOMP_RET_ALLOW);
	assert_int_equal(RUN(program, SYS_mmap, 0, 4096, 3), SECCOMP_RET_ALLOW);
	assert_int_equal(RUN(program, SYS_mmap, 0, 4096, 7), SECCOMP_RET_KILL_THREAD);
}

static void computes(void **state)
{
	static const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_IMM, 40), BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_LDX | BPF_W | BPF_MEM, 3), BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),	BPF_STMT(BPF_LD | BPF_W | BPF_IMM, 1),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 3), BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 1),
		BPF_STMT(BPF_MISC | BPF_TXA, 0),	BPF_STMT(BPF_RET | BPF_A, 0),
	};

	(void)state;
	assert_int_equal(RUN(program, 0, 0), 80);
}

static void what_is_not_understood_kills(void **state)
{
	static const struct sock_filter unknown[] = {BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0)};
	static const struct sock_filter endless[] = {BPF_STMT(BPF_LD | BPF_W | BPF_IMM, 0)};
	static const struct sock_filter beyond[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64),
						    BPF_STMT(BPF_RET | BPF_K, 0x7fff0000)};

	(void)state;
	assert_int_equal(RUN(unknown, 0, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(RUN(endless, 0, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(RUN(beyond, 0, 0), SECCOMP_RET_KILL_PROCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allows_what_is_listed),
		cmocka_unit_test(looks_at_arguments),
		cmocka_unit_test(computes),
		cmocka_unit_test(what_is_not_understood_kills),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
