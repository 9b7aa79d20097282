#!/usr/bin/env bash
# Programs in other namespaces, under other users and in sandboxes get the agent and a patch like any
# other; where that can't be, they are told why and left alone. What the kernel does not let us make
# here is said and not tried.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
need python3

build_target_patch startup startup || { totals; exit 1; }
STARTUP=$TARGET_BIN/target-startup
SANDBOX=$TARGET_BIN/target-sandbox
NOBODY=(setpriv --reuid 65534 --regid 65534 --clear-groups)
ROOT_HERE=$([ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && echo yes)
chmod 755 "$WORK"

# in_place COMMAND…: becomes the target, driven by lines; sets PID to the process that answers them
in_place() {
	rm -f "$WORK/to" "$WORK/from"
	mkfifo "$WORK/to" "$WORK/from" || die "no pipe"
	chmod 666 "$WORK/to" "$WORK/from"
	"$@" <"$WORK/to" >"$WORK/from" 2>"$WORK/place.err" &
	OUTER=$!
	PIDS+=("$OUTER")
	exec {TO}>"$WORK/to" {FROM}<"$WORK/from"
	ask first
	[ "$ANSWER" = "2 2" ] || { cat "$WORK/place.err"; return 1; }
	PID=$OUTER
	while [ "$(cat "/proc/$PID/comm")" != target-startup ]; do
		PID=$(pgrep -P "$PID" | head -n 1)
		[ -n "$PID" ] || return 1
	done
}
leave() {
	exec {TO}>&- {FROM}<&-
	wait "$OUTER"
	is "it ends well" 0 $?
}
# lazily TEXT COMMAND…: where a lazy stop does not come off (under load, by where the kernel put things), a full one is
# tried, which some filters forbid: once more then.
lazily() {
	local text=$1 i
	shift
	for ((i = 0; i < 20; i++)); do
		suture "$@"
		[ "$RC" -eq 7 ] || break
	done
	is "$text" "0 true" "$RC $(j .changed)"
}
# patched TEXT: attach, apply, revert, all from here
patched() {
	step "$1: attach" 0 ".result == \"attached\" and .changed and .pid == $PID" attach "$PID"
	step "$1: again" 0 '.changed | not' attach "$PID"
	lazily "$1: apply" apply "$WORK/startup.so" -p "$PID"
	says "$1: patched" value 101
	lazily "$1: revert" revert startup -p "$PID"
	says "$1: as it was" value 2
	is "$1: descriptors left behind" 0 "$(find "/proc/$PID/fd" -lname '*libsuture*' 2>/dev/null | wc -l)"
}
# placed TEXT COMMAND…: all of it
placed() {
	local text=$1
	shift
	if in_place "$@"; then
		patched "$text"
		leave
	else
		fail "$text: it does not start"
	fi
}
library_of() { grep -m 1 -o '[^ ]*libsuture.so.*' "/proc/$PID/maps"; }
refused() {     # TEXT PATTERN: not attached, for a reason, and it lives
	step "$1" 4 ".error.code == \"UNSUPPORTED\" and (.error.message | contains(\"$2\"))" attach "$PID"
	says "$1: it lives" value 2
}
possible() { "$@" true 2>/dev/null || { printf 'note  not tried, the kernel forbids it: %s\n' "$*"; return 1; }; }

printf -- '-- namespaces\n'
if possible unshare -m; then
	# Neither our build folder's neighbours nor our /tmp and /run, which hold sockets and patches.
	# shellcheck disable=SC2016
	placed "other mounts" unshare -m sh -c 'mount -t tmpfs none /run && mount --bind "$1" /mnt &&
		mount -t tmpfs none /tmp && exec /mnt/target-startup' sh "$TARGET_BIN"
	# shellcheck disable=SC2016
	in_place unshare -m sh -c 'mount -t tmpfs none "$1" && exec "$2"' sh "$(dirname "$SUTURE_AGENT")" "$STARTUP"
	patched "without the library's path"
	matches "the library" '*memfd:libsuture.so*' "$(library_of)"
	leave
fi
if possible unshare -pf --mount-proc; then
	mkdir -m 700 "$WORK/shared"
	in_place env SUTURE_DIR="$WORK/shared" unshare -pf --mount-proc "$STARTUP"
	step "other pids: attach" 0 '.changed' attach "$PID"
	step "other pids: apply" 0 '.changed and .pid == 1' apply "$WORK/startup.so" -p "$PID"
	says "other pids: patched" value 101
	# Somebody else with the same folder and number must not take it for his.
	is "other pids: where the patch's file is" "1-$(stat -L -c %i "/proc/$PID/ns/pid")" "$(ls "$WORK/shared/live")"
	matches "its own pid is another" '*	1' "$(grep '^NSpid' "/proc/$PID/status")"
	leave
fi
if possible unshare -Ur; then
	placed "other users, root in there" unshare -Ur "$STARTUP"
fi
if [ "$ROOT_HERE" ] && possible "${NOBODY[@]}" unshare -Ur; then
	placed "somebody's root" "${NOBODY[@]}" unshare -Ur "$STARTUP"
	placed "nobody in there" "${NOBODY[@]}" unshare -U "$STARTUP"
fi
if possible unshare -Urmpf --mount-proc; then
	# shellcheck disable=SC2016
	placed "all of them" unshare -Urmpf --mount-proc sh -c 'mount --bind "$1" /mnt && mount -t tmpfs none /tmp &&
		mount -t tmpfs none /run && exec /mnt/target-startup' sh "$TARGET_BIN"
fi

printf -- '-- file systems\n'
if possible unshare -m; then
	# shellcheck disable=SC2016
	placed "nothing to write but /dev/shm" unshare -m sh -c 'mount --bind "$1" /mnt && mount -t tmpfs -o ro none /run &&
		mount -t tmpfs -o ro none /tmp && mount -o remount,ro,bind / ; exec /mnt/target-startup' sh "$TARGET_BIN"
	# shellcheck disable=SC2016
	in_place unshare -m sh -c 'mount --bind "$1" /mnt
		for f in /run /tmp /dev/shm; do mount -t tmpfs -o ro none $f || exit; done
		exec /mnt/target-startup' sh "$TARGET_BIN"
	step "nothing to write at all" 1 '.error.message | test("did not start: /[^ ]+: ")' attach "$PID"
	says "it lives" value 2
	leave
fi
if [ "$ROOT_HERE" ]; then
	JAIL=$WORK/jail
	mkdir -p "$JAIL/proc" "$JAIL/run" "$JAIL/tmp"
	for file in "$STARTUP" $(ldd "$STARTUP" | grep -o '/[^ ]*'); do
		mkdir -p "$JAIL$(dirname "$file")" && cp -L "$file" "$JAIL$file"
	done
	in_place chroot "$JAIL" "$STARTUP"
	refused "a chroot without /proc" "no /proc"
	leave
	if possible unshare -m; then
		# shellcheck disable=SC2016
		placed "a chroot with it" unshare -m sh -c 'mount -t proc none "$1/proc" && exec chroot "$1" "$2"' \
			sh "$JAIL" "$STARTUP"
	fi
fi

printf -- '-- users\n'
if [ "$ROOT_HERE" ]; then
	placed "root, on somebody's" "${NOBODY[@]}" "$STARTUP"
	# The library is where that user can't read it.
	mkdir -m 700 "$WORK/hidden"
	cp "$SUTURE_AGENT" "$WORK/hidden/libsuture.so"
	in_place "${NOBODY[@]}" "$STARTUP"
	AGENT_HERE=$SUTURE_AGENT
	export SUTURE_AGENT=$WORK/hidden/libsuture.so
	patched "a library that it can't read"
	export SUTURE_AGENT=$AGENT_HERE
	leave
	# As that user: one's own, nobody else's.
	as_nobody() { "${NOBODY[@]}" env -u XDG_RUNTIME_DIR "$SUTURE" "$@" --json >"$OUT" 2>"$ERR"; RC=$?; }
	if "${NOBODY[@]}" test -r "$SUTURE_AGENT"; then
		in_place "${NOBODY[@]}" "$STARTUP"
		as_nobody attach "$PID"
		is "one's own: exit" 0 "$RC"
		as_nobody apply "$WORK/startup.so" -p "$PID"
		is "one's own: apply" 0 "$RC"
		says "one's own: patched" value 101
		leave
		in_place "${NOBODY[@]}" "$SANDBOX" wx -- "$STARTUP"
		as_nobody attach "$PID"
		is "a filter that only root can read: exit" 4 "$RC"
		matches "which is said" '*filter that can?t be read*' "$(j .error.message)"
		says "it lives" value 2
		leave
	fi
	in_place "$STARTUP"
	as_nobody attach "$PID"
	is "root's: exit" 7 "$RC"
	says "it lives" value 2
	leave
fi

printf -- '-- sandboxes\n'
placed "no_new_privs" "$SANDBOX" no-new-privs -- "$STARTUP"
if "$SANDBOX" mdwe -- /bin/true 2>/dev/null; then
	placed "MDWE" "$SANDBOX" mdwe -- "$STARTUP"
else
	printf 'note  not tried, the kernel has no PR_SET_MDWE\n'
fi
in_place "$SANDBOX" wx -- "$STARTUP"
if [ "$(id -u)" = 0 ]; then
	patched "a filter against writable code"
	leave
	placed "no memfd, and none needed" "$SANDBOX" no-memfd -- "$STARTUP"
	in_place "$SANDBOX" no-listen -- "$STARTUP"
	refused "a filter that forbids listen()" "forbids listen"
	leave
	if possible unshare -m; then
		in_place unshare -m sh -c 'mount -t tmpfs none "$1" && exec "$2" no-memfd -- "$3"' sh \
			"$(dirname "$SUTURE_AGENT")" "$SANDBOX" "$STARTUP"
		refused "neither path nor memfd" "memory for it"
		leave
	fi
fi

# Nobody can ask these filters what they kill for: the agent has to find out without dying of it.
is_full_refused() {     # TEXT: a stop that needs ptrace
	step "$1: a full stop" 7 '.error.code == "PERMISSION" and (.error.next | contains("SystemCallFilter=ptrace"))' \
		apply "$WORK/startup.so" -p "$PID" --strict
	says "$1: it lives" value 2
	"$SUTURE" apply "$WORK/startup.so" -p "$PID" --strict >/dev/null 2>"$WORK/words"
	is "$1: no thread is in a function without a name" 0 "$(grep -cE 'is in *$' "$WORK/words")"
}
for limits in kill-priority "kill-priority kill-ptrace"; do
	# shellcheck disable=SC2086
	in_place env LD_PRELOAD="$SUTURE_AGENT" SUTURE_FOLLOW_EXEC=1 "$SANDBOX" $limits -- "$STARTUP" || fail "$limits: it does not start"
	lazily "$limits: apply" apply "$WORK/startup.so" -p "$PID"
	says "$limits: patched" value 101
	lazily "$limits: revert" revert startup -p "$PID"
	if [ "$limits" = kill-priority ]; then
		step "$limits: a full stop" 0 '.changed and .rung == "full"' apply "$WORK/startup.so" -p "$PID" --strict
	else
		is_full_refused "$limits"
	fi
	leave
done
[ "$(id -u)" != 0 ] || placed "a filter that kills for priorities, attached to" "$SANDBOX" kill-priority kill-ptrace -- "$STARTUP"

if [ "$(id -u)" = 0 ]; then
	printf -- '-- a program that confines itself when it has an agent\n'
	mkdir "$WORK/confined"
	cat >"$WORK/confined/confined.c" <<'END'
#include "lines.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Each number: whoever makes that call, in any thread, is the end of all. A path: that is the root
 * folder from now on.
 */
int main(void)
{
	char line[64];

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	while (lines_next(line, sizeof(line))) {
		struct sock_filter program[] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(line), 0, 1),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		};
		struct sock_fprog filter = {4, program};

		if (line[0] == '/') {
			lines_answer("%d", chroot(line) || chdir("/"));
			continue;
		}
		lines_answer("%ld", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter));
	}
	return 0;
}
END
	cp "$TARGETS/lines.h" "$WORK/confined"
	TARGETS=$WORK/confined small_project "$WORK/confined" target-confined -O2 -D_GNU_SOURCE -- confined.c
	TARGET_BIN=$WORK/confined target_with_agent confined
	says "a filter over all threads" 169 0 # reboot()
	step "it serves" 0 ".pid == $PID" status -p "$PID"
	step "it refuses by itself" 4 '.error.code == "BUILD_ID"' apply "$WORK/startup.so" -p "$PID"
	says "another one" 74 0 # fsync()
	step "root is told what would kill it" 4 '.error.code == "UNSUPPORTED" and (.error.message | endswith("as soon as its agent calls fsync"))' \
		apply "$WORK/startup.so" -p "$PID"
	step "also for a look" 4 '.error.message | test("fsync")' list -p "$PID"
	says "it lives" 169 0
	target_end
	# Its own user can only count them.
	if [ "$ROOT_HERE" ] && "${NOBODY[@]}" test -r "$SUTURE_AGENT" && grep -q Seccomp_filters /proc/self/status &&
		[ "$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0)" = 0 ]; then
		ENVIRONMENT=(LD_PRELOAD= "${NOBODY[@]}" env LD_PRELOAD="$SUTURE_AGENT")
		TARGET_BIN=$WORK/confined target_with_agent confined
		ENVIRONMENT=()
		as_nobody status -p "$PID"
		is "one's own: exit" 0 "$RC"
		SOCKET=$("$SUTURE" ps --json | jq -r --argjson pid "$PID" '.processes[] | select(.pid == $pid).socket')
		says "a filter over all threads" 169 0
		as_nobody list -p "$PID"
		is "one more than the agent began under: exit" 4 "$RC"
		is "and why" "it has put a seccomp filter over its agent, which may kill it" "$(j .error.message)"
		as_nobody list -s "$SOCKET"
		is "if so wished: exit" 0 "$RC"
		step "root can read it" 0 '.patches == []' list -p "$PID"
		target_end
	fi
	TARGET_BIN=$WORK/confined target_with_agent confined
	says "to another root folder" "$WORK" 0
	step "its agent is found all the same" 0 ".pid == $PID" status -p "$PID"
	step "and says what it needs" 4 '.error.next | startswith("mount it there: mount -t proc")' threads -p "$PID"
	target_end
fi

printf -- '-- one that is stopped when it has an agent\n'
target_with_agent startup
kill -STOP "$PID"
# Each of its threads, when it is that one's turn.
all_stopped() { [ -z "$(grep -L '^State:[[:space:]]*T' "/proc/$PID/task/"*/status)" ]; }
until_true "its stop" all_stopped
step "it does not answer, and why" 5 '.error.code == "AGENT_BUSY" and .error.next == "it is stopped: let it go on (kill -CONT '"$PID"')"' status -p "$PID"
kill -CONT "$PID"
step "it does again" 0 ".pid == $PID" status -p "$PID"
target_end
totals
