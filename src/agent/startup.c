/* SPDX-License-Identifier: MIT */
/*
 * The moment before main(): all constructors have run, no code of the program is on the stack. What
 * is installed is applied there. The C library's entry is called through us when we were linked or
 * preloaded; an agent that comes later has no part in this.
 */
#include "agent/lifetime.h"

#include <dlfcn.h>
#include <stddef.h>

typedef int main_function(int argc, char **argv, char **envp);
typedef int start_function(main_function *main, int argc, char **argv, void (*init)(void),
			   void (*fini)(void), void (*rtld_fini)(void), void *stack_end);

static main_function *programs_main;

static int main_with_patches(int argc, char **argv, char **envp)
{
	lifetime_restore();
	return programs_main(argc, argv, envp);
}

/* Another preloaded library may want its turn; else it is libc's own. */
static start_function *next_start(void)
{
	void *found = dlsym(RTLD_NEXT, "__libc_start_main");

	if (!found)
		found = dlsym(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), "__libc_start_main");
	return (start_function *)found;
}

/*
 * The reference of a program's entry code names a version of libc's; it is met by a definition
 * without one, which is why libsuture.map does not name this (the loader takes such as any
 * version).
 */
__attribute__((visibility("default"))) start_function __libc_start_main;

int __libc_start_main(main_function *main, int argc, char **argv, void (*init)(void),
		      void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
	programs_main = main;
	return next_start()(main_with_patches, argc, argv, init, fini, rtld_fini, stack_end);
}
