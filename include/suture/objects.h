/* SPDX-License-Identifier: MIT */
/*
 * Objects that a patch may have to migrate: when the layout of a type changes, every living object
 * of it is written anew at a safe point (SUTURE_MIGRATE(), patch.h). The application says where
 * they are:
 *
 *	static void each_player(struct suture_objects *to)
 *	{
 *		for (int i = 0; i < player_count; i++) {
 *			suture_object(to, players[i], (void **)&players[i]);
 *			suture_object(to, players[i], (void **)&players[i]->conn->player);
 *		}
 *	}
 *	suture_objects_register("player", each_player);
 *
 * Shadow variables (shadow.h) need none of this, and are the first thing to think of.
 */
#ifndef SUTURE_OBJECTS_H
#define SUTURE_OBJECTS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct suture_objects; /* the agent's: what was yielded so far */

/*
 * Yields every reference to every object, once each. It is called on a thread of the agent while
 * all threads that take part in safe points stand at theirs, and for the migration itself all
 * others are stopped: no locks, no malloc, no waiting. So whoever changes these objects, or what
 * leads to them, must take part in safe points (suture_safepoint()). May be called several times.
 */
typedef void suture_objects_iterate(struct suture_objects *to);

struct suture_objects_type {
	suture_objects_iterate *iterate;
	/* Memory for objects of another size: NULL: malloc() and free(). Called while the
	 * application runs. */
	void *(*allocate)(size_t size);
	void (*release)(void *object);
};

#pragma GCC visibility push(default)
int suture_agent_objects(const char *type, const struct suture_objects_type *how)
	__attribute__((weak));

/*
 * For iterate: an object, and where a pointer to it is kept, which gets the new address when the
 * object moves. reference NULL: nobody can say; such objects stay where they are, so that only
 * migrations that keep the size are possible.
 */
void suture_object(struct suture_objects *to, void *object, void **reference) __attribute__((weak));
#pragma GCC visibility pop

/*
 * Registers, or replaces, what enumerates the objects of a type: its name is the tag of the struct
 * or class, as SUTURE_MIGRATE() has it. 0, or a negative enum suture_code. Any thread. In a process
 * without the agent nothing happens, and 0 is returned.
 */
static inline int suture_objects_register_type(const char *type,
					       const struct suture_objects_type *how)
{
	return suture_agent_objects ? suture_agent_objects(type, how) : 0;
}

static inline int suture_objects_register(const char *type, suture_objects_iterate *iterate)
{
	struct suture_objects_type how = {iterate, NULL, NULL};

	return suture_objects_register_type(type, &how);
}

#ifdef __cplusplus
}
#endif

#endif
