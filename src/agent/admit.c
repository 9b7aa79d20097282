/* SPDX-License-Identifier: MIT */
/* Which patch files are loaded; see admit.h. */
#include "agent/admit.h"

int admit_patch(int fd, const char *label, struct patch_file *file, struct suture_error *err)
{
	return patch_file_read_fd(fd, label, file, err);
}
