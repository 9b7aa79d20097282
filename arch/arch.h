/* SPDX-License-Identifier: MIT */
/*
 * The whole contract with the processor. Nothing outside arch/<cpu>/ knows an opcode, a register's
 * name or a relocation type's number. A folder takes bytes and addresses, and returns bytes and a
 * reason; it includes nothing of src/, allocates nothing that it keeps, and logs nothing.
 *
 * Addresses are run-time addresses unless a name says offset. "Bytes" are always a private copy:
 * only src/trampoline's writer touches code.
 */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- reasons ------------------------------------------------------------------------------- */

/* X(name, text) */
#define ARCH_REASONS(X)                                                                     \
	X(OK, "fits")                                                                       \
	X(UNDECODABLE, "an instruction can't be decoded")                                   \
	X(TOO_SHORT, "the function is shorter than a jump and has no padding")              \
	X(BRANCH_INTO_WINDOW, "a branch inside the function targets the bytes of the jump") \
	X(INDIRECT_BRANCH, "a jump table may target the bytes of the jump")                 \
	X(OUT_OF_REACH, "the destination is out of the jump's reach")                       \
	X(NOT_RELOCATABLE, "a displaced instruction can't be moved")                        \
	X(OVERFLOW, "the value does not fit the relocation's field")                        \
	X(UNKNOWN_RELOCATION, "unknown relocation type")                                    \
	X(NO_SPACE, "the output buffer is too small")                                       \
	X(MISMATCH, "the bytes differ")

enum arch_reason {
#define ARCH_REASON_ENUM(name, text) ARCH_##name,
	ARCH_REASONS(ARCH_REASON_ENUM)
#undef ARCH_REASON_ENUM
};

/* Static storage. */
const char *arch_reason_text(enum arch_reason reason);

/* ---- decoding ------------------------------------------------------------------------------ */

enum arch_insn_kind {
	ARCH_INSN_PLAIN,
	ARCH_INSN_PADDING,    /* nop of any length, trap used as filler */
	ARCH_INSN_ENTRY_MARK, /* endbr64, bti: must stay first */
	ARCH_INSN_JUMP,	      /* unconditional, direct */
	ARCH_INSN_COND_JUMP,
	ARCH_INSN_CALL, /* direct */
	ARCH_INSN_INDIRECT_JUMP,
	ARCH_INSN_INDIRECT_CALL,
	ARCH_INSN_RETURN,
	ARCH_INSN_TRAP, /* ends a path: ud2, hlt, int3 */
};

struct arch_insn {
	uint64_t address;
	uint8_t size; /* bytes */
	enum arch_insn_kind kind;
	bool has_target; /* a direct branch or a PC-relative memory operand */
	uint64_t target; /* where it points */
};

/* ---- entries and jumps --------------------------------------------------------------------- */

enum {
	ARCH_MAX_JUMP = 16,	  /* bytes of the longest jump of any kind */
	ARCH_MAX_MARK = 8,	  /* bytes of the longest entry mark */
	ARCH_MAX_COUNTER = 48,	  /* bytes of code that counts a call */
	ARCH_MAX_DISPATCH = 48,	  /* bytes of code that chooses by a bit of the thread */
	ARCH_MAX_WINDOW = 32,	  /* bytes that displaced instructions may span */
	ARCH_MAX_RELOCATED = 256, /* bytes that relocated displaced instructions may take */
	ARCH_MAX_ROWS = 24,	  /* rows of struct arch_relocated */
};

/* From `moved` on in the copy, the state is that of `old` in the window, with pushed more bytes. */
struct arch_moved {
	uint8_t old_offset;
	uint8_t pushed; /* bytes that the copy has on the stack and the original did not */
	uint16_t new_offset;
};

/* A choice at a function's entry, by one bit of a thread-local word. */
struct arch_dispatch {
	int64_t word;	    /* its place from the thread pointer; eight bytes */
	unsigned bit;	    /* of the word, 0 to 63 */
	uint64_t set;	    /* where to go on when the bit is set */
	uint64_t otherwise; /* and when it is not */
};

/*
 * Displaced instructions, moved to another address, followed by a jump to what comes after them,
 * unless the last one never gets there. Several rows may have the same old_offset; the first is
 * where it is executed.
 */
struct arch_relocated {
	uint8_t code[ARCH_MAX_RELOCATED];
	size_t size;
	size_t window_size; /* bytes that whole instructions took, at least those asked for */
	size_t count;
	struct arch_moved rows[ARCH_MAX_ROWS];
};

