/* SPDX-License-Identifier: MIT */
/*
 * The files that a binary is made from, as they were when it was built, and what has become of
 * them since. The originals are kept beside the builder's cache, by the binary's build-id, so that
 * a loop that is ended and begun again goes on from the same.
 */
#ifndef WATCH_TREE_H
#define WATCH_TREE_H

#include <suture/error.h>

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree_file {
	char *path; /* owned, absolute */
	bool differs;
};

struct tree {
	struct tree_file *files; /* owned, by path */
	size_t count;
	char root[PATH_MAX];	 /* the folder that holds them all */
	char folder[PATH_MAX];	 /* of what is kept */
	char baseline[PATH_MAX]; /* below it: originals at their absolute paths */
	int lock;
	uint64_t newest_ns; /* the last time that a file that differs was written */
};

/*
 * list: paths, one a line. root: the source folder or NULL. Takes the originals that are kept for
 * this build-id, else copies the files as they are now. AGENT_BUSY: another loop has it.
 */
int tree_open(struct tree *tree, char *list, const char *root, const char *build_id,
	      struct suture_error *err);
void tree_close(struct tree *tree);

/* A file that was changed after the binary was linked, if it was copied just now; or NULL. */
const char *tree_newer(const struct tree *tree, const char *binary);

/* Looks at all files; how many differ from the originals. */
size_t tree_look(struct tree *tree);

/* A unified diff from the originals to what is there; to the file `path`. */
int tree_diff(const struct tree *tree, const char *path, struct suture_error *err);

/* Is the file of that folder and name one of them, or like one: a source or a header? */
bool tree_concerns(const struct tree *tree, const char *folder, const char *name);

#endif
