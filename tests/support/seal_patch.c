/* SPDX-License-Identifier: MIT */
/* Writes the digest into a patch file that was linked by hand: seal_patch FILE. */
#include "base/file.h"
#include "handmade.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	uint8_t *data;
	size_t size;
	int rc;

	if (argc != 2 || file_read(argv[1], 1 << 28, &data, &size, NULL) < 0) {
		fprintf(stderr, "usage: seal_patch FILE\n");
		return 2;
	}
	handmade_seal(data, size);
	rc = file_replace(argv[1], data, size, 0644, NULL);
	free(data);
	return rc < 0;
}
