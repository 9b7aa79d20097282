/* SPDX-License-Identifier: MIT */
/* Paths as texts: joined, normalised, compared; and folders made and removed with all in them. */
#ifndef BUILDER_PATH_H
#define BUILDER_PATH_H

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>

/* `path` seen from the absolute folder `base`, unnormalised. NULL when out of memory. Caller frees.
 */
char *path_join(const char *base, const char *path);

/* The same with ".", ".." and double slashes taken out by text alone. */
char *path_absolute(const char *base, const char *path);

/*
 * One spelling for one file: symbolic links resolved as far as the path exists, the rest
 * normalised. What deps and the diff compare.
 */
char *path_real(const char *base, const char *path);

/* True when path is folder or lies in it, by text; both normalised. */
bool path_inside(const char *path, const char *folder);

/* The longest folder that holds both. Caller frees. */
char *path_common(const char *left, const char *right);

/* Everything before the last slash ("/" for "/x"). Caller frees. */
char *path_folder(const char *path);

/* Behind the last slash, borrowed. */
const char *path_base(const char *path);

bool path_exists(const char *path);

/* True for the extensions that compilers take for source text in C, C++ and kin. */
bool path_is_source(const char *path);

int path_make_folders(const char *path, struct suture_error *err);

/* A new folder to work in, under TMPDIR or /tmp; NULL with an error. */
char *path_make_work(struct suture_error *err) __attribute__((malloc));

/* Removes a folder with all in it, following no symbolic link. Goes on after failures. */
void path_remove_tree(const char *path);

#endif
