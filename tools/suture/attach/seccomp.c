/* SPDX-License-Identifier: MIT */
/* Reading and running seccomp filters; see seccomp.h. */
#include "cli/attach/seccomp.h"

#include "arch/arch.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_FILTERS = 64 };

struct wanted {
	long number;
	const char *name;
	uint64_t arguments[ARCH_MAX_CALL];
};

/* What is asked of the kernel from the borrowing to the first answer on the socket. */
static const struct wanted injected[] = {
	{SYS_mmap,
	 "mmap of executable memory",
	 {0, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX, 0}},
	{SYS_mprotect, "mprotect", {4096, 4096, PROT_READ | PROT_WRITE, 0, 0, 0}},
	{SYS_munmap, "munmap", {4096, 4096, 0, 0, 0, 0}},
	{SYS_sched_yield, "sched_yield", {0}},
	{SYS_rt_sigprocmask, "rt_sigprocmask", {0, 0, 0, 8, 0, 0}},
	{SYS_clone, "clone of a thread", {0x3d0f00, 4096, 4096, 4096, 0, 0}},
	{SYS_clone3, "clone3", {4096, 88, 0, 0, 0, 0}},
	{SYS_rseq, "rseq", {4096, 32, 0, 0, 0, 0}},
	{SYS_set_robust_list, "set_robust_list", {4096, 24, 0, 0, 0, 0}},
	{SYS_openat, "openat", {(uint64_t)AT_FDCWD, 4096, O_RDONLY | O_CLOEXEC, 0, 0, 0}},
	{SYS_read, "read", {3, 4096, 832, 0, 0, 0}},
	{SYS_fstat, "fstat", {3, 4096, 0, 0, 0, 0}},
	{SYS_newfstatat, "newfstatat", {3, 4096, 4096, 0x1000, 0, 0}},
	{SYS_close, "close", {3, 0, 0, 0, 0, 0}},
	{SYS_mmap,
	 "mmap of a library",
	 {4096, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE, 3, 4096}},
	{SYS_socket, "socket", {AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, 0, 0, 0}},
	{SYS_bind, "bind", {3, 4096, 110, 0, 0, 0}},
	{SYS_listen, "listen", {3, 16, 0, 0, 0, 0}},
	{SYS_accept4, "accept4", {3, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK, 0, 0}},
	{SYS_getsockopt, "getsockopt", {3, SOL_SOCKET, SO_PEERCRED, 4096, 4096, 0}},
	{SYS_recvmsg, "recvmsg", {3, 4096, 0, 0, 0, 0}},
	{SYS_sendmsg, "sendmsg", {3, 4096, MSG_NOSIGNAL, 0, 0, 0}},
	{SYS_epoll_create1, "epoll_create1", {O_CLOEXEC, 0, 0, 0, 0, 0}},
	{SYS_epoll_ctl, "epoll_ctl", {3, 1, 4, 4096, 0, 0}},
	{SYS_epoll_wait, "epoll_wait", {3, 4096, 16, UINT64_MAX, 0, 0}},
	{SYS_eventfd2, "eventfd2", {0, O_CLOEXEC | O_NONBLOCK, 0, 0, 0, 0}},
	{SYS_nanosleep, "nanosleep", {4096, 0, 0, 0, 0, 0}},
	{SYS_futex, "futex", {4096, 128, 0, 0, 0, 0}},
	{SYS_prctl, "prctl", {PR_SET_NAME, 4096, 0, 0, 0, 0}},
	{SYS_prctl, "prctl", {PR_GET_NAME, 4096, 0, 0, 0, 0}},
	{SYS_prctl, "prctl", {PR_SET_DUMPABLE, 1, 0, 0, 0, 0}},
	{SYS_madvise, "madvise", {4096, 4096, 4, 0, 0, 0}},
	{SYS_exit, "exit of a thread", {0}},
};

/* What an agent does when it is asked for its state, or to apply a patch; not its helper, which may
 * die. */
