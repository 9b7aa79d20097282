/* SPDX-License-Identifier: MIT */
/* See objects.h. */
#include "agent/objects.h"

#include "base/error.h"
#include "base/forkguard.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct type {
	char *name;
	struct suture_objects_type how;
	struct type *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the list */
static struct type *types;

void objects_guard_fork(void)
{
	fork_guard_add(&lock, false, NULL);
}

static struct type *find(const char *name)
{
	struct type *type = types;

	while (type && strcmp(type->name, name) != 0)
		type = type->next;
	return type;
}

static struct type *make(const char *name)
{
	struct type *type = calloc(1, sizeof(*type));

	if (type)
		type->name = strdup(name);
	if (!type || !type->name) {
		free(type);
		return NULL;
	}
	type->next = types;
	types = type;
	return type;
}

int objects_register(const char *name, const struct suture_objects_type *how)
{
	struct type *type;

	if (!name || !*name || !how || !how->iterate || !how->allocate != !how->release)
		return -(int)SUTURE_E_USAGE;
	pthread_mutex_lock(&lock);
	type = find(name);
	if (!type)
		type = make(name);
	if (type)
		type->how = *how;
	pthread_mutex_unlock(&lock);
	return type ? 0 : -(int)SUTURE_E_NO_MEMORY;
}

bool objects_find(const char *name, struct suture_objects_type *how)
{
	const struct type *type;

	pthread_mutex_lock(&lock);
	type = find(name);
	if (type)
		*how = type->how;
	pthread_mutex_unlock(&lock);
	return type != NULL;
}

void objects_fini(struct suture_objects *list)
{
	free(list->objects);
	free(list->references);
	free(list->places);
	*list = (struct suture_objects){0};
}

int objects_reserve(struct suture_objects *list, size_t objects, size_t references,
		    struct suture_error *err)
{
	size_t places = 16;

	objects_fini(list);
	while (places < 2 * objects)
		places *= 2;
	list->objects = calloc(objects + 1, sizeof(*list->objects));
	list->references = calloc(references + 1, sizeof(*list->references));
	list->places = calloc(places, sizeof(*list->places));
	if (!list->objects || !list->references || !list->places) {
		objects_fini(list);
		return error_no_memory(err);
	}
	list->room = objects;
	list->reference_room = references;
	list->place_mask = places - 1;
	return 0;
}

/* The object's index, known or new; false when there is no room for a new one. */
static bool index_of(struct suture_objects *list, void *object, size_t *index)
{
	size_t at = (size_t)(((uintptr_t)object >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20);

	for (at &= list->place_mask; list->places[at]; at = (at + 1) & list->place_mask)
		if (list->objects[list->places[at] - 1] == object) {
			*index = list->places[at] - 1;
			return true;
		}
	if (list->count >= list->room) {
		/* Counted once more for each further reference: rather too many. */
		list->count++;
		return false;
	}
	*index = list->count;
	list->objects[list->count++] = object;
	list->places[at] = list->count;
	return true;
}

void objects_yield_stopped(struct suture_objects *list, void *object, void **reference)
{
	size_t index;

	if (!object)
		return;
	list->wrong = list->wrong || (reference && *reference != object);
	if (!index_of(list, object, &index)) {
		list->reference_count++;
		return;
	}
	if (list->reference_count < list->reference_room)
		list->references[list->reference_count] =
			(struct object_reference){.where = reference, .object = index};
	list->reference_count++;
}

bool objects_take_stopped(struct suture_objects *list, suture_objects_iterate *iterate)
{
	list->count = list->reference_count = 0;
	list->wrong = false;
	if (list->places)
		memset(list->places, 0, (list->place_mask + 1) * sizeof(*list->places));
	iterate(list);
	return list->count <= list->room && list->reference_count <= list->reference_room;
}
