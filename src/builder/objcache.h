/* SPDX-License-Identifier: MIT */
/*
 * Objects of earlier builds, by what they were made from: compiler, arguments, folder and the text
 * after preprocessing, so that nothing can change unnoticed. A damaged or missing entry is a miss,
 * and no failure here fails a build.
 */
#ifndef BUILDER_OBJCACHE_H
#define BUILDER_OBJCACHE_H

#include "builder/strings.h"

#include "base/hash.h"

#include <stdbool.h>
#include <stddef.h>

/* $XDG_CACHE_HOME/suture, else ~/.cache/suture. NULL where there is neither. Caller frees. */
char *objcache_default(void);

/*
 * `output` and `top` (the patched view's folder, or NULL) are where this build has them, and don't
 * count. `text` is objcache_digest() of the preprocessed source, "" where there is none. False when
 * what the command makes depends on files that the text doesn't show.
 */
bool objcache_key(const struct strings *argv, const struct strings *environment,
		  const char *directory, const char *output, const char *top, const char *text,
		  char key[HASH_TEXT_SIZE]);

/* Hash of preprocessed text with `top` taken out. Leaves "" where it can't tell. */
void objcache_digest(const char *text, size_t size, const char *top, char digest[HASH_TEXT_SIZE]);

/* Writes the entry to `path`; false when there is none. */
bool objcache_take(const char *folder, const char *key, const char *path);

/* Keeps a copy of `path`. */
void objcache_keep(const char *folder, const char *key, const char *path);

/* Removes the entries that were used longest ago until at most `limit` bytes are left. */
void objcache_trim(const char *folder, size_t limit);

#endif