static const struct wanted served[] = {
	{SYS_read, "read", {3, 4096, 832, 0, 0, 0}},
	{SYS_write, "write", {3, 4096, 8, 0, 0, 0}},
	{SYS_close, "close", {3, 0, 0, 0, 0, 0}},
	{SYS_mmap,
	 "mmap",
	 {4096, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE, 3, 4096}},
	{SYS_mprotect, "mprotect", {4096, 4096, PROT_READ, 0, 0, 0}},
	{SYS_munmap, "munmap", {4096, 4096, 0, 0, 0, 0}},
	{SYS_rt_sigprocmask, "rt_sigprocmask", {0, 0, 0, 8, 0, 0}},
	{SYS_pread64, "pread64", {3, 4096, 4096, 0, 0, 0}},
	{SYS_pwrite64, "pwrite64", {3, 4096, 5, 4096, 0, 0}},
	{SYS_mremap, "mremap", {0}},
	{SYS_getpid, "getpid", {0}},
	{SYS_sendmsg, "sendmsg", {3, 4096, MSG_NOSIGNAL, 0, 0, 0}},
	{SYS_recvmsg, "recvmsg", {3, 4096, 0, 0, 0, 0}},
	{SYS_getsockopt, "getsockopt", {3, SOL_SOCKET, SO_PEERCRED, 4096, 4096, 0}},
	{SYS_clone, "clone", {0x3d0f00, 4096, 4096, 4096, 0, 0}},
	{SYS_wait4, "wait4", {0}},
	{SYS_fsync, "fsync", {0}},
	{SYS_rename, "rename", {0}},
	{SYS_mkdir, "mkdir", {0}},
	{SYS_readlink, "readlink", {0}},
	{SYS_fchmod, "fchmod", {0}},
	{SYS_sysinfo, "sysinfo", {0}},
	{SYS_geteuid, "geteuid", {0}},
	{SYS_prctl, "prctl", {PR_SET_NAME, 4096, 0, 0, 0, 0}},
	{SYS_gettid, "gettid", {0}},
	{SYS_futex, "futex", {4096, 128, 0, 0, 0, 0}},
	{SYS_sched_getaffinity, "sched_getaffinity", {0}},
	{SYS_getdents64, "getdents64", {0}},
	{SYS_clock_gettime, "clock_gettime", {0}},
	{SYS_epoll_wait, "epoll_wait", {3, 4096, 16, UINT64_MAX, 0, 0}},
	{SYS_epoll_ctl, "epoll_ctl", {3, 1, 4, 4096, 0, 0}},
	{SYS_openat, "openat", {(uint64_t)AT_FDCWD, 4096, O_RDONLY | O_CLOEXEC, 0, 0, 0}},
	{SYS_newfstatat, "newfstatat", {3, 4096, 4096, 0x1000, 0, 0}},
	{SYS_set_robust_list, "set_robust_list", {0}},
	{SYS_accept4, "accept4", {3, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK, 0, 0}},
	{SYS_getrandom, "getrandom", {0}},
	{SYS_membarrier, "membarrier", {0}},
	{SYS_rseq, "rseq", {0}},
	{SYS_clone3, "clone3", {4096, 88, 0, 0, 0, 0}},
	{SYS_clock_nanosleep, "clock_nanosleep", {0}},
};

struct machine {
	struct seccomp_data data;
	uint32_t a;
	uint32_t x;
	uint32_t memory[BPF_MEMWORDS];
};

static bool load(struct machine *machine, const struct sock_filter *insn, uint32_t *to)
{
	switch (BPF_MODE(insn->code)) {
	case BPF_IMM:
		*to = insn->k;
		return true;
	case BPF_ABS:
		if (insn->k > sizeof(machine->data) - 4 || insn->k % 4)
			return false;
		memcpy(to, (const uint8_t *)&machine->data + insn->k, 4);
		return true;
	case BPF_MEM:
		if (insn->k >= BPF_MEMWORDS)
			return false;
		*to = machine->memory[insn->k];
		return true;
	case BPF_LEN:
		*to = sizeof(machine->data);
		return true;
	default:
		return false;
	}
}

