#!/usr/bin/env bash
# A prefork server: children that were forked with the agent in them get one of their own by the
# first request; --tree means all of them; one that refuses keeps all from being changed, unless
# --best-effort. What the server starts is left alone.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

build_target_patch prefork prefork || { totals; exit 1; }

target_with_agent prefork 3
MASTER=$PID
says "as it was built" values "3 3 3 3"
says "system, popen, posix_spawn, vfork" spawn "0 out 0 0"

printf -- '-- all of them\n'
step "a row each" 0 '(.processes | length) == 4' status --tree "$MASTER"
step "check" 0 '(.processes | length) == 4 and all(.processes[]; .result == "ok")' check "$WORK/prefork.so" --tree "$MASTER"
says "nothing changed by that" values "3 3 3 3"
step "apply" 0 '(.processes | length) == 4 and all(.processes[]; .changed)' apply "$WORK/prefork.so" --tree "$MASTER"
says "patched" values "102 102 102 102"
ask pids
read -r W1 W2 W3 _ <<<"$ANSWER"
step "again: nothing to do" 0 'all(.processes[]; .changed | not)' apply "$WORK/prefork.so" --tree "$MASTER"
# That of the answer goes when the agent has its turn.
listening() { [ "$(find "/proc/$W1/fd" -lname 'socket:*' | wc -l)" = 1 ]; }
check "a worker listens, and no more" until_true "one socket" listening

printf -- '-- a child that is born patched\n'
says "one more" fork 4
says "patched from the start" values "102 102 102 102 102"
ask pids
read -r _ _ _ W4 _ <<<"$ANSWER"
step "it knows" 0 '[.patches[] | select(.state == "applied") | .name] == ["prefork"]' list -p "$W4"
step "revert in one" 0 '.changed' revert prefork -p "$W4"
says "that one only" values "102 102 102 102 3"
step "revert in all" 0 '(.processes | length) == 5' revert prefork --tree "$MASTER"
says "as they were" values "3 3 3 3 3"

