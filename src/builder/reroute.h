/* SPDX-License-Identifier: MIT */
/*
 * Includes by an absolute path: the source of a unity build, a precompiled header's. In a view they
 * have to lead into it, or the patched file would not be what is compiled.
 */
#ifndef BUILDER_REROUTE_H
#define BUILDER_REROUTE_H

#include "builder/overlay.h"

/*
 * Rewrites the file in the view, where it includes files that the view covers. What the compiler
 * writes down of their names is what it was: command_make() maps the view's top away. A file that
 * is not there is left alone.
 */
int reroute_includes(const struct overlay *view, const char *path, struct suture_error *err);

#endif