static bool compute(struct machine *machine, const struct sock_filter *insn)
{
	uint32_t operand = BPF_SRC(insn->code) == BPF_X ? machine->x : insn->k;
	uint32_t *a = &machine->a;

	switch (BPF_OP(insn->code)) {
	case BPF_ADD:
		*a += operand;
		return true;
	case BPF_SUB:
		*a -= operand;
		return true;
	case BPF_MUL:
		*a *= operand;
		return true;
	case BPF_DIV:
		if (operand)
			*a /= operand;
		return operand != 0;
	case BPF_AND:
		*a &= operand;
		return true;
	case BPF_OR:
		*a |= operand;
		return true;
	case BPF_XOR:
		*a ^= operand;
		return true;
	case BPF_LSH:
		*a = operand < 32 ? *a << operand : 0;
		return true;
	case BPF_RSH:
		*a = operand < 32 ? *a >> operand : 0;
		return true;
	case BPF_NEG:
		*a = -*a;
		return true;
	default:
		return false;
	}
}

/* How far to go on, or -1. */
static long jump(const struct machine *machine, const struct sock_filter *insn)
{
	uint32_t operand = BPF_SRC(insn->code) == BPF_X ? machine->x : insn->k;
	bool taken;

	switch (BPF_OP(insn->code)) {
	case BPF_JA:
		return insn->k;
	case BPF_JEQ:
		taken = machine->a == operand;
		break;
	case BPF_JGT:
		taken = machine->a > operand;
		break;
	case BPF_JGE:
		taken = machine->a >= operand;
		break;
	case BPF_JSET:
		taken = machine->a & operand;
		break;
	default:
		return -1;
	}
	return taken ? insn->jt : insn->jf;
}

uint32_t seccomp_evaluate(const struct sock_filter *program, size_t count, uint32_t arch,
			  long number, const uint64_t arguments[6])
{
	struct machine machine = {.data = {.nr = (int)number, .arch = arch}};
	long distance;

	for (int i = 0; i < 6; i++)
		machine.data.args[i] = arguments[i];
	/* Jumps only go forward: it ends. */
	for (size_t at = 0; at < count; at++) {
		const struct sock_filter *insn = &program[at];
		bool good = true;

		switch (BPF_CLASS(insn->code)) {
		case BPF_LD:
			good = load(&machine, insn, &machine.a);
			break;
		case BPF_LDX:
			good = load(&machine, insn, &machine.x);
			break;
		case BPF_ST:
		case BPF_STX:
			good = insn->k < BPF_MEMWORDS;
			if (good)
				machine.memory[insn->k] =
					BPF_CLASS(insn->code) == BPF_ST ? machine.a : machine.x;
			break;
		case BPF_ALU:
			good = compute(&machine, insn);
			break;
		case BPF_JMP:
			distance = jump(&machine, insn);
			good = distance >= 0;
			at += good ? (size_t)distance : 0;
			break;
		case BPF_RET:
			return BPF_RVAL(insn->code) == BPF_A ? machine.a : insn->k;
		default: /* BPF_MISC */
			if (BPF_MISCOP(insn->code) == BPF_TAX)
				machine.x = machine.a;
			else
				machine.a = machine.x;
		}
		if (!good)
			return SECCOMP_RET_KILL_PROCESS;
	}
	return SECCOMP_RET_KILL_PROCESS;
}

/* The C library does without these where they are refused, but not where they kill. */
static bool may_fail(long number)
{
	return number == SYS_clone3 || number == SYS_rseq || number == SYS_set_robust_list ||
	       number == SYS_madvise || number == SYS_prctl;
}

