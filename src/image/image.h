/* SPDX-License-Identifier: MIT */
/*
 * The modules loaded in this process, as the loader tells of them: a snapshot. Plan phase only
 * (allocates, takes the loader's lock). A module may be unloaded after the snapshot was made;
 * whoever needs it to stay takes a reference with image_module_hold(). What a module's pointers
 * lead to, other than path and phdr, goes with it.
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <suture/error.h>

#include <link.h>
#include <stddef.h>
#include <stdint.h>

enum { IMAGE_BUILD_ID_SIZE = 64 };

struct image_module {
	char *path;	 /* owned; the main program's from /proc/self/exe, "[vdso]" for the vDSO */
	bool executable; /* the main program */
	uintptr_t bias;	 /* run-time address minus link-time address */
	uintptr_t start; /* of the first loaded segment */
	uintptr_t end;	 /* behind the last */
	ElfW(Phdr) * phdr; /* owned copy */
	size_t phnum;
	const ElfW(Dyn) * dynamic; /* NULL when there is none */
	uintptr_t eh_frame_hdr;	   /* 0 when there is none */
	size_t eh_frame_hdr_size;
	uint8_t build_id[IMAGE_BUILD_ID_SIZE];
	size_t build_id_size;
	size_t tls_module;   /* 0 when it has no thread-local block */
	uintptr_t tls_block; /* the calling thread's block; 0 when not allocated */
};

struct image {
	struct image_module *modules; /* owned */
	size_t count;
	uint64_t generation; /* grows when a module is loaded or unloaded */
};

int image_take(struct image *image, struct suture_error *err);
void image_fini(struct image *image);

/* Grows whenever a module was loaded or unloaded; cheap. */
uint64_t image_generation(void);

const struct image_module *image_executable(const struct image *image);
const struct image_module *image_find_address(const struct image *image, uintptr_t address);
const struct image_module *image_find_build_id(const struct image *image, const uint8_t *build_id,
					       size_t size);

/* True when [address, address + size) lies inside one loaded segment with all of flags (PF_…). */
bool image_module_covers(const struct image_module *module, uintptr_t address, size_t size,
			 uint32_t flags);

/*
 * Keeps the module loaded until image_module_release(*handle); takes the loader's lock. AGENT_BUSY
 * when it is gone by now. The main program and the vDSO always stay: *handle is NULL then.
 */
int image_module_hold(const struct image_module *module, void **handle, struct suture_error *err);

/* NULL is fine. The module's destructors run here, if the last other owner closed it meanwhile. */
void image_module_release(void *handle);

/* Borrowed base name for messages. */
const char *image_module_name(const struct image_module *module);

#endif
