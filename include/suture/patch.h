/* SPDX-License-Identifier: MIT */
/*
 * For authors of patches: what a diff may add to the sources besides the fix itself. Each macro
 * stands at file scope, behind a declaration of the function it names, with a semicolon; in C++ in
 * that function's own namespace. They leave notes in the object file, which `suture build` reads;
 * it finds this header by itself. docs/AUTHORING.md has an example of each.
 *
 * They belong into a patch and not into the sources that the next release is made of: a note that
 * was in the sources already does not belong to the diff, and is left alone.
 */
#ifndef SUTURE_PATCH_H
#define SUTURE_PATCH_H

/*
 * Hooks: int hook(void), 0 for success. pre_ and post_ hooks run on the agent's thread while the
 * application runs; a pre_ hook that returns another value vetoes. on_ hooks run while all other
 * threads are stopped: no malloc, no locks, no stdio, no waiting, no exceptions; a failing one
 * undoes the switch. Numbers as in the patch format (docs/FORMAT.md).
 */
#define SUTURE_PRE_APPLY(hook)	 SUTURE_HOOK_(1, hook)
#define SUTURE_ON_SWITCH(hook)	 SUTURE_HOOK_(2, hook)
#define SUTURE_POST_APPLY(hook)	 SUTURE_HOOK_(3, hook)
#define SUTURE_PRE_REVERT(hook)	 SUTURE_HOOK_(4, hook)
#define SUTURE_ON_UNSWITCH(hook) SUTURE_HOOK_(5, hook)
#define SUTURE_POST_REVERT(hook) SUTURE_HOOK_(6, hook)

#define SUTURE_HOOK_(number, hook)      \
	static const struct {           \
		int (*function)(void);  \
		long kind;              \
	} suture_hook_##number##_##hook \
		__attribute__((used, section(".suture.author.hooks"))) = {hook, number}

/*
 * The function as it was before this patch, for a replacement that only adds to it:
 *
 *	SUTURE_ORIGINAL(on_move);
 *
 *	int on_move(struct player *player)
 *	{
 *		if (!player->room)
 *			return -1;
 *		return suture_original(on_move)(player);
 *	}
 *
 * SUTURE_ORIGINAL stands in the file that defines the function. Where the patch lies on another
 * one, the original is that one's version. Building is refused where the diff does not change the
 * function, or the program has no code of its own for it (it was inlined everywhere); applying,
 * where the old code can't be called any more (its first instructions can't be moved).
 *
 * In C++ a member or an overloaded function is named by its symbol, as `nm` shows it:
 *
 *	extern int room_enter(room *self, player &who) __asm__("_ZN4room5enterER6player");
 *	SUTURE_ORIGINAL(room_enter);
 */
#define SUTURE_ORIGINAL(name)                                                                      \
	static __typeof__(&(name)) volatile suture_original_##name                                 \
		__attribute__((used, section(".data.suture.original"))) = 0;                       \
	static const struct {                                                                      \
		__typeof__(&(name)) volatile *slot;                                                \
		__typeof__(&(name)) function;                                                      \
	} suture_original_of_##name __attribute__((used, section(".suture.author.originals"))) = { \
		&suture_original_##name, name}

#define suture_original(name) suture_original_##name

/*
 * No thread may be inside fn, a function that the target has already, at the moment of the switch:
 * all that fn calls, from its first call to its last, is then of one version. For functions that
 * call several of those that change and rely on their agreeing. Holds for the revert as well. The
 * function need not be changed by the patch; one on every stack for ever makes the patch busy for
 * ever. Static functions are fine; where the compiler put fn into its callers, these must be idle.
 */
#ifdef __cplusplus
#define SUTURE_REQUIRE_IDLE(fn)	  SUTURE_REQUIRE_(fn, __LINE__)
#define SUTURE_REQUIRE_(fn, line) SUTURE_REQUIRE_AT_(fn, line)
#define SUTURE_REQUIRE_AT_(fn, line)                       \
	static const __typeof__(&fn) suture_require_##line \
		__attribute__((used, section(".suture.author.require"))) = &fn
#else
/* By name: a reference would keep the compiler from inlining a static function as before. */
#define SUTURE_REQUIRE_IDLE(fn)                           \
	_Static_assert(sizeof(&(fn)) != 0, "a function"); \
	static const char suture_require_##fn[]           \
		__attribute__((used, section(".suture.author.idle"))) = #fn
#endif

/*
 * The layout of a type changes, and its living objects with it (suture build --accept-layout TYPE).
 * forward fills an object of the new layout from one of the old; reverse is the way back:
 *
 *	static int player_forward(const void *old, void *fresh);
 *	static int player_reverse(const void *old, void *fresh);
 *	SUTURE_MIGRATE(player, player_forward, player_reverse);
 *
 * type is the name under which the application registered its objects
 * (suture_objects_register()). Each object of it that the application yields is handed to forward
 * once, at the safe point, while every thread stands or is stopped: no malloc, no locks, no stdio,
 * no waiting, no exceptions. fresh is zeroed, aligned as by malloc(). 0 for success; if any
 * returns another value no object changes and the patch is not applied.
 *
 * reverse does the same when the patch is reverted, for those that were migrated and those that
 * were born since; its arguments are the object as it is and zeroed memory of the old size. With
 * SUTURE_MIGRATE_ONE_WAY there is no way back: revert is refused.
 */
#define SUTURE_MIGRATE(type, forward, reverse) SUTURE_MIGRATE_(type, forward, reverse)
#define SUTURE_MIGRATE_ONE_WAY(type, forward)  SUTURE_MIGRATE_(type, forward, 0)

#define SUTURE_MIGRATE_(type, forward, reverse)                                              \
	static const struct {                                                                \
		const char *name;                                                            \
		int (*hooks[2])(const void *, void *);                                       \
	} suture_migrate_##type __attribute__((used, section(".suture.author.migrate"))) = { \
		#type, {forward, reverse}}

#endif
