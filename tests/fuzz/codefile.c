/* SPDX-License-Identifier: MIT */
/* A program's file as `suture check --all-functions` and the builder read it. */
#include "cli/codefile.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int memory = -1;
	static char path[40];
	struct codefile file;
	struct suture_error err;
	uint8_t bytes[32];

	if (memory < 0) {
		memory = memfd_create("input", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	}
	if (ftruncate(memory, 0) < 0 || pwrite(memory, data, size, 0) != (ssize_t)size)
		return 0;
	if (!codefile_open(&file, path, &err))
		for (size_t i = 0; i < file.object.count && i < 64; i++)
			file.object.read(file.object.context, file.object.functions[i].address,
					 bytes, sizeof(bytes));
	codefile_close(&file);
	return 0;
}
