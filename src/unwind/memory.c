/* SPDX-License-Identifier: MIT */
/*
 * Reading stacks without trusting them. A piece is copied by one system call, which answers EFAULT
 * where a load would kill the process; walking then happens in the copy. Any thread, also stopped.
 */
#include "unwind/rows.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum { PAGE = 4096, FIRST_PIECE = 2048, BACK = 512 };

void unwind_memory_init_stopped(struct unwind_memory *memory, pid_t pid, int mem_fd)
{
	memory->pid = pid;
	memory->mem_fd = mem_fd;
	memory->use_fd = false;
	memory->start = memory->end = 0;
}

void unwind_memory_forget_stopped(struct unwind_memory *memory)
{
	memory->start = memory->end = 0;
}

/* Returns how many bytes from address on were copied, or a negative errno. */
static long copy(struct unwind_memory *memory, uintptr_t address, size_t size)
{
	struct iovec local = {memory->chunk, size};
	struct iovec remote[2] = {{(void *)address, size}};
	unsigned long pieces = 1;
	size_t first = PAGE - (address & (PAGE - 1));
	long rc;

	/* The kernel promises partial success at the borders of elements only: end them at pages.
	 */
	if (size > first) {
		remote[0].iov_len = first;
		remote[1] = (struct iovec){(void *)(address + first), size - first};
		pieces = 2;
	}
	if (!memory->use_fd) {
		rc = arch_syscall(SYS_process_vm_readv, memory->pid, (long)&local, 1, (long)remote,
				  (long)pieces, 0);
		if (rc >= 0 || rc == -EFAULT)
			return rc;
		memory->use_fd = true; /* a seccomp filter: don't ask again */
	}
	if (memory->mem_fd < 0)
		return -EFAULT;
	return arch_syscall(SYS_pread64, memory->mem_fd, (long)memory->chunk, (long)size,
			    (long)address, 0, 0);
}

static bool refill(struct unwind_memory *memory, uintptr_t address, uintptr_t low, size_t size)
{
	uintptr_t from = address - low < BACK ? low : address - BACK;
	size_t to_page_end;
	long got;

	if (low > address || low == 0)
		from = address;
	/* To the end of the page, one more if that is near; all in at most two pages. */
	to_page_end = PAGE - (from & (PAGE - 1));
	if (to_page_end < FIRST_PIECE || address + size - from > to_page_end)
		to_page_end += PAGE;
	got = copy(memory, from, to_page_end);
	if (got <= 0 && from != address) {
		from = address;
		got = copy(memory, from, size);
	}
	memory->start = from;
	memory->end = got > 0 ? from + (uintptr_t)got : from;
	return memory->end >= address + size;
}

static bool holds(const struct unwind_memory *memory, uintptr_t address, size_t size)
{
	return address >= memory->start && address <= memory->end && memory->end - address >= size;
}

bool unwind_memory_read_stopped(struct unwind_memory *memory, uintptr_t address, void *out,
				size_t size)
{
	uint8_t *to = out;

	if (address + size < address)
		return false;
	while (size) {
		size_t piece = size < PAGE / 2 ? size : PAGE / 2;

		if (!holds(memory, address, piece) && !refill(memory, address, address, piece))
			return false;
		memcpy(to, memory->chunk + (address - memory->start), piece);
		to += piece;
		address += piece;
		size -= piece;
	}
	return true;
}

bool unwind_memory_word_stopped(struct unwind_memory *memory, uintptr_t address, uintptr_t low,
				uint64_t *value)
{
	if (address > UINTPTR_MAX - sizeof(*value))
		return false;
	if (!holds(memory, address, sizeof(*value)) &&
	    !refill(memory, address, low, sizeof(*value)))
		return false;
	memcpy(value, memory->chunk + (address - memory->start), sizeof(*value));
	return true;
}
