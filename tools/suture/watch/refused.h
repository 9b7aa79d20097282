/* SPDX-License-Identifier: MIT */
/* What `suture watch --json` says of a build that came to nothing. */
#ifndef WATCH_REFUSED_H
#define WATCH_REFUSED_H

#include "cli/watch/child.h"

/*
 * One line on stdout: an error by the first refusal of the builder's own document, and all of them.
 * A builder that wrote none has said why on stderr.
 */
void refused_put(const struct child *child);

#endif
