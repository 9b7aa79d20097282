/* SPDX-License-Identifier: MIT */
/* Judging a stack from outside; see stack.h. */
#include "cli/attach/stack.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 1024, MAX_VISITED = 32 };

#define MAX_UNWIND_DATA ((size_t)1 << 30) /* bytes of one object */

static const char c_library[] = "libc.so.6";

/* A futex below one of these waits for somebody else's doing, and is no lock. */
static const char *const wait_names[] = {
	"pthread_cond_wait",
	"pthread_cond_timedwait",
	"pthread_cond_clockwait",
	"sem_wait",
	"sem_timedwait",
	"sem_clockwait",
	"pthread_join",
	"pthread_timedjoin_np",
	"pthread_clockjoin_np",
	"pthread_barrier_wait",
	"cnd_wait",
	"cnd_timedwait",
	"thrd_join",
	"poll",
	"nanosleep",
	"clock_nanosleep",
	"usleep",
	"sleep",
};

/* What starting a thread needs may be held below one of these, or is half changed. */
static const char *const hold_names[] = {
	"malloc",
	"calloc",
	"realloc",
	"reallocarray",
	"free",
	"memalign",
	"posix_memalign",
	"aligned_alloc",
	"valloc",
	"pvalloc",
	"malloc_trim",
	"mallopt",
	"malloc_info",
	"malloc_stats",
	"mallinfo2",
	"mallinfo",
	"dlopen",
	"dlmopen",
	"dlclose",
	"dlsym",
	"dlvsym",
	"dladdr",
	"dladdr1",
	"dlinfo",
	"dlerror",
	"dl_iterate_phdr",
	"_dl_find_object",
	"__libc_dlopen_mode",
	"__tls_get_addr",
	"pthread_create",
	"pthread_exit",
	"pthread_setattr_default_np",
	"pthread_getattr_np",
	"pthread_cancel",
	"pthread_key_create",
	"fork",
	"_Fork",
	"vfork",
	"posix_spawn",
	"posix_spawnp",
	"exit",
	"_exit",
	"quick_exit",
	"abort",
	"setuid",
	"setgid",
	"seteuid",
	"setegid",
	"setreuid",
	"setregid",
	"setresuid",
	"setresgid",
	"setgroups",
	"__register_atfork",
};

/* Names of an allocator's entries come first in hold_names. */
enum { ALLOCATOR_NAMES = 16 };

static bool add_symbols(struct symbol_set *set, const struct remote *remote,
			const struct module *module, const char *const *names, size_t count)
{
	struct symbol *grown = realloc(set->items, (set->count + count) * sizeof(*grown));

	if (!grown)
		return false;
	set->items = grown;
	for (size_t i = 0; i < count; i++)
		set->count += module_symbol(remote, module, names[i], &set->items[set->count]);
	return true;
}

static bool add_module(struct symbol_set *set, const struct module *module)
{
	struct symbol *grown = realloc(set->items, (set->count + 1) * sizeof(*grown));

	if (!grown)
		return false;
	set->items = grown;
	set->items[set->count++] = (struct symbol){module->start, module->end};
	return true;
}

static bool holds_address(const struct symbol_set *set, uint64_t address)
{
	for (size_t i = 0; i < set->count; i++)
		if (address >= set->items[i].start && address < set->items[i].end)
			return true;
	return false;
}

static bool is_loader(const struct module *module)
{
	return strncmp(module->soname, "ld-linux", 8) == 0;
}

/*
 * An allocator of its own is a whole module, or, in the main program, the functions of that name:
 * of what they call the stack tells, and locks in it are no plain waits.
 */
static bool note_allocator(struct stacks *stacks, const struct module *module)
{
	struct symbol symbol;

	if (is_loader(module))
		return add_module(&stacks->holds, module);
	if (!module_symbol(stacks->remote, module, "malloc", &symbol))
		return true;
	if (!module->executable)
		return add_module(&stacks->holds, module);
	stacks->own_allocator = true;
	return add_symbols(&stacks->holds, stacks->remote, module, hold_names, ALLOCATOR_NAMES);
}

static bool find_functions(struct stacks *stacks)
{
	free(stacks->waits.items);
	free(stacks->holds.items);
	stacks->waits = stacks->holds = (struct symbol_set){0};
	stacks->own_allocator = false;
	for (size_t i = 0; i < stacks->modules.count; i++) {
		const struct module *module = &stacks->modules.items[i];

		if (strcmp(module->soname, c_library) != 0) {
			if (!note_allocator(stacks, module))
				return false;
			continue;
		}
		if (!add_symbols(&stacks->waits, stacks->remote, module, wait_names,
				 sizeof(wait_names) / sizeof(wait_names[0])) ||
		    !add_symbols(&stacks->holds, stacks->remote, module, hold_names,
				 sizeof(hold_names) / sizeof(hold_names[0])))
			return false;
	}
	return true;
}

/* Fills object with a copy of its unwind data; false: it has none that can be had. */
static bool copy_object(const struct stacks *stacks, const struct module *module,
			struct unwind_object *object)
{
	size_t size;
	void *copy;

	if (!unwind_object_from_headers(module->bias, module->phdr, module->phnum, module->path,
					object))
		return false;
	size = object->data_end - object->data_start;
	copy = size <= MAX_UNWIND_DATA ? malloc(size) : NULL;
	if (!copy)
		return false;
	if (!remote_read(stacks->remote, object->data_start, copy, size)) {
		free(copy);
		return false;
	}
	object->copy = copy;
	return true;
}

