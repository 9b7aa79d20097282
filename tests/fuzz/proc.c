/* SPDX-License-Identifier: MIT */
/*
 * What the command line and the agent read in /proc, and times that people type: whatever fopen()
 * opens has the input in it. A process chooses its own name and the paths that it maps.
 */
#include "base/maps.h"
#include "cli/duration.h"
#include "cli/process.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__real_fopen(const char *path, const char *mode);

static const uint8_t *input;
static size_t input_size;

FILE *__wrap_fopen(const char *path, const char *mode)
{
	/* The fuzzer itself writes files. */
	if (strncmp(path, "/proc/", 6) != 0)
		return __real_fopen(path, mode);
	return input_size ? fmemopen((void *)input, input_size, "r") : NULL;
}

/* A broken property is a finding: the fuzzer reports the trap. */
static void require(bool property)
{
	if (!property)
		__builtin_trap();
}

static void read_maps(void)
{
	struct suture_error err;
	uintptr_t start;
	struct maps maps;

	if (maps_read(0, &maps, &err))
		return;
	for (size_t i = 0; i < maps.count; i++)
		require(maps.regions[i].path != NULL);
	if (maps_find_hole(&maps, 0x10000, UINT32_MAX, 0x400000, 4096, &start))
		require(start >= 0x10000 && start < UINT32_MAX && start % 4096 == 0);
	maps_covers(&maps, 0x400000, 0x401000, 1);
	maps_fini(&maps);
}

static void read_duration(void)
{
	char text[64], again[DURATION_TEXT_SIZE];
	struct suture_error err;
	uint64_t us = 0;

	snprintf(text, sizeof(text), "%.*s", input_size < 63 ? (int)input_size : 63,
		 (const char *)input);
	if (duration_parse(text, "--timeout", &us, &err))
		return;
	require(us > 0 && us <= 24 * 3600000000ULL);
	duration_format(us, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct process process;

	if (size < 2)
		return 0;
	input = data + 1;
	input_size = size - 1;
	if (data[0] % 3 == 0) {
		if (process_read(1, &process))
			require(memchr(process.name, '\0', sizeof(process.name)) &&
				memchr(process.comm, '\0', sizeof(process.comm)));
	} else if (data[0] % 3 == 1) {
		read_maps();
	} else {
		read_duration();
	}
	return 0;
}
