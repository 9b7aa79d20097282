/* SPDX-License-Identifier: MIT */
/*
 * Where the files of loaded patches are kept while the process lives, so that gdb, perf and core
 * dumps find them: SUTURE_DIR/live/PID (PID-NAMESPACE in another PID namespace than the first),
 * else a folder of our own under the temporary folder, else a sealed memfd. Plan phase.
 */
#ifndef PATCH_STORE_H
#define PATCH_STORE_H

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_file {
	char *path; /* owned; what dlopen() is given */
	int fd;	    /* of a memfd, kept open; else -1 */
};

/* From now on only sealed memory is used: nobody can change it between writing and mapping. */
void store_use_memory(bool only);

/* Writes data under a name made of name and its content hash. */
int store_write(const char *name, const void *data, size_t size, struct store_file *file,
		struct suture_error *err);

/* Takes the file away again (the mapping, if any, stays). */
void store_discard(struct store_file *file);

/* Removes folders of processes that are gone. Called once, when the agent starts. */
void store_prune(void);

/* Removes this process' folder when it is empty or the process ends. */
void store_close(void);

#endif