/* ---- scanning ------------------------------------------------------------------------------ */

struct arch_range {
	uint64_t start; /* addresses [start, end) */
	uint64_t end;
};

/* What scan_branches() looks through, and for what. */
struct arch_scan {
	const uint8_t *code; /* linear code from its first instruction on */
	size_t size;
	uint64_t address;
	/* Forbidden are branches to (window, window + window_size); its first byte is allowed. */
	uint64_t window;
	size_t window_size;
	/*
	 * All parts of the function (main, .cold): a table's walk ends at the first entry outside.
	 * The first one begins with the entry. With none the scanned code itself is the function.
	 */
	const struct arch_range *parts;
	size_t part_count;
	/* Reads what jump tables hold; false when it can't. NULL when there is nothing to read. */
	bool (*read)(void *context, uint64_t address, void *out, size_t size);
	void *context;
	/* Indirect jumps of all parts, where known: a table's base may be loaded in another one. */
	size_t jumps;
	size_t *own_jumps; /* may be NULL; set to the number of this part's */
};

/* ---- ELF relocations ----------------------------------------------------------------------- */

/* What a relocation puts into its field. S symbol, A addend, P place, G slot that holds S. */
enum arch_reloc_form {
	ARCH_RELOC_NONE,
	ARCH_RELOC_ABSOLUTE,	  /* S + A */
	ARCH_RELOC_PC,		  /* S + A - P */
	ARCH_RELOC_CALL,	  /* S + A - P, of a call or jump: may go through a stub */
	ARCH_RELOC_SLOT_PC,	  /* G + A - P: the code loads S from a slot (GOTPCREL and kin) */
	ARCH_RELOC_TP_OFFSET,	  /* S + A - thread pointer (local exec) */
	ARCH_RELOC_TP_SLOT_PC,	  /* slot that holds the thread pointer offset (initial exec) */
	ARCH_RELOC_TLS_GD_PC,	  /* pair of slots {module, offset} (general dynamic) */
	ARCH_RELOC_TLS_LD_PC,	  /* pair of slots {module, 0} (local dynamic) */
	ARCH_RELOC_TLS_MODULE,	  /* contents of such a slot: module number */
	ARCH_RELOC_TLS_OFFSET,	  /* offset in the module's block */
	ARCH_RELOC_TLS_DESC_PC,	  /* TLS descriptor */
	ARCH_RELOC_TLS_DESC_CALL, /* marks the call through it, no field */
	ARCH_RELOC_SIZE,	  /* size of the symbol */
	ARCH_RELOC_SLOT_BASE,	  /* other GOT-relative forms: not for patches */
	ARCH_RELOC_RELATIVE,	  /* dynamic: load bias + A */
	ARCH_RELOC_SLOT_DATA,	  /* dynamic: GLOB_DAT */
	ARCH_RELOC_SLOT_CALL,	  /* dynamic: JUMP_SLOT */
	ARCH_RELOC_COPY,	  /* dynamic: COPY */
	ARCH_RELOC_INDIRECT,	  /* dynamic: IRELATIVE, A is a resolver */
};

struct arch_reloc_info {
	const char *name; /* "R_X86_64_PLT32" */
	enum arch_reloc_form form;
	uint8_t size; /* bytes of the field */
};

/*
 * What the bytes of a linked binary say about one relocation of an object file: the linker may
 * have rewritten instructions around the field (relaxations), so the explained span is wider.
 */
struct arch_reloc_match {
	size_t start; /* span of section offsets whose bytes the relocation explains */
	size_t end;
	enum arch_reloc_form form; /* what is in the binary now, after relaxation */
	/*
	 * PC, CALL, ABSOLUTE: the address S + A' that the code refers to, with the PC bias and the
	 * addend removed, that is, S. SLOT_PC, TP_SLOT_PC, TLS_GD_PC …: the address of the slot.
	 * TP_OFFSET: S's offset from the thread pointer (negative on x86-64).
	 */
	uint64_t value;
};

/* Code that jumps to the address in a slot; the slot's address goes in by relocation. */
struct arch_stub {
	uint8_t code[16];
	size_t size;
	size_t reloc_offset;
	uint32_t reloc_type; /* against the slot */
	int64_t addend;
};

/* ---- registers ----------------------------------------------------------------------------- */

enum { ARCH_MAX_REGISTERS = 34, ARCH_MAX_USER_REGS = 512 };

