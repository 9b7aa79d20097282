/* SPDX-License-Identifier: MIT */
/*
 * Shadow variables: data that belongs to an existing object without changing its layout. A patch
 * that needs one more field in struct player attaches it to each player by the object's address and
 * a number of its own choice.
 *
 * They are the application's data: they survive stacking, replacing and reverting of patches, and
 * end only when suture_shadow_free() or suture_shadow_free_all() says so. Free them where the
 * object dies: its address may be another object's next.
 *
 * Threads: all functions may be called by any thread at any time. suture_shadow_get() never waits
 * for anybody, and is the only one that hooks of the switch (SUTURE_ON_SWITCH, SUTURE_ON_UNSWITCH)
 * and signal handlers may call. What a variable holds is guarded by nobody: like any other field,
 * by whatever guards the object.
 */
#ifndef SUTURE_SHADOW_H
#define SUTURE_SHADOW_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The data attached to object under id, or NULL. */
void *suture_shadow_get(const void *object, uint64_t id);

/*
 * The same; where there is none, size zeroed bytes (aligned for any type), which construct (may be
 * NULL) has filled in before anybody else sees them. construct returns 0, or another value to give
 * up. Two threads that come at once get the same data; it is then constructed once. NULL when
 * memory is short or construct gave up. construct runs under the shadows' lock: it may call these
 * functions, but must not wait for another thread that does.
 */
void *suture_shadow_get_or_alloc(const void *object, uint64_t id, size_t size,
				 int (*construct)(const void *object, void *data, void *arg),
				 void *arg);

/*
 * Detaches and frees the data of one object, if there is any. destroy (may be NULL) is called for
 * it first, when nobody can get it any more; the caller sees to it that nobody still uses it.
 */
void suture_shadow_free(const void *object, uint64_t id,
			void (*destroy)(const void *object, void *data));

/* The same for all objects. Returns how many there were. */
size_t suture_shadow_free_all(uint64_t id, void (*destroy)(const void *object, void *data));

#ifdef __cplusplus
}
#endif

#endif
