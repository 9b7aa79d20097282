#!/usr/bin/env bash
# Who may do what: users x roles x commands, each run as that user. The process runs as one user; root and that
# user may do all, others what SUTURE_ALLOW_UID and SUTURE_ALLOW_GID say, and nobody else anything.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

need setpriv
[ "$(id -u)" -eq 0 ] || skip "only root can be everybody"
OWNER=61001 READER=61002 WRITER=61003 MEMBER=61004 STRANGER=61005 GROUP=61900

as() {          # USER COMMAND…
	local user=$1 group=$1
	shift
	[ "$user" != "$MEMBER" ] || group=$GROUP
	setpriv --reuid="$user" --regid="$group" --clear-groups "$@"
}
as "$STRANGER" true 2>/dev/null || skip "no other user can be had here"
chmod 755 "$WORK"
build_target_patch environment environment || { totals; exit 1; }
chmod 644 "$WORK/environment.so"
# Others can't read the folder that we were built in: what they run lies here.
mkdir -m 755 "$WORK/bin" "$WORK/lib"
install -m 755 "$SUTURE" "$TARGET_BIN/target-environment" "$WORK/bin"
install -m 755 "$SUTURE_AGENT" "$WORK/lib"

# serve UID [VAR=VALUE…]: as that user; sets PID, TO, FROM, SOCKET
serve() {
	local user=$1
	shift
	SOCKET=$WORK/place-$user/a.sock
	rm -rf "$WORK/place-$user" "$WORK/to" "$WORK/from"
	mkdir -m 755 "$WORK/place-$user"
	chown "$user" "$WORK/place-$user"
	mkfifo "$WORK/to" "$WORK/from"
	as "$user" env "$@" SUTURE_SOCKET="$SOCKET" LD_PRELOAD="$WORK/lib/libsuture.so" "$WORK/bin/target-environment" \
		<"$WORK/to" >"$WORK/from" 2>"$WORK/serve.err" &
	PID=$!
	PIDS+=("$PID")
	exec {TO}>"$WORK/to" {FROM}<"$WORK/from"
	until_true "the socket of $user" test -S "$SOCKET" || { cat "$WORK/serve.err"; totals; exit 1; }
}
as_user() {     # USER ARG…: exit code and error of suture
	local user=$1
	shift
	as "$user" timeout 60 "$WORK/bin/suture" "$@" -s "$SOCKET" --json >"$OUT" 2>"$ERR" </dev/null
	RC=$?
	echo "$RC $(jq -r '.error.code // "ok"' "$OUT" 2>/dev/null)"
}
# may USER WORD…: what each command answers: yes, no (7), or something else
READS=(status list events metrics)
may() {
	local user=$1 expected_read=$2 expected_write=$3 command got
	for command in "${READS[@]}"; do
		is "$user: $command" "$expected_read" "$(as_user "$user" "$command")"
	done
	for command in "check $WORK/environment.so" "threads" "apply $WORK/environment.so" "confirm environment" "revert environment"; do
		# shellcheck disable=SC2086  # words
		got=$(as_user "$user" $command)
		is "$user: ${command%% *}" "$expected_write" "$got"
	done
}
YES="0 ok" NO="7 PERMISSION"

printf -- '-- nobody is allowed but the owner and root\n'
serve "$OWNER"
is "the socket's mode" 600 "$(stat -c %a "$SOCKET")"
may "$OWNER" "$YES" "$YES"
may 0 "$YES" "$YES"
may "$STRANGER" "$NO" "$NO"
target_end

printf -- '-- all, for one who is not root\n'
start asleep sleep 600
SOMEBODY=$((100000 + $$)) # whom no other test is
serve "$SOMEBODY"
lists() { as "$SOMEBODY" timeout 100 "$WORK/bin/suture" list --all --json >"$OUT" 2>"$ERR" </dev/null; }
check "exit code 0" until_true "its agent" lists
is "those of others are not in it" "1 $SOMEBODY" "$(j '.processes | length') $(stat -c %u "/proc/$(j '.processes[0].pid')")"
matches "but are not passed over in silence" "suture: left out: * processes of other users" "$(cat "$ERR")"
target_end
as "$SOMEBODY" timeout 100 "$WORK/bin/suture" list --all --json >"$OUT" 2>"$ERR" </dev/null
is "none of one's own" "3 NO_AGENT" "$? $(j .error.code)"

printf -- '-- all of one user, where some have to wait\n'
install -m 755 "$TARGET_BIN/target-host" "$TARGET_BIN/target-plugin.so" "$WORK/bin"
build_patch plugin "$TARGETS" "$TARGET_BIN/target-plugin.so" "$TARGETS/diffs/plugin.diff"
chmod 644 "$WORK/plugin.so"
mkdir -m 755 "$WORK/place-all"
chown "$SOMEBODY" "$WORK/place-all"
mkfifo "$WORK/to1" "$WORK/from1" "$WORK/to2"
host() { exec setpriv --reuid="$SOMEBODY" --regid="$SOMEBODY" --clear-groups env SUTURE_SOCKET="$WORK/place-all/" \
	LD_PRELOAD="$WORK/lib/libsuture.so" "$WORK/bin/target-host"; }