/* Registers under their DWARF numbers; bit N of known says that value[N] may be used. */
struct arch_regs {
	uint64_t value[ARCH_MAX_REGISTERS];
	uint64_t known;
	uint64_t pc;
};

/* ---- an errand in another process ----------------------------------------------------------- */

enum { ARCH_ERRAND_TEXT = 512, ARCH_MAX_CALL = 6 };

#define ARCH_ERRAND_NO_FD INT64_MIN

/* What the new thread is called when it loads the library, whose constructor then leaves the start
 * to it: what takes long (tables of descriptors that grow wait for every processor) is not done
 * while the loader's lock is held. */
#define ARCH_ERRAND_THREAD "suture-attach"

/* errand.state, written by the new thread, the last thing that it writes. */
enum arch_errand_state { ARCH_ERRAND_BEGUN, ARCH_ERRAND_DONE, ARCH_ERRAND_FAILED };

/*
 * What two threads of a target find in a mapping that was made there for them. The borrowed one
 * calls create() and then waits in sched_yield() until its registers are put back; who should do
 * that may have been killed: after so many turns it goes back by itself, by way of a frame like
 * that of a signal handler. The new one
 * loads the library unless start is given (with memory: makes a memfd, waits a while until that is
 * filled, and closes it afterwards), calls start(), waits a while for dismissed, and unmaps all of
 * this as its last act. Addresses are the target's; offsets are known to errand.S.
 */
struct arch_errand {
	uint64_t errno_location; /* functions of its C library */
	uint64_t pthread_create;
	uint64_t pthread_self;
	uint64_t pthread_detach;
	uint64_t dlopen;
	uint64_t dlsym;
	uint64_t dlerror;
	uint64_t munmap;
	uint64_t path;	/* of the library, text */
	uint64_t name;	/* of the function in it to be called, text */
	uint64_t start; /* that function where the library is loaded already, else 0 */
	uint64_t thread_entry;
	uint64_t mapping;
	uint64_t mapping_size;
	uint64_t thread;   /* out: pthread_t */
	int64_t created;   /* out: what pthread_create() returned */
	int64_t away_done; /* out: 1 when the borrowed thread has nothing left to do */
	int64_t state;	   /* out: enum arch_errand_state */
	int64_t result;	   /* out: what start() returned */
	int64_t dismissed; /* in: 1 when nobody needs the mapping any more */
	int64_t nap[2];	   /* struct timespec between two looks at dismissed */
	int64_t naps;	   /* at most so many */
	uint64_t memory;   /* name of a memfd to be made for the library, or 0 */
	int64_t fd;	   /* out: that memfd or -errno; in: ARCH_ERRAND_NO_FD */
	int64_t filled;	   /* in: 1 when path may be loaded, -1 when it never will */
	uint64_t frame;	   /* stack pointer with which the borrowed thread goes back alone */
	int64_t turns;	   /* how often it looks round before it does */
	int64_t returned;  /* out: 1: it has, or is about to: its registers are its own */
	int64_t loaded;	   /* out: 1 when dlopen() and dlsym() are behind it */
	uint64_t called;   /* ARCH_ERRAND_THREAD, text */
	char text[ARCH_ERRAND_TEXT]; /* out, with filled -1 in: why it could not be loaded */
};

/* ---- the table ----------------------------------------------------------------------------- */

struct arch_ops {
	const char *name;     /* "x86_64" */
	uint16_t elf_machine; /* EM_… */

	/* Decodes one instruction with Capstone. ARCH_OK or ARCH_UNDECODABLE. Any thread. */
	enum arch_reason (*decode)(const uint8_t *code, size_t size, uint64_t address,
				   struct arch_insn *insn);

