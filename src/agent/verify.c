/* SPDX-License-Identifier: MIT */
/* Is this process what the patch was made for? See verify.h. Plan phase. */
#include "agent/verify.h"

#include "arch/arch.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void id_text(const uint8_t *id, size_t size, char *text, size_t text_size)
{
	text[0] = '\0';
	for (size_t i = 0; i < size && i * 2 + 3 <= text_size; i++)
		snprintf(text + i * 2, 3, "%02x", id[i]);
}

/* "libgame.so.2" and "libgame.so.2.1.7" are names of one library. */
static bool same_library(const char *name, const char *other)
{
	const char *end = strstr(name, ".so");
	size_t stem = end ? (size_t)(end - name) + strlen(".so") : strlen(name) + 1;

	return strncmp(name, other, stem) == 0;
}

/* The module that has the wanted one's place but is another build, or NULL: none is loaded. */
static const struct image_module *find_other_build(const struct format_module *wanted,
						   const char *name, const struct image *image)
{
	if (wanted->flags & FORMAT_MODULE_EXECUTABLE)
		return image_executable(image);
	for (size_t i = 0; i < image->count; i++)
		if (same_library(name, image_module_name(&image->modules[i])))
			return &image->modules[i];
	return NULL;
}

static int refuse_build_id(const char *name, const struct format_module *wanted,
			   const struct image_module *other, struct suture_error *err)
{
	char want[2 * FORMAT_BUILD_ID_SIZE + 1], have[2 * IMAGE_BUILD_ID_SIZE + 1];

	id_text(wanted->build_id, wanted->build_id_size, want, sizeof(want));
	id_text(other->build_id, other->build_id_size, have, sizeof(have));
	error_set(err, SUTURE_E_BUILD_ID, "made for %s with build-id %s; %s has %s", name, want,
		  image_module_name(other), have[0] ? have : "none");
	return error_next(err, "build the patch against the binary that runs here");
}

static int verify_module(const struct format_module *wanted, const char *name,
			 const struct image *image, const struct image_module **module,
			 struct suture_error *err)
{
	const struct image_module *found =
		image_find_build_id(image, wanted->build_id, wanted->build_id_size);
	const struct image_module *other = found;

	if (!found || ((wanted->flags & FORMAT_MODULE_EXECUTABLE) && !found->executable)) {
		other = find_other_build(wanted, name, image);
		*module = NULL;
		return other ? refuse_build_id(name, wanted, other, err) : 0;
	}
	/* Copies of one library: a patch in one of them would be half a patch. */
	while (++other < image->modules + image->count)
		if (other->build_id_size == found->build_id_size &&
		    memcmp(other->build_id, found->build_id, found->build_id_size) == 0)
			return error_set(err, SUTURE_E_UNSUPPORTED,
					 "%s is loaded twice, from %s and %s", name, found->path,
					 other->path);
	*module = found;
	return 0;
}

int verify_modules(const struct patch_file *file, const struct image *image,
		   const struct image_module **modules, const char **missing,
		   struct suture_error *err)
{
	int rc = 0;

	*missing = NULL;
	for (size_t i = 0; !rc && i < file->modules.count; i++) {
		const struct format_module *wanted = &file->modules.records[i];
		const char *name = patch_file_string(file, wanted->name_ref);

		rc = verify_module(wanted, name, image, &modules[i], err);
		if (!rc && !modules[i] && !*missing)
			*missing = name;
	}
	return rc;
}

