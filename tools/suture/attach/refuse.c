/* SPDX-License-Identifier: MIT */
/* Refusals that /proc is enough for; see refuse.h. */
#include "cli/attach/refuse.h"

#include "arch/arch.h"
#include "base/error.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/kcmp.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* What is running, not what has its name: /proc/PID/exe opens that very file. */
static int read_executable(const struct process *process, void *out, size_t size, size_t *got,
			   struct suture_error *err)
{
	char path[64];
	ssize_t count;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)process->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EPERM)) {
		error_set(err, SUTURE_E_PERMISSION, "%s (pid %d) belongs to user %u", process->name,
			  (int)process->pid, (unsigned)process->uid);
		return error_next(err, "run suture as that user or as root");
	}
	if (fd < 0)
		return error_set(err, SUTURE_E_NO_PROCESS, "no process has pid %d",
				 (int)process->pid);
	count = read(fd, out, size);
	close(fd);
	*got = count > 0 ? (size_t)count : 0;
	return 0;
}

static int refuse_program(const struct process *process, struct suture_error *err)
{
	_Alignas(ElfW(Ehdr)) uint8_t head[4096];
	const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)head;
	ElfW(Phdr) segment;
	size_t size = 0;
	int rc = read_executable(process, head, sizeof(head), &size, err);

	if (rc)
		return rc;
	if (size < sizeof(*header) || memcmp(head, ELFMAG, SELFMAG) != 0 ||
	    header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_machine != arch_native()->elf_machine) {
		error_set(err, SUTURE_E_ARCHITECTURE, "%s is not a program for %s", process->name,
			  arch_native()->name);
		return error_next(err, "32-bit and other programs can't get an agent");
	}
	for (size_t i = 0; i < header->e_phnum && header->e_phentsize == sizeof(segment); i++) {
		size_t at = header->e_phoff + i * sizeof(segment);

		if (at > size || sizeof(segment) > size - at)
			break;
		memcpy(&segment, head + at, sizeof(segment));
		if (segment.p_type != PT_INTERP)
			continue;
		if (segment.p_offset < size && segment.p_filesz < size - segment.p_offset &&
		    memmem(head + segment.p_offset, segment.p_filesz, "ld-linux", 8))
			return 0;
		error_set(err, SUTURE_E_UNSUPPORTED, "%s uses another C library than glibc",
			  process->name);
		return error_next(err, "musl and others can't get an agent");
	}
	error_set(err, SUTURE_E_UNSUPPORTED, "%s is statically linked", process->name);
	return error_next(err, "link it dynamically");
}

static int refuse_state(const struct process *process, struct suture_error *err)
{
	char path[64], line[256], state = 'S';
	int tracer = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)process->pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "State: %c", &state) != 1)
			sscanf(line, "TracerPid: %d", &tracer);
	if (file)
		fclose(file);
	if (tracer) {
		error_set(err, SUTURE_E_UNSUPPORTED, "%s (pid %d) is traced by pid %d",
			  process->name, (int)process->pid, tracer);
		return error_next(err, "end that debugger, then try again");
	}
	if (state == 'T' || state == 't') {
		error_set(err, SUTURE_E_UNSUPPORTED, "%s (pid %d) is stopped", process->name,
			  (int)process->pid);
		return error_next(err, "let it go on (kill -CONT %d)", (int)process->pid);
	}
	return 0;
}

/* The agent writes code and finds threads by way of /proc/self. */
static int refuse_root(const struct process *process, struct suture_error *err)
{
	struct statfs system;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/root/proc", (int)process->pid);
	errno = 0;
	if (statfs(path, &system) == 0 && system.f_type == PROC_SUPER_MAGIC)
		return 0;
	/* Where we may not look, the agent will tell. */
	if (errno == EACCES || errno == EPERM)
		return 0;
	error_set(err, SUTURE_E_UNSUPPORTED, "%s (pid %d) has no /proc in its root folder",
		  process->name, (int)process->pid);
	return error_next(err, "mount it there: mount -t proc proc /proc/%d/root/proc",
			  (int)process->pid);
}

/* A child between vfork() and exec: what is done to it is done to its parent. */
static bool shares_memory(const struct process *process)
{
	return process->parent > 1 &&
	       syscall(SYS_kcmp, process->parent, process->pid, KCMP_VM, 0, 0) == 0;
}

int attach_refuse(const struct process *process, struct suture_error *err)
{
	char value[PROCESS_ENV_SIZE];
	int rc;

	if (process_is_kernel(process))
		return error_set(err, SUTURE_E_UNSUPPORTED, "pid %d is a thread of the kernel",
				 (int)process->pid);
	rc = refuse_program(process, err);
	if (rc)
		return rc;
	if (process_environment(process->pid, "SUTURE_DISABLE", value) && strcmp(value, "1") == 0) {
		error_set(err, SUTURE_E_UNSUPPORTED,
			  "%s (pid %d) was started with "
			  "SUTURE_DISABLE=1",
			  process->name, (int)process->pid);
		return error_next(err, "start it without, to allow an agent in it");
	}
	if (shares_memory(process)) {
		error_set(err, SUTURE_E_UNSUPPORTED,
			  "%s (pid %d) shares its memory with its parent", process->name,
			  (int)process->pid);
		return error_next(err, "attach to pid %d", (int)process->parent);
	}
	rc = refuse_state(process, err);
	return rc ? rc : refuse_root(process, err);
}

int attach_refuse_undumpable(const struct process *process, struct suture_error *err)
{
	if (process_is_dumpable(process))
		return 0;
	error_set(err, SUTURE_E_PERMISSION,
		  "%s (pid %d) is not dumpable: it gave up privileges, or asked for that",
		  process->name, (int)process->pid);
	return error_next(err,
			  "suture attach --make-dumpable %d (from then on other processes of its "
			  "user %u may trace it), or have it started as that user",
			  (int)process->pid, (unsigned)process->uid);
}
