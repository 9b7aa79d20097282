/* SPDX-License-Identifier: MIT */
/*
 * Thread-local variables of the libraries inside the agent (json-c, libsodium) are reached through
 * __tls_get_addr, which the dynamic loader exports. Calling it by way of a pointer instead of by
 * name leaves libc as the only library that the agent needs. Ordinary calling convention: x86-64
 * TLS supplement, section 4 (general dynamic model).
 */
#include "agent/tls.h"

#include <dlfcn.h>
#include <stddef.h>

/* Set once by the constructor, before any thread of ours runs. */
static void *(*loader_tls_get_addr)(void *index);

void tls_begin(void)
{
	*(void **)&loader_tls_get_addr = dlsym(RTLD_DEFAULT, "__tls_get_addr");
}

__attribute__((visibility("hidden"))) void *__tls_get_addr(void *index);

void *__tls_get_addr(void *index)
{
	return loader_tls_get_addr(index);
}