printf -- '-- one that does not take it\n'
step "detach" 0 '.result == "detached" and .changed' detach "$W2"
step "not served, and not started by itself" 3 '.error.code == "NO_AGENT"' list -p "$W2"
step "attach serves again" 0 '.changed' attach "$W2"
step "what it knew is kept" 0 '.patches == []' list -p "$W2"
# Its function is no longer what the patch was made for.
ADDRESS=$(function_address "$W3" "$TARGET_BIN/target-prefork" value)
printf '\xcc' | dd of="/proc/$W3/mem" bs=1 seek=$((16#$ADDRESS + 1)) conv=notrunc 2>/dev/null
step "refused for all" 4 '[.processes[] | select(.error)] | length == 5' apply "$WORK/prefork.so" --tree "$MASTER"
BEFORE=$(dd if="/proc/$MASTER/mem" iflag=skip_bytes,count_bytes skip=$((16#$ADDRESS)) count=8 2>/dev/null | od -An -tx1)
step "best effort" 4 '[.processes[] | select(.changed == true)] | length == 4' apply "$WORK/prefork.so" --tree "$MASTER" --best-effort
AFTER=$(dd if="/proc/$MASTER/mem" iflag=skip_bytes,count_bytes skip=$((16#$ADDRESS)) count=8 2>/dev/null | od -An -tx1)
check "the others were changed" test "$BEFORE" != "$AFTER"
step "and back" 0 '[.processes[] | select(.changed)] | length == 4' revert prefork --tree "$MASTER"
kill -KILL "$W3"
target_end

printf -- '-- one that fails half way\n'
target_with_agent prefork 2
says "the last one stays inside" stick 4
# Until it is there a check would find nobody in the way.
ask pids
read -r _ W2 _ <<<"$ANSWER"
W=$W2
in_pause() { [ "$(cut -d' ' -f1 "/proc/$W/syscall")" = 34 ]; }
until_true "the worker inside" in_pause
step "all or none" 5 '[.processes[] | select(.error.message // "" | startswith("taken back"))] | length == 2' \
	apply "$WORK/prefork.so" --tree "$PID" --timeout 300ms
step "none is left" 0 'all(.processes[]; .patches == [])' list --tree "$PID"
step "best effort keeps" 5 '[.processes[] | select(.changed == true)] | length == 2' \
	apply "$WORK/prefork.so" --tree "$PID" --timeout 300ms --best-effort
kill -TERM "$W2"
target_end

printf -- '-- that changes meanwhile\n'
target_with_agent prefork 3
ask pids
read -r W1 W2 W3 _ <<<"$ANSWER"
# apply_waits_inside: goes on in the background; the master has the patch, the first worker is in the way
apply_waits_inside() {
	says "the first one stays inside" "stick 0" 4
	W=$W1
	until_true "the worker inside" in_pause
	"$SUTURE" apply "$WORK/prefork.so" --tree "$PID" --timeout 60s --json >"$WORK/apply.out" 2>&1 &
	APPLY=$!
	PIDS+=("$APPLY")
	until_true "the patch in the master" in_force "$PID"
}
in_force() { "$SUTURE" list -p "$1" --json | jq -e '.patches[0].state == "applied"' >/dev/null; }
apply_waits_inside
ask further
C=$ANSWER
check "a child of one that is still to be changed" alive "$C"
kill -KILL "$W3"
kill -USR1 "$W1"
wait "$APPLY"
is "all have it: exit" 0 $?
is "all have it, and one is no more" "3 true" "$(jq -r --argjson c "$C" '[.processes[] | select(.pid != $c)] | "\(length) \(all(.changed))"' "$WORK/apply.out")"
step "that child too" 0 '(.processes | length) == 4 and all(.processes[]; .patches[0].state == "applied") and any(.processes[]; .pid == '"$C"')' \
	list --tree "$PID"
step "revert" 0 '(.processes | length) == 4 and all(.processes[]; .changed)' revert prefork --tree "$PID"
apply_waits_inside
says "a child that is born patched" fork 4
kill -KILL "$W1"
wait "$APPLY"
is "one ended in the middle of it: exit" 3 $?
step "taken back in all, and in that child" 0 '(.processes | length) == 4 and all(.processes[]; .patches == [])' list --tree "$PID"
target_end

printf -- '-- one that is forked in the middle of a transaction\n'
build_target_patch prefork-waits prefork
# forks_in_the_middle OPTION…: by then the command waits for nobody but that child, W4
hook_waits() { grep -q 'waits for a fourth' "$WORK/target-prefork.err"; }
waits_for_end() { grep -q "(pid $W4) was forked in the middle of it: waiting for its end" "$WORK/apply.err"; }
forks_in_the_middle() {
	target_with_agent prefork 3
	"$SUTURE" apply "$WORK/prefork-waits.so" --tree "$PID" --json "$@" >"$WORK/apply.out" 2>"$WORK/apply.err" &
	APPLY=$!
	PIDS+=("$APPLY")
	until_true "the hook" hook_waits
	says "one more" fork 4
	ask pids
	read -r _ _ _ W4 _ <<<"$ANSWER"
	until_true "the last of the work" waits_for_end
}
forks_in_the_middle --timeout 60s
kill -TERM "$W4"
wait "$APPLY"
is "it has ended, and is no trouble: exit" 0 $?
is "the others have it" "4 true" "$(jq -r '.processes | "\(length) \(all(.changed))"' "$WORK/apply.out")"
target_end
# Long enough for those that are asked.
forks_in_the_middle --timeout 10s
wait "$APPLY"
is "it stays: exit" 8 $?
is "it is named, the others have it" "4 [$W4] UNCERTAIN" "$(jq -r '.processes | ([.[] | select(.changed)] | length) as $n |
	[.[] | select(.error)] | "\($n) \(map(.pid)) \(.[0].error.code)"' "$WORK/apply.out")"
says "and has the code that it was born with" values "102 102 102 102 3"
target_end

if [ "$(id -u)" -eq 0 ]; then
	printf -- '-- whose workers gave up root\n'
	target_with_agent prefork 2 65534
	says "as it was built" values "3 3 3"
	ask pids
	read -r W1 W2 _ <<<"$ANSWER"
	# Rows are in the order of pids, which begin anew one day: asked for by pid.
	step "refused for all, in words that fit a row" 7 '[.processes | sort_by(.pid == '"$W2"')[] | select(.pid != '"$PID"') | .error | .code, .message]
		== (["target-prefork (pid '"$W1"') is not dumpable", "target-prefork (pid '"$W2"') is not dumpable"]
		| map("PERMISSION", . + ": it gave up privileges, or asked for that"))' apply "$WORK/prefork.so" --tree "$PID"
	says "nothing was changed" values "3 3 3"
	step "the way out, for all at once" 0 '(.processes | length) == 3 and all(.processes[]; .changed == (.pid != '"$PID"'))' attach --make-dumpable --tree "$PID"
	step "apply" 0 '[.processes[] | .changed] == [true, true, true]' apply "$WORK/prefork.so" --tree "$PID"
	says "patched" values "102 102 102"
	step "detach" 0 '[.processes[] | .changed] == [true, true, true]' detach --tree "$PID"
	closed() { [ "$(stat -c %u "/proc/$W1/mem" "/proc/$W2/mem" | sort -u)" = 0 ]; }
	until_true "what was allowed to end" closed
	step "nobody may trace them any more" 7 '(.processes | length) == 3 and all(.processes[]; .error.code == if .pid == '"$PID"' then null else "PERMISSION" end)' attach --tree "$PID"
	target_end
fi

printf -- '-- a family that nobody prepared\n'
# A name that no other program here has.
ALONE=prefork-$$
TARGET_BIN=$WORK
cp "$BUILD_DIR/bin/target-prefork" "$WORK/target-$ALONE"
# shellcheck disable=SC2034  # target() reads it
ENVIRONMENT=(LD_PRELOAD=)
target "$ALONE" 3
says "as it was built" values "3 3 3 3"
ask pids
read -r W1 _ <<<"$ANSWER"
step "one of them" 0 '.changed and (has("processes") | not)' attach -p "$W1"
step "all of them" 0 '(.processes | length) == 4 and all(.processes[]; .result == "attached" and .changed == (.pid != '"$W1"'))
	and all(.processes[] | select(.changed); .borrowed_us > 0)' attach --tree "$PID"
step "again, by name" 0 '(.processes | length) == 4 and all(.processes[]; .changed | not)' attach -n "target-$ALONE"
matches "in words" "*$W1*target-$ALONE*has an agent already*" "$("$SUTURE" attach --tree "$PID")"
step "apply" 0 '(.processes | length) == 4 and all(.processes[]; .changed)' apply "$WORK/prefork.so" --tree "$PID"
says "patched" values "102 102 102 102"
says "one that is forked by an attached one" fork 4
says "patched from the start" values "102 102 102 102 102"
step "it answers as well" 0 '(.processes | length) == 5 and all(.processes[]; .patches == 1)' status --tree "$PID"
step "detach" 0 '(.processes | length) == 5 and all(.processes[]; .result == "detached" and .changed)' detach --tree "$PID"
step "nobody serves" 3 '.error.code == "NO_AGENT"' list --tree "$PID"
says "still patched" values "102 102 102 102 102"
step "taken again" 0 '(.processes | length) == 5 and all(.processes[]; .changed)' attach -n "target-$ALONE"
step "revert" 0 'all(.processes[]; .changed)' revert prefork --tree "$PID"
says "as they were" values "3 3 3 3 3"
step "detach by name" 0 '(.processes | length) == 5' detach -n "target-$ALONE"
# Those that can get one do; the worst code counts.
kill -STOP "$W1"
stopped() { grep -q '^State:[[:space:]]*T' "/proc/$W1/status"; }
until_true "its stop" stopped
step "one that can't" 4 '[.processes[] | select(.error)] | length == 1 and .[0].pid == '"$W1"' and (.[0].error.message | contains("stopped"))' \
	attach --tree "$PID"
step "the others have" 0 '(.processes | length) == 4' status --tree "$PID"
kill -CONT "$W1"
step "whoever has an agent needs none" 2 '.error.code == "USAGE"' attach --all
step "both ways at once" 2 '.error.code == "USAGE"' attach "$PID" -n x
step "neither" 2 '.error.code == "USAGE"' attach
step "detach: neither" 2 '.error.code == "USAGE"' detach
step "nobody of that name" 3 '.error.code == "NO_PROCESS"' attach -n "no-$ALONE"
target_end
totals