	/* -- jumps: sizes in bytes, all encode a jump that stands at `from` -- */
	size_t short_jump_size;	   /* 2 on x86-64; 0 where there is none */
	uint64_t short_jump_reach; /* farthest distance from the end of the jump */
	size_t near_jump_size;	   /* 5 on x86-64 */
	uint64_t near_jump_reach;  /* farthest distance from the end of the jump */
	size_t far_jump_size;	   /* reaches any address */
	size_t gate_size;	   /* 2: a jump to itself */
	/*
	 * May the gate stand on a function's entry mark? Not where the processor insists that
	 * indirect branches find the mark. No Linux lets it do so on x86-64 in user space (IBT is
	 * the kernel's own), so there endbr64 is a no-op that may be missing for a moment.
	 */
	bool gate_on_mark;
	enum arch_reason (*short_jump)(uint64_t from, uint64_t to, uint8_t *out);
	enum arch_reason (*near_jump)(uint64_t from, uint64_t to, uint8_t *out);
	void (*far_jump)(uint64_t to, uint8_t *out);
	void (*gate)(uint8_t *out);
	/*
	 * Adds one to the 64-bit word at an address, seen by all processors, and jumps to `to`.
	 * Stands at a function's entry: registers and stack are as they were there.
	 */
	size_t counter_size;
	void (*counter)(uint64_t word, uint64_t to, uint8_t *out);
	/*
	 * Code that stands at `from` and makes that choice. No register and no byte of the stack
	 * changes; what an entry may not rely on (arithmetic flags) does. out has dispatch_size.
	 */
	size_t dispatch_size;
	void (*dispatch)(uint64_t from, const struct arch_dispatch *dispatch, uint8_t *out);

	/*
	 * A near jump of which only the first `free_size` bytes can be chosen, the others being
	 * `fixed` (near_jump_size - free_size bytes): the destinations [low, high) that it can
	 * have. False when the processor has no such thing.
	 */
	bool (*pun_range)(uint64_t from, const uint8_t *fixed, size_t free_size, uint64_t *low,
			  uint64_t *high);

	/* How many bytes at the start of a function must stay first (endbr64: 4). */
	size_t (*entry_mark_size)(const uint8_t *code, size_t size);

	/* How many bytes from the start are padding between functions. */
	size_t (*padding_size)(const uint8_t *code, size_t size, uint64_t address);

	/*
	 * Do two whole instructions differ in nothing but a PC-relative distance and, where they
	 * are direct branches, its width?
	 */
	bool (*same_operation)(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size);

	/*
	 * Does any instruction branch into the window, or take an address inside it? Where there
	 * are indirect jumps, every address in the code may be the base of a jump table, and is
	 * read as one: an entry into the window is BRANCH_INTO_WINDOW, memory that can't be read
	 * INDIRECT_BRANCH. Undecodable bytes are UNDECODABLE.
	 */
	enum arch_reason (*scan_branches)(const struct arch_scan *scan);

	/*
	 * Calls found(context, place, target) for each place in the code whose bytes would lead
	 * into [low, high) if they were the distance of a branch or of an address. Candidates only:
	 * nobody knows here where instructions begin. Any thread.
	 */
	void (*find_distances)(const uint8_t *code, size_t size, uint64_t address, uint64_t low,
			       uint64_t high,
			       void (*found)(void *context, uint64_t place, uint64_t target),
			       void *context);

	/*
	 * Moves the instructions that cover the first window_size bytes at from to run at to, with
	 * the same effect, and appends a jump to the first instruction after them. A call pushes
	 * its original return address, so that unwinders see the function itself; NOT_RELOCATABLE
	 * where that address lies inside the window, which is overwritten.
	 */
	enum arch_reason (*relocate)(const uint8_t *code, size_t size, uint64_t from,
				     size_t window_size, uint64_t to, struct arch_relocated *out);

	/* -- ELF relocations -- */
	enum arch_reason (*reloc_info)(uint32_t type, struct arch_reloc_info *out);
	/* Type number for a form and field size, e.g. (ABSOLUTE, 8); 0 (NONE) when there is none.
	 */
	uint32_t (*reloc_type)(enum arch_reloc_form form, size_t size);
	/* Writes value (already S + A, for PC forms S + A - P) into the field. */
	enum arch_reason (*reloc_store)(uint32_t type, uint8_t *field, uint64_t value);
	/*
	 * Compares linked bytes around one relocation with the object's. object and linked both
	 * start at the section's start and are size bytes long; address is linked's run-time or
	 * link-time address; offset is the relocation's. Undoes the linker's known relaxations.
	 */
	enum arch_reason (*reloc_match)(uint32_t type, int64_t addend, const uint8_t *object,
					const uint8_t *linked, size_t size, size_t offset,
					uint64_t address, struct arch_reloc_match *out);
	/*
	 * The constant between the field and what the instruction means: for a PC form with addend
	 * A, the symbol-relative offset that is referred to is A + reloc_bias (4 on x86-64 where
	 * the field ends the instruction). Takes the code to find the instruction's end.
	 */
	int64_t (*reloc_bias)(uint32_t type, const uint8_t *object, size_t size, size_t offset);
	void (*import_stub)(struct arch_stub *out);
	/*
	 * Rewrites the instruction around a PC field that computes an address so that it loads the
	 * address from a slot, which the relocation then has to mean. Of a TLS descriptor's two
	 * instructions the first loads the distance from the thread pointer, and the call becomes
	 * nothing. False, and nothing changed, where that takes another length.
	 */
	bool (*slot_load)(uint32_t type, uint8_t *code, size_t size, size_t offset);
	/* Is this a linker-made stub that jumps through a slot (PLT)? Gives the slot's address. */
	bool (*plt_slot)(const uint8_t *code, size_t size, uint64_t address, uint64_t *slot);