/* The bytes as the module's file has them, or false: the file may be gone or replaced. */
static bool read_from_file(const struct image_module *module, uint64_t address, uint8_t *out,
			   size_t size)
{
	cleanup_fd int fd = open(module->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	for (size_t i = 0; i < module->phnum; i++) {
		const ElfW(Phdr) *phdr = &module->phdr[i];

		if (phdr->p_type == PT_LOAD && address >= phdr->p_vaddr &&
		    address + size <= phdr->p_vaddr + phdr->p_filesz)
			return pread(fd, out, size,
				     (off_t)(phdr->p_offset + address - phdr->p_vaddr)) ==
			       (ssize_t)size;
	}
	return false;
}

/* Says where memory and file part ways, which is what the person who is paged needs to know. */
static int explain_change(const struct format_function *function, const char *name,
			  const struct image_module *module, const uint8_t *code, uint8_t *scratch,
			  struct suture_error *err)
{
	size_t at = 0, last;
	struct arch_insn insn;

	error_set(err, SUTURE_E_FUNCTION_CHANGED, "%s in %s", name, image_module_name(module));
	if (!read_from_file(module, function->target, scratch, function->size) ||
	    memcmp(scratch, code, function->size) == 0) {
		error_set(err, SUTURE_E_FUNCTION_CHANGED,
			  "%s in %s: its bytes are not those that the patch was built against",
			  name, image_module_name(module));
		return error_next(err, "build the patch against the binary that runs here");
	}
	while (scratch[at] == code[at])
		at++;
	for (last = at; last + 1 < function->size && scratch[last + 1] != code[last + 1];)
		last++;
	if (arch_native()->decode(code + at, function->size - at, function->target + at, &insn) ==
		    ARCH_OK &&
	    insn.kind == ARCH_INSN_TRAP && last + 1 - at <= insn.size) {
		error_set(err, SUTURE_E_FUNCTION_CHANGED,
			  "%s+0x%zx in %s holds what looks like a debugger's breakpoint", name, at,
			  image_module_name(module));
		return error_next(err,
				  "delete the breakpoint or detach the debugger, then try again");
	}
	error_set(err, SUTURE_E_FUNCTION_CHANGED,
		  "%s+0x%zx in %s: %zu bytes were changed in memory by something else", name, at,
		  image_module_name(module), last + 1 - at);
	return error_next(err,
			  "find out who else patches this process (profiler, hook, other tool)");
}

/* Reads a range of the module as it was before any patch; the module must really have it. */
static int read_range(const struct agent *agent, const struct image_module *module,
		      const char *name, uintptr_t address, uint64_t size, uint32_t flags,
		      uint8_t **bytes, struct suture_error *err)
{
	uint8_t *copy;
	int rc;

	if (!image_module_covers(module, address, size, flags))
		return error_set(err, SUTURE_E_BAD_PATCH_FILE, "%s lies outside %s", name,
				 image_module_name(module));
	copy = malloc(size);
	if (!copy)
		return error_no_memory(err);
	rc = site_read_original(&agent->sites, &agent->writer, address, copy, size);
	if (rc) {
		free(copy);
		return error_errno(err, SUTURE_E_IO, -rc, "reading %s in %s", name,
				   image_module_name(module));
	}
	*bytes = copy;
	return 0;
}

int verify_function(const struct agent *agent, const struct patch_file *file,
		    const struct format_function *function, const struct image_module *module,
		    uint8_t **code, struct suture_error *err)
{
	const char *name = patch_file_string(file, function->name_ref);
	cleanup_memory uint8_t *scratch = NULL;
	uint8_t hash[HASH_SIZE], *copy = NULL;
	int rc = read_range(agent, module, name, module->bias + function->target, function->size,
			    PF_X, &copy, err);

	if (rc)
		return rc;
	hash_bytes(copy, function->size, hash);
	if (memcmp(hash, function->old_hash, HASH_SIZE) == 0) {
		*code = copy;
		return 0;
	}
	scratch = malloc(function->size);
	rc = scratch ? explain_change(function, name, module, copy, scratch, err)
		     : error_no_memory(err);
	free(copy);
	return rc;
}

int verify_data(const struct agent *agent, const struct patch_file *file,
		const struct format_data *data, uintptr_t address,
		const struct image_module *module, const uint8_t *below, uint8_t **bytes,
		struct suture_error *err)
{
	const char *name = patch_file_string(file, data->name_ref);
	uint8_t hash[HASH_SIZE], *copy = NULL;
	int rc = read_range(agent, module, name, address, data->size, 0, &copy, err);

	if (rc)
		return rc;
	if (data->kind == FORMAT_DATA_CONST) {
		hash_bytes(below ? below : copy, data->size, hash);
		if (memcmp(hash, data->old_hash, HASH_SIZE) != 0) {
			free(copy);
			return error_set(
				err, SUTURE_E_FUNCTION_CHANGED,
				"constant %s in %s was changed in memory by something else", name,
				image_module_name(module));
		}
	}
	*bytes = copy;
	return 0;
}
