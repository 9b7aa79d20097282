/*
 * Restricts itself, then becomes another program:
 *
 *   target-sandbox LIMIT… -- PROGRAM ARG…
 *
 *   no-new-privs   PR_SET_NO_NEW_PRIVS
 *   mdwe           PR_SET_MDWE: nothing may become executable that was not
 *   wx             the same by a seccomp filter, as systemd's MemoryDenyWriteExecute= makes it
 *   no-memfd       memfd_create() fails with EPERM
 *   no-listen      listen() fails with EPERM
 *   kill-priority  who touches priorities is killed, as systemd's SystemCallFilter=~@resources makes it
 *   kill-ptrace    the same for ptrace(), as SystemCallFilter=@system-service makes it
 *
 * Exit code 77: this kernel has no such limit.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SAY(action) BPF_STMT(BPF_RET | BPF_K, action)
#define DENY	    SAY(SECCOMP_RET_ERRNO | EPERM)
#define ALLOW	    SAY(SECCOMP_RET_ALLOW)
#define KILL	    SAY(SECCOMP_RET_KILL_PROCESS)

static int filter(const struct sock_filter *program, size_t count)
{
	struct sock_fprog what = {(unsigned short)count, (struct sock_filter *)program};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &what);
}

static int deny_call(unsigned number)
{
	const struct sock_filter program[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		DENY,
		ALLOW,
	};

	return filter(program, sizeof(program) / sizeof(program[0]));
}

static int kill_for(unsigned number, unsigned other)
{
	const struct sock_filter program[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, other, 0, 1),
		KILL,
		ALLOW,
	};

	return filter(program, sizeof(program) / sizeof(program[0]));
}

static int deny_write_execute(void)
{
	const struct sock_filter program[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 4),
		LOAD(args[2]),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PROT_WRITE | PROT_EXEC),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROT_WRITE | PROT_EXEC, 5, 6),
		ALLOW, /* not reached */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pkey_mprotect, 0, 3),
		LOAD(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
		DENY,
		ALLOW,
	};

	return filter(program, sizeof(program) / sizeof(program[0]));
}

static int limit(const char *name)
{
	if (strcmp(name, "no-new-privs") == 0)
		return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (strcmp(name, "mdwe") == 0)
		return prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0);
	if (strcmp(name, "wx") == 0)
		return deny_write_execute();
	if (strcmp(name, "no-memfd") == 0)
		return deny_call(SYS_memfd_create);
	if (strcmp(name, "no-listen") == 0)
		return deny_call(SYS_listen);
	if (strcmp(name, "kill-priority") == 0)
		return kill_for(SYS_sched_setattr, SYS_setpriority);
	if (strcmp(name, "kill-ptrace") == 0)
		return kill_for(SYS_ptrace, SYS_ptrace);
	errno = EINVAL;
	return -1;
}

int main(int argc, char **argv)
{
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (limit(argv[i])) {
			perror(argv[i]);
			return 77;
		}
	if (i + 1 < argc)
		execv(argv[i + 1], argv + i + 1);
	perror(argv[0]);
	return 1;
}