	/* -- registers and system calls; callable while threads are stopped: no allocation, no libc
	 * -- */
	unsigned dwarf_sp;
	unsigned dwarf_fp;
	unsigned dwarf_return; /* DWARF column of the return address */
	size_t user_regs_size; /* of NT_PRSTATUS' register set */
	void (*regs_from_user_stopped)(const void *user_regs, struct arch_regs *out);
	/* The same for sleeping threads, from /proc/TID/syscall: only SP and PC are known. */
	void (*regs_from_sleep_stopped)(uint64_t sp, uint64_t pc, struct arch_regs *out);
	/*
	 * Makes an interrupted system call that would return EINTR restart instead. Returns true
	 * when user_regs were changed and have to be written back.
	 */
	bool (*syscall_restart_stopped)(void *user_regs);

	/* -- borrowing a thread of another process; registers as ptrace gives them -- */
	uint32_t audit_arch;	 /* AUDIT_ARCH_…, as seccomp filters see it */
	unsigned vector_set;	 /* NT_… of the registers that are not in user_regs */
	const uint8_t *errand;	 /* code, position independent */
	size_t errand_size;	 /* bytes */
	size_t errand_thread;	 /* offset in it of what the new thread executes */
	uint8_t syscall_insn[4]; /* the instruction that enters the kernel */
	size_t syscall_insn_size;
	/*
	 * Preference among waits that a program makes of its own accord and in which the kernel
	 * holds nothing for it: 1 best, 0 none of them.
	 */
	unsigned (*wait_rank)(long number);
	bool (*wait_is_futex)(long number); /* it is, or it may be one */
	/* Was it in a system call that will start again? Gives its number. */
	bool (*in_syscall)(const void *user_regs, long *number);
	/*
	 * Registers for a system call by the syscall_insn at `at`; for a function at entry with one
	 * argument, on a stack that ends at top. Neither restarts the call that was interrupted.
	 */
	void (*set_syscall)(void *user_regs, uint64_t at, long number, const uint64_t *arguments);
	void (*set_call)(void *user_regs, uint64_t entry, uint64_t argument, uint64_t top);
	int64_t (*result)(const void *user_regs);
	/*
	 * What a thread at `address` in its memory needs to go back to those registers without
	 * anybody's help: returns its bytes (0: more than size) and the stack pointer in *sp.
	 */
	size_t (*return_frame)(const void *user_regs, const void *vectors, size_t vectors_size,
			       uint64_t mask, uint64_t address, uint8_t *out, size_t size,
			       uint64_t *sp);
	/* A wait whose remaining time the kernel has forgotten: starts anew, late and not early. */
	void (*forget_rest)(void *user_regs);
};

/* The processor that this code runs on. */
const struct arch_ops *arch_native(void);

/* By e_machine; NULL when there is none. */
const struct arch_ops *arch_for_machine(uint16_t elf_machine);

/* Raw system call: no errno, no cancellation point, -errno on failure. Any context. */
long arch_syscall(long number, long a, long b, long c, long d, long e, long f);

/* The calling thread's thread pointer (psABI), which thread-local offsets are relative to. */
uintptr_t arch_thread_pointer(void);

/*
 * The registers that the caller will have when this returns: while the caller has not returned
 * itself, its stack can be walked from them by another thread. Any context.
 */
void arch_regs_here(struct arch_regs *out);

/* What swapcontext() saved into a ucontext_t. Callable while threads are stopped. */
void arch_regs_from_context_stopped(const void *ucontext, struct arch_regs *out);

/* Where the function returns to whose first instruction the registers stand at. */
uintptr_t arch_return_address_at_entry(const struct arch_regs *regs);

/* Bytes of a ucontext_t from its start that the above reads. */
size_t arch_context_size(void);

/* Tells the processor that a spin-wait is under way. */
void arch_relax(void);

#endif
