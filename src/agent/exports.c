/* SPDX-License-Identifier: MIT */
/* What patches and hosts call in libsuture.so besides its start (lifetime.c). Any thread. */
#include "agent/hostcommand.h"
#include "agent/modules.h"
#include "agent/objects.h"
#include "agent/shadow.h"
#include "scope/thread.h"

#include <suture/shadow.h>
#include <suture/suture.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT void *suture_shadow_get(const void *object, uint64_t id)
{
	return shadow_get(object, id);
}

EXPORT void *suture_shadow_get_or_alloc(const void *object, uint64_t id, size_t size,
					int (*construct)(const void *object, void *data, void *arg),
					void *arg)
{
	return shadow_get_or_alloc(object, id, size, construct, arg);
}

EXPORT void suture_shadow_free(const void *object, uint64_t id,
			       void (*destroy)(const void *object, void *data))
{
	shadow_free(object, id, destroy);
}

EXPORT size_t suture_shadow_free_all(uint64_t id, void (*destroy)(const void *object, void *data))
{
	return shadow_free_all(id, destroy);
}

EXPORT void suture_modules_changed(void)
{
	modules_note();
}

EXPORT void suture_agent_scope_enter(const char *key, const char *value)
{
	scope_enter(key, value);
}

EXPORT void suture_agent_scope_leave(void)
{
	scope_leave();
}

EXPORT void suture_agent_scope_current(struct suture_scope *scope)
{
	scope_current(scope);
}

EXPORT void suture_agent_scope_adopt(const struct suture_scope *scope)
{
	scope_adopt(scope);
}

EXPORT void suture_agent_scope_end(const char *key, const char *value)
{
	scope_end(key, value);
}

EXPORT int suture_agent_command(const char *name, const struct suture_command *command, void *arg)
{
	return hostcommand_register(name, command, arg);
}

EXPORT void suture_answer(struct suture_call *call, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	hostcommand_answer(call, format, args);
	va_end(args);
}

EXPORT int suture_agent_objects(const char *type, const struct suture_objects_type *how)
{
	return objects_register(type, how);
}

EXPORT void suture_object(struct suture_objects *to, void *object, void **reference)
{
	objects_yield_stopped(to, object, reference);
}
