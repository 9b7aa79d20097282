/* SPDX-License-Identifier: MIT */
/*
 * Shadow variables. Readers walk a hash table's chains without a lock; writers change them under
 * `lock`, publish with release, and never change a node that a reader may be on: they unlink it and
 * retire it. A reader counts itself in and out of one of a few counters. A retired node may be used
 * again once each counter has been seen at zero since: whoever might have held it has left.
 * Nothing waits for readers, so that a thread that was stopped amid a walk holds nobody up.
 */
#include "agent/shadow.h"

#include "arch/arch.h"
#include "base/forkguard.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum { FIRST_BUCKETS = 256, READER_COUNTERS = 16, CACHE_LINE = 64 };

struct node {
	_Atomic(struct node *) next;
	const void *object;
	uint64_t id;
	void *data;
	size_t size;
	struct node *retired; /* next in a list of retired nodes; under lock */
};

struct table {
	size_t mask;
	struct table *retired; /* next in a list of retired tables; under lock */
	_Atomic(struct node *) buckets[];
};

struct counter {
	_Alignas(CACHE_LINE) atomic_uint readers;
};

/* What was unlinked, and the counters that have not been seen at zero since. */
struct batch {
	struct node *nodes;
	struct table *tables;
	unsigned waiting_for; /* bits by counter */
};

static _Atomic(struct table *) current; /* published with release, read with acquire */
static struct counter counters[READER_COUNTERS];
/* Guards all that follows, and every change of the table. Recursive for the sake of constructors.
 */
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static struct batch young, waiting;
static size_t variable_count, variable_bytes;

/* Who was reading in the parent does not go on here. */
static void forget_readers(void)
{
	for (size_t i = 0; i < READER_COUNTERS; i++)
		atomic_store(&counters[i].readers, 0);
}

void shadow_guard_fork(void)
{
	fork_guard_add(&lock, true, forget_readers);
}

static size_t hash_of(const void *object, uint64_t id)
{
	uint64_t hash = ((uint64_t)(uintptr_t)object ^ id * UINT64_C(0xff51afd7ed558ccd)) *
			UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(hash ^ hash >> 32);
}

/* ---- readers ------------------------------------------------------------------------------- */

/* Sequentially consistent: pairs with all_left(), which reads the counter after an unlinking. */
static atomic_uint *reader_enter(void)
{
	uintptr_t thread = arch_thread_pointer();
	atomic_uint *readers = &counters[(thread >> 12 ^ thread >> 20) % READER_COUNTERS].readers;

	atomic_fetch_add(readers, 1);
	return readers;
}

static void reader_leave(atomic_uint *readers)
{
	atomic_fetch_sub(readers, 1);
}

static struct node *find(const struct table *table, const void *object, uint64_t id)
{
	struct node *node;

	if (!table)
		return NULL;
	/* Pairs with publish(): whoever sees a node sees what it holds. */
	node = atomic_load(&table->buckets[hash_of(object, id) & table->mask]);
	while (node && (node->object != object || node->id != id))
		node = atomic_load(&node->next);
	return node;
}

void *shadow_get(const void *object, uint64_t id)
{
	atomic_uint *readers = reader_enter();
	const struct node *node = find(atomic_load(&current), object, id);
	void *data = node ? node->data : NULL;

	reader_leave(readers);
	return data;
}

/* ---- retiring, under lock -------------------------------------------------------------------- */

static void free_batch(struct batch *batch)
{
	while (batch->nodes) {
		struct node *node = batch->nodes;

		batch->nodes = node->retired;
		free(node);
	}
	while (batch->tables) {
		struct table *table = batch->tables;

		batch->tables = table->retired;
		free(table);
	}
}

/* Frees what no reader can be on any more; the rest another time. */
static void reclaim(void)
{
	for (unsigned i = 0; i < READER_COUNTERS; i++)
		if (waiting.waiting_for >> i & 1 && atomic_load(&counters[i].readers) == 0)
			waiting.waiting_for &= ~(1u << i);
	if (waiting.waiting_for)
		return;
	free_batch(&waiting);
	waiting = young;
	waiting.waiting_for = waiting.nodes || waiting.tables ? (1u << READER_COUNTERS) - 1 : 0;
	young = (struct batch){0};
}

static void retire(struct node *node)
{
	node->retired = young.nodes;
	young.nodes = node;
}

/* ---- writers, under lock --------------------------------------------------------------------- */

static void publish(struct table *table, struct node *node)
{
	_Atomic(struct node *) *bucket =
		&table->buckets[hash_of(node->object, node->id) & table->mask];

	atomic_store_explicit(&node->next, atomic_load(bucket), memory_order_relaxed);
	atomic_store(bucket, node);
}

static struct table *create_table(size_t buckets)
{
	struct table *table = calloc(1, sizeof(*table) + buckets * sizeof(table->buckets[0]));

	if (table)
		table->mask = buckets - 1;
	return table;
}

/* Copies of all nodes in a table twice as large; chains in use are never relinked. */
static struct table *copy_table(const struct table *from)
{
	struct table *table = create_table((from->mask + 1) * 2);
	bool complete = table != NULL;

