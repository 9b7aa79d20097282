/* SPDX-License-Identifier: MIT */
/* Snapshot of the loaded modules; see image.h. Plan phase only. */
#include "image/image.h"

#include "base/error.h"
#include "base/forkguard.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

struct collect {
	struct image image;
	size_t capacity;
	bool no_memory;
};

static char *module_path(const struct dl_phdr_info *info, bool executable, uintptr_t start)
{
	char target[4096];
	ssize_t length;

	if (executable) {
		length = readlink("/proc/self/exe", target, sizeof(target) - 1);
		if (length > 0) {
			target[length] = '\0';
			return strdup(target);
		}
		return strdup(program_invocation_name);
	}
	if (start == getauxval(AT_SYSINFO_EHDR))
		return strdup("[vdso]");
	return strdup(info->dlpi_name);
}

/* Notes are 4-byte aligned words: name size, descriptor size, type, name, descriptor (ELF gABI). */
static void find_build_id(struct image_module *module, uintptr_t address, size_t size)
{
	const uint8_t *at = (const uint8_t *)address;
	size_t left = size;

	while (left >= sizeof(ElfW(Nhdr))) {
		ElfW(Nhdr) note;
		size_t name_size, desc_size;

		memcpy(&note, at, sizeof(note));
		name_size = ((size_t)note.n_namesz + 3) & ~(size_t)3;
		desc_size = ((size_t)note.n_descsz + 3) & ~(size_t)3;
		at += sizeof(note);
		left -= sizeof(note);
		if (name_size > left || desc_size > left - name_size)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    memcmp(at, "GNU", 4) == 0 && note.n_descsz <= IMAGE_BUILD_ID_SIZE) {
			memcpy(module->build_id, at + name_size, note.n_descsz);
			module->build_id_size = note.n_descsz;
			return;
		}
		at += name_size + desc_size;
		left -= name_size + desc_size;
	}
}

static void read_segments(struct image_module *module)
{
	module->start = UINTPTR_MAX;
	for (size_t i = 0; i < module->phnum; i++) {
		const ElfW(Phdr) *phdr = &module->phdr[i];
		uintptr_t address = module->bias + phdr->p_vaddr;

		switch (phdr->p_type) {
		case PT_LOAD:
			if (address < module->start)
				module->start = address;
			if (address + phdr->p_memsz > module->end)
				module->end = address + phdr->p_memsz;
			break;
		case PT_DYNAMIC:
			module->dynamic = (const ElfW(Dyn) *)address;
			break;
		case PT_NOTE:
			if (!module->build_id_size)
				find_build_id(module, address, phdr->p_memsz);
			break;
		case PT_GNU_EH_FRAME:
			module->eh_frame_hdr = address;
			module->eh_frame_hdr_size = phdr->p_memsz;
			break;
		default:
			break;
		}
	}
	if (module->start == UINTPTR_MAX)
		module->start = module->end;
}

static int collect_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct collect *collect = arg;
	struct image_module *module;
	ElfW(Phdr) * phdr;

	(void)size;
	if (collect->image.count == collect->capacity) {
		size_t wanted = collect->capacity ? collect->capacity * 2 : 32;
		void *grown = realloc(collect->image.modules, wanted * sizeof(*module));

		if (!grown) {
			collect->no_memory = true;
			return 1;
		}
		collect->image.modules = grown;
		collect->capacity = wanted;
	}
	module = &collect->image.modules[collect->image.count];
	/* The loader's own copy goes with the module. */
	phdr = malloc(info->dlpi_phnum * sizeof(*phdr));
	if (!phdr) {
		collect->no_memory = true;
		return 1;
	}
	memcpy(phdr, info->dlpi_phdr, info->dlpi_phnum * sizeof(*phdr));
	/* The loader lists the main program first (dl_iterate_phdr(3)). */
	*module = (struct image_module){
		.executable = collect->image.count == 0,
		.bias = info->dlpi_addr,
		.phdr = phdr,
		.phnum = info->dlpi_phnum,
		.tls_module = info->dlpi_tls_modid,
		.tls_block = (uintptr_t)info->dlpi_tls_data,
	};
	read_segments(module);
	module->path = module_path(info, module->executable, module->start);
	if (!module->path) {
		free(phdr);
		collect->no_memory = true;
		return 1;
	}
	collect->image.count++;
	collect->image.generation = info->dlpi_adds + info->dlpi_subs;
	return 0;
}

