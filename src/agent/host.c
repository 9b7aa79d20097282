/* SPDX-License-Identifier: MIT */
/* The host API that takes part in stops: safe points and fibers (suture.h). Thin: src/stop works.
 */
#include "stop/fiber.h"
#include "stop/safepoint.h"

#include <suture/suture.h>

#define EXPORT __attribute__((visibility("default")))

/* Atomic for us; the application loads it with __atomic_load_n(). */
EXPORT unsigned suture_safepoint_state;

_Static_assert(sizeof(_Atomic unsigned) == sizeof(unsigned), "one word for both");

__attribute__((constructor(101))) static void host_begin(void)
{
	safepoint_use_state((_Atomic unsigned *)&suture_safepoint_state);
}

EXPORT unsigned suture_safepoint_visit(void)
{
	return safepoint_visit();
}

EXPORT void suture_safepoint_depart(void)
{
	safepoint_depart();
}

EXPORT int suture_fiber_add(const struct suture_fiber *fiber)
{
	return fiber_add(fiber);
}

EXPORT void suture_fiber_remove(const void *stack)
{
	fiber_remove(stack);
}
