/* SPDX-License-Identifier: MIT */
/*
 * Code that calls a lambda whose captures change by a pointer that it was given: another lambda, or
 * a class, declared inside the same function knows the type, and casts to it. It could be given an
 * old one. From elsewhere the type has no name, but for templates, which are named by it.
 */
#ifndef BUILDER_GIVEN_H
#define BUILDER_GIVEN_H

#include "closures.h"
#include "session.h"

/* After P's parts are paired; closures are those of P, renamed. Adds refusals. */
int given_check(struct session *session, const struct unit *unit, const struct closures *closures);

#endif