	for (size_t i = 0; complete && i <= from->mask; i++) {
		const struct node *node = atomic_load(&from->buckets[i]);

		for (; complete && node; node = atomic_load(&node->next)) {
			struct node *copy = malloc(sizeof(*copy));

			complete = copy != NULL;
			if (!complete)
				break;
			copy->object = node->object;
			copy->id = node->id;
			copy->data = node->data;
			copy->size = node->size;
			publish(table, copy);
		}
	}
	if (complete)
		return table;
	for (size_t i = 0; table && i <= table->mask; i++)
		for (struct node *node = atomic_load(&table->buckets[i]), *next; node;
		     node = next) {
			next = atomic_load(&node->next);
			free(node);
		}
	free(table);
	return NULL;
}

/* A table that is too small is slow and no failure. */
static struct table *make_room(void)
{
	struct table *table = atomic_load(&current), *larger;

	if (!table) {
		table = create_table(FIRST_BUCKETS);
		atomic_store(&current, table);
		return table;
	}
	if (variable_count <= table->mask)
		return table;
	larger = copy_table(table);
	if (!larger)
		return table;
	atomic_store(&current, larger);
	for (size_t i = 0; i <= table->mask; i++)
		for (struct node *node = atomic_load(&table->buckets[i]); node;
		     node = atomic_load(&node->next))
			retire(node);
	table->retired = young.tables;
	young.tables = table;
	return larger;
}

static void *add(const void *object, uint64_t id, size_t size, void *data)
{
	struct table *table = make_room();
	struct node *node = table ? malloc(sizeof(*node)) : NULL;

	if (!node)
		return NULL;
	node->object = object;
	node->id = id;
	node->data = data;
	node->size = size;
	publish(table, node);
	variable_count++;
	variable_bytes += size;
	return data;
}

static void *allocate(const void *object, uint64_t id, size_t size,
		      int (*construct)(const void *object, void *data, void *arg), void *arg)
{
	void *data = calloc(1, size ? size : 1);
	struct node *node;

	if (!data)
		return NULL;
	if (construct && construct(object, data, arg)) {
		free(data);
		return NULL;
	}
	/* The constructor may have attached it by itself. */
	node = find(atomic_load(&current), object, id);
	if (!node && add(object, id, size, data))
		return data;
	free(data);
	return node ? node->data : NULL;
}

void *shadow_get_or_alloc(const void *object, uint64_t id, size_t size,
			  int (*construct)(const void *object, void *data, void *arg), void *arg)
{
	void *data = shadow_get(object, id);
	struct node *node;

	if (data)
		return data;
	pthread_mutex_lock(&lock);
	node = find(atomic_load(&current), object, id);
	data = node ? node->data : allocate(object, id, size, construct, arg);
	reclaim();
	pthread_mutex_unlock(&lock);
	return data;
}

/* ---- freeing --------------------------------------------------------------------------------- */

/*
 * The first variable of that id (of that object, if it is not NULL) from bucket *at on is taken out
 * of the table. False when there is none.
 */
static bool detach(const void *object, uint64_t id, size_t *at, const void **owner, void **data)
{
	struct table *table = atomic_load(&current);

	for (; table && *at <= table->mask; ++*at) {
		_Atomic(struct node *) *link = &table->buckets[*at];
		struct node *node = atomic_load(link);

		while (node && (node->id != id || (object && node->object != object))) {
			link = &node->next;
			node = atomic_load(link);
		}
		if (!node) {
			if (object)
				return false;
			continue;
		}
		/* The node keeps its own link: a reader on it goes on from there. */
		atomic_store(link, atomic_load(&node->next));
		*owner = node->object;
		*data = node->data;
		variable_count--;
		variable_bytes -= node->size;
		retire(node);
		return true;
	}
	return false;
}

static void dispose(const void *object, void *data, void (*destroy)(const void *object, void *data))
{
	if (destroy)
		destroy(object, data);
	free(data);
}

void shadow_free(const void *object, uint64_t id, void (*destroy)(const void *object, void *data))
{
	const struct table *table;
	const void *owner;
	void *data;
	bool found;
	size_t at;

	if (!object)
		return;
	pthread_mutex_lock(&lock);
	table = atomic_load(&current);
	at = table ? hash_of(object, id) & table->mask : 0;
	found = detach(object, id, &at, &owner, &data);
	reclaim();
	pthread_mutex_unlock(&lock);
	if (found)
		dispose(owner, data, destroy);
}

size_t shadow_free_all(uint64_t id, void (*destroy)(const void *object, void *data))
{
	size_t count = 0, at = 0, mask = 0;
	const void *owner;
	void *data;
	bool found;

	do {
		const struct table *table;

		pthread_mutex_lock(&lock);
		table = atomic_load(&current);
		/* A destructor may have made the table grow, which moves everything. */
		if (table && table->mask != mask) {
			mask = table->mask;
			at = 0;
		}
		found = detach(NULL, id, &at, &owner, &data);
		reclaim();
		pthread_mutex_unlock(&lock);
		if (found) {
			dispose(owner, data, destroy);
			count++;
		}
	} while (found);
	return count;
}

void shadow_usage(size_t *count, size_t *bytes)
{
	pthread_mutex_lock(&lock);
	*count = variable_count;
	*bytes = variable_bytes;
	pthread_mutex_unlock(&lock);
}

void shadow_fini(void)
{
	struct table *table = atomic_load(&current);

	for (size_t i = 0; table && i <= table->mask; i++)
		for (struct node *node = atomic_load(&table->buckets[i]), *next; node;
		     node = next) {
			next = atomic_load(&node->next);
			free(node->data);
			free(node);
		}
	free(table);
	atomic_store(&current, NULL);
	free_batch(&waiting);
	free_batch(&young);
	waiting = young = (struct batch){0};
	variable_count = variable_bytes = 0;
}