static int build_table(struct stacks *stacks, struct suture_error *err)
{
	size_t count = 0, total = stacks->modules.count;
	struct unwind_object *objects = calloc(total ? total : 1, sizeof(*objects));
	struct unwind_table *table = NULL;
	int rc;

	if (!objects)
		return error_no_memory(err);
	for (size_t i = 0; i < total; i++)
		count += copy_object(stacks, &stacks->modules.items[i], &objects[count]);
	rc = unwind_table_create(objects, count, stacks->table, &table, err);
	for (size_t i = 0; i < count; i++)
		free((void *)objects[i].copy);
	free(objects);
	if (rc)
		return rc;
	unwind_table_destroy(stacks->table);
	stacks->table = table;
	return 0;
}

static bool same_modules(const struct modules *a, const struct modules *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->count != b->count || !modules_keep(b, &a->items[i]))
			return false;
	return a->count == b->count;
}

int stacks_refresh(struct stacks *stacks, struct suture_error *err)
{
	struct modules fresh;
	int rc = modules_read(stacks->remote, &fresh, err);

	if (rc)
		return rc;
	/* What we have open is the memory of a program that is no more. */
	if (!modules_executable(&fresh)) {
		modules_fini(&fresh);
		return error_set(err, SUTURE_E_AGENT_BUSY, "pid %d began another program",
				 (int)stacks->remote->pid);
	}
	if (stacks->table && same_modules(&stacks->modules, &fresh)) {
		modules_fini(&fresh);
		return 0;
	}
	modules_fini(&stacks->modules);
	stacks->modules = fresh;
	rc = build_table(stacks, err);
	if (!rc && !find_functions(stacks))
		rc = error_no_memory(err);
	return rc;
}

int stacks_init(struct stacks *stacks, const struct remote *remote, struct suture_error *err)
{
	*stacks = (struct stacks){.remote = remote};
	unwind_memory_init_stopped(&stacks->memory, remote->pid, remote->fd);
	return stacks_refresh(stacks, err);
}

void stacks_fini(struct stacks *stacks)
{
	unwind_table_destroy(stacks->table);
	modules_fini(&stacks->modules);
	free(stacks->waits.items);
	free(stacks->holds.items);
	*stacks = (struct stacks){0};
}

/* One walk: what was seen on the way. */
struct walk {
	const struct module *visited[MAX_VISITED];
	size_t count;
	bool waits; /* below a wait for a condition */
};

static bool visit(struct walk *walk, const struct module *module)
{
	for (size_t i = 0; i < walk->count; i++)
		if (walk->visited[i] == module)
			return true;
	if (walk->count == MAX_VISITED)
		return false;
	walk->visited[walk->count++] = module;
	return true;
}

/* A thread that runs is in the C library only where that has called its start function. */
static bool is_outermost(const struct stacks *stacks, const struct unwind_cursor *cursor,
			 struct unwind_memory *memory)
{
	struct unwind_cursor next = *cursor;

	for (int i = 0; i < 3; i++)
		switch (unwind_step_stopped(stacks->table, memory, &next)) {
		case UNWIND_FRAME:
			break;
		case UNWIND_END:
			return true;
		case UNWIND_UNKNOWN:
		case UNWIND_NEEDS_REGISTER:
		default:
			return false;
		}
	return false;
}

static enum stack_verdict judge_frame(struct stacks *stacks, const struct unwind_cursor *cursor,
				      bool running, struct walk *walk)
{
	uint64_t address = unwind_lookup_pc(cursor);
	const struct module *module = modules_at(&stacks->modules, address);

	if (!module || !visit(walk, module))
		return STACK_UNKNOWN;
	/* Only a signal's frame leaves an exact address behind. */
	if (cursor->depth > 0 && cursor->exact)
		return STACK_HANDLER;
	if (holds_address(&stacks->holds, address))
		return STACK_HOLDS;
	if (holds_address(&stacks->waits, address))
		walk->waits = true;
	if (strcmp(module->soname, c_library) == 0) {
		if (running && !is_outermost(stacks, cursor, &stacks->memory))
			return STACK_HOLDS;
	} else if (!running && cursor->depth == 0) {
		return STACK_UNKNOWN; /* a system call of its own making: a lock, for all we know */
	}
	return STACK_FREE;
}

/* The modules that the stack leads through are those that the table was made from. */
static bool confirm(const struct stacks *stacks, const struct walk *walk)
{
	struct modules fresh;
	bool same = true;

	if (modules_read(stacks->remote, &fresh, NULL))
		return false;
	for (size_t i = 0; i < walk->count; i++)
		same &= modules_keep(&fresh, walk->visited[i]);
	modules_fini(&fresh);
	return same;
}

enum stack_verdict stacks_judge(struct stacks *stacks, const struct arch_regs *regs, bool futex,
				bool running, bool certain)
{
	struct unwind_cursor cursor;
	struct walk walk = {0};

	/* Its inner functions have no names from outside, and may have been jumped to. */
	if (running && stacks->own_allocator)
		return STACK_HOLDS;
	unwind_memory_forget_stopped(&stacks->memory);
	unwind_start_stopped(&cursor, regs);
	while (cursor.depth < MAX_DEPTH) {
		enum stack_verdict verdict = judge_frame(stacks, &cursor, running, &walk);

		if (verdict != STACK_FREE)
			return verdict;
		switch (unwind_step_stopped(stacks->table, &stacks->memory, &cursor)) {
		case UNWIND_FRAME:
			break;
		case UNWIND_END:
			if (futex && !walk.waits)
				return STACK_HOLDS;
			if (certain && !confirm(stacks, &walk))
				return STACK_UNKNOWN;
			return STACK_FREE;
		case UNWIND_NEEDS_REGISTER:
			return STACK_NEEDS_REGISTERS;
		case UNWIND_UNKNOWN:
		default:
			return STACK_UNKNOWN;
		}
	}
	return STACK_UNKNOWN;
}
