/* SPDX-License-Identifier: MIT */
/*
 * What the model plays with: functions with entries of every kind, two of them in a library that
 * comes and goes, and patches that stack, wrap and depend on each other.
 */
#ifndef TESTS_AGENT_SUBJECTS_H
#define TESTS_AGENT_SUBJECTS_H

#include <stdbool.h>
#include <stddef.h>

enum { MODEL_FUNCTIONS = 10, MODEL_PATCHES = 14, MODEL_LIBRARY = 0x300 };

/* f of number n answers x + n + 1; the sixth goes through the first. Those of the library dangle
 * while it is not loaded. */
extern int (*model_functions[MODEL_FUNCTIONS])(int);

/*
 * MODEL_UNSET, and MODEL_SETTING(p) where patch p, which sets it, is the last of those in force;
 * for some it is the same value.
 */
enum { MODEL_UNSET = 55 };
#define MODEL_SETTING(p) (1000 + (p) / 8)
extern int model_setting;

/* The next patch that is put in says no in its post_apply. */
extern int model_regret;

/* Patch p, "modelP", answers 100x + p, or what was there before times 3 plus p. */
struct model_patch {
	unsigned functions; /* bits */
	int on;		    /* patch that it is built on, or -1 */
	bool wraps;	    /* calls the original */
	bool sets;	    /* model_setting */
};

extern const struct model_patch model_patches[MODEL_PATCHES];

/* Builds all into a folder that the caller removes. The library is not loaded then. */
const char *model_make(void);

bool model_library_loaded(void);
void model_library_load(void);
void model_library_unload(void);

#endif
