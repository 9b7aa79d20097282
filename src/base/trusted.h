/* SPDX-License-Identifier: MIT */
/*
 * Folders and files that nobody but root and we ourselves can have written: what is loaded into a
 * process unasked must come from such. Any thread.
 */
#ifndef BASE_TRUSTED_H
#define BASE_TRUSTED_H

#include <suture/error.h>

/*
 * Opens a folder. Every folder on the way to it belongs to root or to our effective user, and no
 * other may write there (a sticky one like /tmp may be on the way, not the last). IO where it can't
 * be opened, with errno kept; PERMISSION that names the folder at fault. The caller closes *fd.
 */
int trusted_folder(const char *path, int *fd, struct suture_error *err);

/* A folder in an open trusted one; the same rules. */
int trusted_folder_at(int folder, const char *name, int *fd, struct suture_error *err);

/* A regular file in it, for reading; never through a symbolic link. */
int trusted_file_at(int folder, const char *name, int *fd, struct suture_error *err);

#endif