(host <"$WORK/to1" >"$WORK/from1") &
PIDS+=("$!")
exec {TO}>"$WORK/to1" {FROM}<"$WORK/from1"
(host <"$WORK/to2" >/dev/null) &
PIDS+=("$!")
exec {SECOND}>"$WORK/to2"
says "one loads it" "load $WORK/bin/target-plugin.so" loaded
all() {         # TEXT EXIT_CODE JQ_CONDITION ARG…: as step, by that user, for all of its processes
	local text=$1 want=$2 condition=$3
	shift 3
	as "$SOMEBODY" timeout 100 "$WORK/bin/suture" "$@" --all --json >"$OUT" 2>"$ERR" </dev/null
	is "$text" "$want true" "$? $(j "$condition")"
}
two_serve() { lists && [ "$(j '.processes | length')" = 2 ]; }
until_true "two agents" two_serve
all "none where some would have to wait" 4 'all(.processes[]; .error) and (.processes | length) == 2' apply "$WORK/plugin.so" --confirm-within 5m
all "nothing has changed" 0 'all(.processes[]; .patches == 0 and .pending == 0)' status
all "in force, and waiting" 0 '([.processes[].result] | sort) == ["applied", "pending"]' apply "$WORK/plugin.so"
says "new code" "value 100" 500
all "again" 0 'all(.processes[]; .changed | not)' apply "$WORK/plugin.so"
all "taken back, and not waited for" 0 'all(.processes[]; .changed)' revert plugin
all "nothing is left" 0 'all(.processes[]; .patches == 0 and .pending == 0)' status
exec {TO}>&- {FROM}<&- {SECOND}>&-
wait "${PIDS[-1]}" "${PIDS[-2]}"

printf -- '-- some are\n'
SINCE=$SECONDS
serve "$OWNER" SUTURE_ALLOW_UID="$READER,$WRITER:rw" SUTURE_ALLOW_GID="$GROUP"
may "$OWNER" "$YES" "$YES"
may 0 "$YES" "$YES"
may "$READER" "$YES" "$NO"
may "$WRITER" "$YES" "$YES"
may "$MEMBER" "$YES" "$NO"
may "$STRANGER" "$NO" "$NO"
is "who is it: on record" "true" "$("$SUTURE" events -s "$SOCKET" --json |
	jq "any(.events[]; .event == \"apply\" and .who.uid == $WRITER and .result == \"done\")")"
is "and who may not" "true" "$("$SUTURE" events -s "$SOCKET" --json |
	jq "any(.events[]; .result == \"PERMISSION\" and (.who.uid == $READER or .who.uid == $MEMBER))")"
is "a stranger too: the name of its program" "true" "$("$SUTURE" events -s "$SOCKET" --json |
	jq "any(.events[]; .event == \"connect\" and .result == \"PERMISSION\" and .who.uid == $STRANGER and .who.command == \"suture\")")"
CONNECTS=$("$SUTURE" events -s "$SOCKET" --json |
	jq "[.events[] | select(.event == \"connect\" and .who.uid == $STRANGER)] | length")
check "once a minute, and no more: $CONNECTS" test "$CONNECTS" -le $((1 + (SECONDS - SINCE) / 60))
for command in check threads; do
	is "who held threads for a look: $command" "true" "$("$SUTURE" events -s "$SOCKET" --json |
		jq "any(.events[]; .event == \"$command\" and .result == \"done\" and .who.uid == $WRITER)")"
done
is "a reader can't end it" "$NO" "$(as "$READER" "$WORK/bin/suture" detach "$PID" --json >"$OUT" 2>/dev/null; echo "$? $(jq -r '.error.code' "$OUT")")"
target_end

printf -- '-- a list that cannot be read opens nothing\n'
rm -rf "$WORK/place-$OWNER"
mkdir -m 755 "$WORK/place-$OWNER"
chown "$OWNER" "$WORK/place-$OWNER"
rm -f "$WORK/to" "$WORK/from"
mkfifo "$WORK/to" "$WORK/from"
as "$OWNER" env SUTURE_ALLOW_UID="$READER,everybody" SUTURE_SOCKET="$WORK/place-$OWNER/a.sock" \
	LD_PRELOAD="$WORK/lib/libsuture.so" "$WORK/bin/target-environment" <"$WORK/to" >"$WORK/from" 2>/dev/null &
PID=$!
PIDS+=("$PID")
# shellcheck disable=SC2034  # lib.sh reads them
exec {TO}>"$WORK/to" {FROM}<"$WORK/from"
says "the program runs" value 2
check "there is no socket" test ! -e "$WORK/place-$OWNER/a.sock"
target_end
totals
