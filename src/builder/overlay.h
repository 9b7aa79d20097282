/* SPDX-License-Identifier: MIT */
/*
 * A view of the whole file system below a temporary folder, in which some files differ: P is
 * compiled in it, the user's sources are never touched. TOP/PATH shows what is at PATH.
 *
 * Real folders of the view hold symbolic links to files, so that "../x.h" and an include beside the
 * including file stay inside the view. A sparse view has real folders only where files will differ
 * and where compilers start from; a full one wherever the roots have folders. Nothing is ever
 * written through a link.
 */
#ifndef BUILDER_OVERLAY_H
#define BUILDER_OVERLAY_H

#include "builder/strings.h"

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>

struct overlay {
	char *top;	      /* owned, absolute, without a slash at the end */
	struct strings roots; /* absolute, normalised, none inside another */
	bool full;
	struct strings folders; /* these and all above them are real folders of the view */
};

/*
 * Makes the view at `top`, a folder that does not exist yet. Roots (the source tree, the build
 * tree) may overlap and need not be spelled as the kernel spells them: paths into them lead into
 * the view. A sparse view has the given folders real, a full one (folders NULL) all of the roots.
 * The caller calls overlay_fini(), which leaves the files.
 */
int overlay_init(struct overlay *overlay, const char *top, const struct strings *roots,
		 const struct strings *folders, struct suture_error *err);
void overlay_fini(struct overlay *overlay);

/* Makes the file other than it is, in every root that shows it; text NULL: makes it vanish. */
int overlay_replace(const struct overlay *overlay, const char *path, const void *text, size_t size,
		    struct suture_error *err);

/* True when an absolute path is one that the view may show differently. */
bool overlay_covers(const struct overlay *overlay, const char *path);

/* Where the view has an absolute path. Caller frees; NULL when out of memory. */
char *overlay_path(const struct overlay *overlay, const char *path);

#endif
