/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of an installed patch between starts: how often processes crashed in their
 * first seconds with it. One small file per patch and user, mapped and shared by all of the user's
 * processes, so that it can be written in a signal handler, after chroot() and setuid():
 *
 *   $SUTURE_DIR/trials/UID/HASH, else /run/suture/trials/HASH (root), /tmp/suture-UID/trials/HASH
 *
 * HASH is that of the patch's file. Where none of these can be written, nothing is remembered and
 * nothing is ever set aside.
 */
#ifndef PATCH_TRIAL_H
#define PATCH_TRIAL_H

#include "base/hash.h"

#include <stdatomic.h>
#include <stdbool.h>

enum { TRIAL_CRASHES = 2 }; /* then it is set aside */

/* All zero at first. Changed by several processes at once; no order between the fields matters. */
struct trial {
	_Atomic uint32_t crashes;  /* in a row: survival makes it 0 */
	_Atomic uint32_t survived; /* 1: the first seconds went well at least once */
};

/* Maps the record, which is made where there is none. NULL where it can't be. Never unmapped. */
struct trial *trial_map(const uint8_t hash[HASH_SIZE]);

/* The highest number of crashes that any user's processes had with it, as far as can be read. */
unsigned trial_crashes(const uint8_t hash[HASH_SIZE]);

/* It starts anew for everybody whose records can be removed. */
void trial_forget(const uint8_t hash[HASH_SIZE]);

/* Makes $SUTURE_DIR/trials such that agents of all users can have a folder in it. */
void trial_prepare(void);

#endif