int image_take(struct image *image, struct suture_error *err)
{
	struct collect collect = {0};

	fork_guard_enter();
	dl_iterate_phdr(collect_module, &collect);
	fork_guard_leave();
	if (collect.no_memory) {
		image_fini(&collect.image);
		return error_no_memory(err);
	}
	if (!collect.image.count)
		return error_set(err, SUTURE_E_INTERNAL, "the loader lists no modules");
	*image = collect.image;
	return 0;
}

void image_fini(struct image *image)
{
	for (size_t i = 0; i < image->count; i++) {
		free(image->modules[i].path);
		free(image->modules[i].phdr);
	}
	free(image->modules);
	*image = (struct image){0};
}

static int read_generation(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(uint64_t *)arg = info->dlpi_adds + info->dlpi_subs;
	return 1;
}

uint64_t image_generation(void)
{
	uint64_t generation = 0;

	fork_guard_enter();
	dl_iterate_phdr(read_generation, &generation);
	fork_guard_leave();
	return generation;
}

const struct image_module *image_executable(const struct image *image)
{
	return &image->modules[0];
}

const struct image_module *image_find_address(const struct image *image, uintptr_t address)
{
	for (size_t i = 0; i < image->count; i++)
		if (image_module_covers(&image->modules[i], address, 1, 0))
			return &image->modules[i];
	return NULL;
}

const struct image_module *image_find_build_id(const struct image *image, const uint8_t *build_id,
					       size_t size)
{
	for (size_t i = 0; i < image->count; i++) {
		const struct image_module *module = &image->modules[i];

		if (size && module->build_id_size == size &&
		    memcmp(module->build_id, build_id, size) == 0)
			return module;
	}
	return NULL;
}

bool image_module_covers(const struct image_module *module, uintptr_t address, size_t size,
			 uint32_t flags)
{
	for (size_t i = 0; i < module->phnum; i++) {
		const ElfW(Phdr) *phdr = &module->phdr[i];
		uintptr_t start = module->bias + phdr->p_vaddr;

		if (phdr->p_type == PT_LOAD && (phdr->p_flags & flags) == flags &&
		    address >= start && size <= phdr->p_memsz &&
		    address - start <= phdr->p_memsz - size)
			return true;
	}
	return false;
}

static void *open_loaded(const char *path)
{
	void *handle;

	fork_guard_enter();
	handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
	fork_guard_leave();
	return handle;
}

int image_module_hold(const struct image_module *module, void **handle, struct suture_error *err)
{
	struct link_map *map;
	void *held;

	*handle = NULL;
	if (module->executable || !module->dynamic || module->path[0] == '[')
		return 0;
	/* Waits for a dlopen() or dlclose() that is under way: then it is relocated, or gone. */
	held = open_loaded(module->path);
	if (held && dlinfo(held, RTLD_DI_LINKMAP, &map) == 0 && map->l_addr == module->bias) {
		*handle = held;
		return 0;
	}
	image_module_release(held);
	error_set(err, SUTURE_E_AGENT_BUSY, "%s is just being loaded or unloaded",
		  image_module_name(module));
	return error_next(err, "try again");
}

void image_module_release(void *handle)
{
	if (!handle)
		return;
	fork_guard_enter();
	dlclose(handle);
	fork_guard_leave();
}

const char *image_module_name(const struct image_module *module)
{
	const char *slash = strrchr(module->path, '/');

	return slash ? slash + 1 : module->path;
}
