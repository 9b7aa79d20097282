/* SPDX-License-Identifier: MIT */
/*
 * For authors of patches: what a diff may add to the sources besides the fix itself. Each macro
 * stands at file scope, behind the definition of the function it names.
 */
#ifndef SUTURE_PATCH_H
#define SUTURE_PATCH_H

#ifdef __cplusplus
extern "C" {
#endif

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

#define SUTURE_HOOK_(kind, hook)                                \
	__asm__(".pushsection .suture.hooks,\"\",@progbits\n\t" \
		".balign 8\n\t.quad " #hook "\n\t.long " #kind ", 0\n\t.popsection")

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
 * SUTURE_ORIGINAL stands at file scope behind a declaration of the function. Where the patch lies
 * on another one, the original is that one's version. Applying is refused where the old code can't
 * be called any more (its first instructions can't be moved). In C++ for extern "C" functions.
 */
#define SUTURE_ORIGINAL(function)                                                   \
	static __typeof__(&(function)) volatile suture_original_##function __asm__( \
		"suture_original_" #function)                                       \
		__attribute__((used, section(".data.suture_original"))) = 0;        \
	__asm__(".pushsection .suture.originals,\"\",@progbits\n\t"                 \
		".balign 8\n\t.quad suture_original_" #function ", " #function "\n\t.popsection")

#define suture_original(function) suture_original_##function

/*
 * No thread may be inside fn, an existing function of the target, at the moment of the switch: all
 * that fn calls, from its first call to its last, is then of one version. For functions that call
 * several of those that change and rely on their agreeing. Holds for the revert as well. The
 * function need not be changed by the patch; one on every stack for ever makes the patch busy for
 * ever. Static functions are fine.
 */
#define SUTURE_REQUIRE_IDLE(fn)                      \
	static const void *const suture_require_##fn \
		__attribute__((used, section(".suture.require"))) = (const void *)fn

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
#define SUTURE_MIGRATE(type, forward, reverse) \
	SUTURE_MIGRATE_(type, (const void *)(forward), (const void *)(reverse))
#define SUTURE_MIGRATE_ONE_WAY(type, forward) SUTURE_MIGRATE_(type, (const void *)(forward), 0)

#define SUTURE_MIGRATE_(type, forward, reverse) \
	static const struct {                   \
		const char *name;               \
		const void *hooks[2];           \
	} suture_migrate_##type                 \
		__attribute__((used, section(".suture.migrate"))) = {#type, {forward, reverse}}

#ifdef __cplusplus
}
#endif

#endif