static int check_filter(const struct sock_filter *program, size_t count, struct suture_error *err)
{
	for (size_t i = 0; i < sizeof(injected) / sizeof(injected[0]); i++) {
		const struct wanted *call = &injected[i];
		uint32_t says = seccomp_evaluate(program, count, arch_native()->audit_arch,
						 call->number, call->arguments);

		says &= SECCOMP_RET_ACTION_FULL;
		if (says == SECCOMP_RET_ALLOW || says == SECCOMP_RET_LOG ||
		    (may_fail(call->number) && says == SECCOMP_RET_ERRNO))
			continue;
		error_set(err, SUTURE_E_UNSUPPORTED, "its seccomp filter forbids %s", call->name);
		return error_next(err, "start it with LD_PRELOAD=libsuture.so, which begins before "
				       "the filter, or permit that call");
	}
	return 0;
}

int seccomp_mode(pid_t tid)
{
	char path[64], line[256];
	int mode = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Seccomp: %d", &mode) == 1)
			break;
	if (file)
		fclose(file);
	return mode;
}

static bool kills(uint32_t action)
{
	return action == SECCOMP_RET_KILL_PROCESS || action == SECCOMP_RET_KILL_THREAD ||
	       action == SECCOMP_RET_TRAP;
}

static int check_deadly(const struct sock_filter *program, size_t count, struct suture_error *err)
{
	for (size_t i = 0; i < sizeof(served) / sizeof(served[0]); i++) {
		const struct wanted *call = &served[i];
		uint32_t says = seccomp_evaluate(program, count, arch_native()->audit_arch,
						 call->number, call->arguments);

		if (!kills(says & SECCOMP_RET_ACTION_FULL))
			continue;
		error_set(err, SUTURE_E_UNSUPPORTED,
			  "a seccomp filter would kill it as soon as its agent calls %s",
			  call->name);
		return error_next(err, "permit that call, or refuse it with an error instead");
	}
	return 0;
}

/* Of a thread that is stopped. False: they can't be read. */
static bool for_each_filter(pid_t tid,
			    int (*check)(const struct sock_filter *program, size_t count,
					 struct suture_error *err),
			    int *rc, struct suture_error *err)
{
	static struct sock_filter program[BPF_MAXINSNS];

	*rc = 0;
	for (long i = 0; !*rc && i < MAX_FILTERS; i++) {
		long count = ptrace(PTRACE_SECCOMP_GET_FILTER, tid, i, NULL);

		if (count < 0 && errno == ENOENT)
			return true;
		if (count < 0 || count > BPF_MAXINSNS ||
		    ptrace(PTRACE_SECCOMP_GET_FILTER, tid, i, program) < 0)
			return false;
		*rc = check(program, (size_t)count, err);
	}
	return true;
}

/* What can't be got in, and what could get in but would kill it with the first question. */
static int check_both(const struct sock_filter *program, size_t count, struct suture_error *err)
{
	int rc = check_filter(program, count, err);

	return rc ? rc : check_deadly(program, count, err);
}

int seccomp_permits(pid_t tid, struct suture_error *err)
{
	int mode = seccomp_mode(tid), rc = 0;

	if (mode == SECCOMP_MODE_STRICT)
		return error_set(err, SUTURE_E_UNSUPPORTED, "it is in strict seccomp mode");
	if (mode != SECCOMP_MODE_FILTER || for_each_filter(tid, check_both, &rc, err))
		return rc;
	error_set(err, SUTURE_E_UNSUPPORTED, "it has a seccomp filter that can't be read");
	/* The kernel shows filters to root, and only to who is under none. */
	if (geteuid() == 0)
		return error_next(err, "suture is in a container, or under a filter itself: run it "
				       "on the host, or start the server with "
				       "LD_PRELOAD=libsuture.so");
	return error_next(err,
			  "run suture as root, which may look whether the filter would kill it");
}

int seccomp_spares(pid_t tid, struct suture_error *err)
{
	int rc;

	return for_each_filter(tid, check_deadly, &rc, err) ? rc : 0;
}
