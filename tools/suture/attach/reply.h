/* SPDX-License-Identifier: MIT */
/* What the thread that was started for an errand has to say, and what it is given. */
#ifndef ATTACH_REPLY_H
#define ATTACH_REPLY_H

#include "cli/attach/errand.h"

/* False when the process is gone. */
bool reply_read(const struct errand *errand, struct arch_errand *data);

/*
 * While the borrowed thread is stopped: until the new one has loaded the library, or has failed to,
 * or is seen to wait for somebody, or takes too long.
 */
void reply_await_held(struct errand *errand, pid_t borrowed);

/* Gives the new thread the library if it waits for it, and waits for its answer until deadline
 * (us). */
int reply_await(struct errand *errand, uint64_t deadline, struct suture_error *err);

#endif
