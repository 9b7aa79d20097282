/* SPDX-License-Identifier: MIT */
/*
 * Exact unwinding by call frame information (DWARF CFI), in two halves.
 *
 * Plan (threads run): unwind_table_create() compiles the .eh_frame of every loaded object into rows
 * sorted by PC. It allocates and may fail; rows of objects that a former table knows are shared.
 * Stopped: unwind_step_stopped() walks with that table. It takes no lock, allocates nothing, calls
 * nothing of libc, and reads stacks so that a wild address is an answer and not a fault.
 *
 * The answer is never a guess: what the table does not know is UNWIND_UNKNOWN, and a frame that
 * hangs on a register nobody knows is UNWIND_NEEDS_REGISTER.
 */
#ifndef UNWIND_UNWIND_H
#define UNWIND_UNWIND_H

#include "arch/arch.h"

#include <suture/error.h>

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- plan: tables --------------------------------------------------------------------------- */

/* One thing with code in it: a loaded ELF object, the vDSO, or code with made-up CFI. */
struct unwind_object {
	const char *name; /* for messages; borrowed during the call only */
	uintptr_t
		start; /* [start, end): the addresses that its CFI may describe, less than 4 GiB */
	uintptr_t end;
	/*
	 * .eh_frame_hdr (PT_GNU_EH_FRAME), or 0 when there is none. Its search table is used when
	 * it is of the usual form; else .eh_frame, to which it points, is read from end to end.
	 */
	uintptr_t eh_frame_hdr;
	size_t eh_frame_hdr_size;
	/* .eh_frame where there is no header; else 0. */
	uintptr_t eh_frame;
	size_t eh_frame_size;
	/* [data_start, data_end): readable memory in which all of the above lies. */
	uintptr_t data_start;
	uintptr_t data_end;
	/* A copy of that memory, where the object is another process'; NULL: it is read in place.
	 */
	const void *copy;
};

struct unwind_table;

/*
 * Fills object from what dl_iterate_phdr() gives (info->dlpi_name is borrowed). Returns false when
 * the object has no executable segment or no unwind information: it then has no rows, and a thread
 * found in it counts as unknown. Any thread; no allocation.
 */
bool unwind_object_from_phdr(const struct dl_phdr_info *info, struct unwind_object *object);

/* Fills object from a mapped ELF header: the vDSO (getauxval(AT_SYSINFO_EHDR)), which musl's
 * dl_iterate_phdr leaves out. Returns false as above. */
bool unwind_object_from_elf(uintptr_t header, const char *name, struct unwind_object *object);

/* The same from a copy of program headers; bias is run-time minus link-time address. */
bool unwind_object_from_headers(uintptr_t bias, const ElfW(Phdr) * headers, size_t count,
				const char *name, struct unwind_object *object);

/*
 * Compiles rows for count objects, which must be mapped (or copied) and stay so during the call.
 * previous, which may be NULL, is a table of earlier: rows of objects that lie where they lay with
 * the same unwind information are shared, not compiled again. An object whose CFI can't be read at
 * all contributes no rows: that is no error, threads in it are unknown. Fails with NO_MEMORY only,
 * or USAGE for objects that overlap. One thread at a time for tables that share rows.
 */
int unwind_table_create(const struct unwind_object *objects, size_t count,
			const struct unwind_table *previous, struct unwind_table **table,
			struct suture_error *err);

/*
 * Code of ours that is a copy of instructions at another address (islands): at [start, end) the
 * frame is that of the instruction at old, with `pushed` more bytes on the stack. Such code makes
 * no calls of its own, so that it is only ever found as the top frame.
 */
struct unwind_moved {
	uintptr_t start;
	uintptr_t end;
	uintptr_t old;
	uintptr_t pushed;
};

/* moved is by rising start, disjoint, and borrowed as long as the table lives. */
void unwind_table_lend_moved(struct unwind_table *table, const struct unwind_moved *moved,
			     size_t count);

/* Takes NULL. Rows shared with other tables live on with them. */
void unwind_table_destroy(struct unwind_table *table);

struct unwind_statistics {
	size_t objects;
	size_t rows;
	size_t bytes;	/* of all rows, rules and expressions */
	size_t reused;	/* objects whose rows came from the previous table */
	size_t unknown; /* functions (FDEs) whose CFI was not understood */
};

void unwind_table_statistics(const struct unwind_table *table, struct unwind_statistics *out);

/* ---- stopped: memory ------------------------------------------------------------------------ */

enum { UNWIND_CHUNK = 8192 };

/*
 * Reads the memory of this process without faulting: one system call copies a piece of stack, the
 * steps then read from the copy. Belongs to one thread; about 8 KiB, so not for small stacks.
 */
struct unwind_memory {
	pid_t pid;  /* any process that shares this memory: the reader's own */
	int mem_fd; /* /proc/self/mem, used where process_vm_readv is refused; -1: none */
	bool use_fd;
	uintptr_t start; /* the copy is of [start, end) */
	uintptr_t end;
	uint8_t chunk[UNWIND_CHUNK];
};

/* mem_fd is borrowed, may be -1. Callable while threads are stopped. */
void unwind_memory_init_stopped(struct unwind_memory *memory, pid_t pid, int mem_fd);

/* Forgets the copy: before each walk, since the stack's owner may have run. */
void unwind_memory_forget_stopped(struct unwind_memory *memory);

/* Copies size bytes (at most UNWIND_CHUNK) at address; false when not all of them are readable. */
bool unwind_memory_read_stopped(struct unwind_memory *memory, uintptr_t address, void *out,
				size_t size);

/* ---- stopped: walking ----------------------------------------------------------------------- */

enum unwind_step {
	UNWIND_FRAME,	/* cursor is at the caller's frame */
	UNWIND_END,	/* the outermost frame was left: the walk is complete */
	UNWIND_UNKNOWN, /* no CFI, CFI not understood, or unreadable stack: nothing is known */
	UNWIND_NEEDS_REGISTER, /* needs a register that regs.known lacks */
};

struct unwind_cursor {
	struct arch_regs regs;
	/* regs.pc is where execution goes on (top frame, frame interrupted by a signal); else it is
	 * a return address, and the call is one byte before. */
	bool exact;
	unsigned depth;	  /* frames left behind */
	unsigned descent; /* frames whose CFA was not above the one before: other stacks, at most 64
			   */
	uint64_t cfa;	  /* of the frame left last */
};

/* Starts at a thread's registers. */
void unwind_start_stopped(struct unwind_cursor *cursor, const struct arch_regs *regs);

/* Goes to the caller's frame. The cursor is unchanged unless UNWIND_FRAME is returned. */
enum unwind_step unwind_step_stopped(const struct unwind_table *table, struct unwind_memory *memory,
				     struct unwind_cursor *cursor);

/* The address to look a frame's function up by: pc, or the last byte of the call before it. */
static inline uintptr_t unwind_lookup_pc(const struct unwind_cursor *cursor)
{
	return (uintptr_t)cursor->regs.pc - (cursor->exact ? 0 : 1);
}

#endif
