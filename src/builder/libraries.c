/* SPDX-License-Identifier: MIT */
/* The loader's list of libraries, and their tables of names; see libraries.h. */
#include "builder/libraries.h"

#include "builder/path.h"
#include "builder/process.h"

#include "base/error.h"
#include "base/file.h"

#include <fcntl.h>
#include <gelf.h>
#include <string.h>

enum { LIST_SIZE_MAX = 1 << 20 };

struct libraries {
	struct strings names; /* sorted */
};

static void add_names(struct strings *names, const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Sym symbol;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = fd >= 0 ? elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;
	while (elf && (section = elf_nextscn(elf, section))) {
		Elf_Data *data = NULL;

		if (gelf_getshdr(section, &header) && header.sh_type == SHT_DYNSYM)
			data = elf_getdata(section, NULL);
		for (int i = 1; data && gelf_getsym(data, i, &symbol); i++) {
			const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);

			if (name && symbol.st_shndx != SHN_UNDEF &&
			    GELF_ST_BIND(symbol.st_info) != STB_LOCAL)
				strings_add(names, name);
		}
	}
	elf_end(elf);
}

/* "libm.so.6 => /lib/libm.so.6 (0x7f…)", the loader itself without an arrow. False: not found. */
static bool add_line(struct strings *names, char *line)
{
	char *path = strchr(line, '/');
	char *end = path ? strstr(path, " (0x") : NULL;

	if (strstr(line, "=> not found"))
		return false;
	if (end) {
		*end = 0;
		add_names(names, path);
	}
	return true;
}

static bool read_list(struct strings *names, const char *path)
{
	cleanup_memory uint8_t *data = NULL;
	cleanup_memory char *text = NULL;
	char *rest, *line;
	size_t size;
	bool all = true;

	if (file_read(path, LIST_SIZE_MAX, &data, &size, NULL))
		return false;
	text = strndup((char *)data, size);
	for (rest = text; rest && all && (line = strsep(&rest, "\n"));)
		all = add_line(names, line);
	strings_sort(names);
	return text && all && names->count;
}

int libraries_open(const char *binary, const char *work_dir, struct libraries **libraries,
		   struct suture_error *err)
{
	cleanup_memory char *real = realpath(binary, NULL);
	cleanup_memory char *out = path_join(work_dir, "libraries");
	struct strings argv = {0};
	struct process_job job = {.argv = &argv, .directory = work_dir, .out_path = out};
	struct libraries *made = calloc(1, sizeof(*made));
	int rc;

	*libraries = NULL;
	strings_add(&argv, "ldd");
	strings_add(&argv, real ? real : binary);
	rc = made && out && strings_ok(&argv) ? process_run(&job, 1, 1, NULL, NULL, err)
					      : error_no_memory(err);
	strings_fini(&argv);
	if (!rc && process_succeeded(&job) && read_list(&made->names, out)) {
		*libraries = made;
		made = NULL;
	}
	libraries_close(made);
	return rc;
}

void libraries_close(struct libraries *libraries)
{
	if (libraries)
		strings_fini(&libraries->names);
	free(libraries);
}

bool libraries_define(const struct libraries *libraries, const char *name)
{
	return strings_contain_sorted(&libraries->names, name);
}
