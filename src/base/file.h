/* SPDX-License-Identifier: MIT */
/* Whole files in memory, and the cleanup attributes that close what a scope opened. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <suture/error.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Reads all of a regular file, at most limit bytes, into memory that nobody else can write.
 * The caller frees *data. Refuses what is not a regular file.
 */
int file_read_fd(int fd, size_t limit, const char *name, uint8_t **data, size_t *size,
		 struct suture_error *err);
int file_read(const char *path, size_t limit, uint8_t **data, size_t *size,
	      struct suture_error *err);

/* Writes all of data; a short write is an error. */
int file_write_fd(int fd, const void *data, size_t size, const char *name,
		  struct suture_error *err);

/* Replaces path: written beside it under another name, then renamed, so that readers see all or
 * nothing. */
int file_replace(const char *path, const void *data, size_t size, unsigned mode,
		 struct suture_error *err);

static inline void cleanup_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_free_pointer(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close_stream(FILE **stream)
{
	if (*stream)
		fclose(*stream);
}

#define cleanup_fd     __attribute__((cleanup(cleanup_close_fd)))
#define cleanup_memory __attribute__((cleanup(cleanup_free_pointer)))
#define cleanup_stream __attribute__((cleanup(cleanup_close_stream)))

#endif
