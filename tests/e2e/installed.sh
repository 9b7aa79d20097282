#!/usr/bin/env bash
# What is installed is in force from main()'s first act on, in every start of that build and in no
# other; who crashes with it twice in the first seconds starts without it, and says so. Nothing is
# taken from where another user could have put it.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

build_target_patch startup startup || { totals; exit 1; }
build_target_patch startup-other startup || { totals; exit 1; }
build_target_patch startup-on startup --on "$WORK/startup.so" || { totals; exit 1; }
build_target_patch startup-held startup || { totals; exit 1; }
mkdir "$WORK/twin"
cp "$TARGETS/diffs/startup-other.diff" "$WORK/twin.diff"
build_patch twin "$TARGETS" "$TARGET_BIN/target-startup" "$WORK/twin.diff" --name startup
export SUTURE_DIR=$WORK/dir
state_of() { "$SUTURE" install --list --json | jq -r --arg name "$1" '.installed[] | select(.name == $name) | .state'; }

# begin: the target, with what is installed
begin() {
	ENVIRONMENT=(SUTURE_DIR="$SUTURE_DIR")
	target startup
}
# end_by LINE STATUS: it is told to crash
end_by() {
	printf '%s\n' "$1" >&"$TO"
	exec {TO}>&- {FROM}<&-
	wait "$PID"
	is "ended by $1 as it would have" "$2" $?
}
ended() {       # SIGNAL: somebody ends it
	kill "-$1" "$PID"
	wait "$PID"
	exec {TO}>&- {FROM}<&-
}

printf -- '-- what can be asked for\n'
step "nothing there yet" 0 '.installed == []' install --list
step "not a patch" 4 '.error.code == "BAD_PATCH_FILE"' install "$0"
step "no file" 4 '.error' install "$WORK/none.so"
# As where the disk is full: no file may be larger than a kilobyte.
(trap '' XFSZ; ulimit -f 1; "$SUTURE" install "$WORK/startup.so" --json 2>"$ERR") | cat >"$OUT"
is "no room: code" IO "$(j .error.code)"
matches "no room: next" "nothing was installed: make room*" "$(j .error.next)"
is "no room: nothing is left" "" "$(find "$SUTURE_DIR/installed" -type f ! -name .lock)"
step "neither a file nor --list" 2 '.error.code == "USAGE"' install
step "an unknown name" 4 '.error.code == "NOT_APPLIED"' uninstall startup
step "install" 0 '.result == "installed" and .changed and .order == 1' install "$WORK/startup.so"
step "again: nothing to do" 0 '.changed | not' install "$WORK/startup.so"
step "another of that name" 4 '.error.code == "NAME_TAKEN"' install "$WORK/twin.so"
step "the second" 0 '.order == 2' install "$WORK/startup-other.so"
step "both are listed" 0 '[.installed[] | .name + " " + .state] == ["startup ready", "startup-other ready"]' install --list
is "for all to read, for us to write" "644 755" \
	"$(stat -c %a "$SUTURE_DIR"/installed/*/0001-startup.so) $(stat -c %a "$SUTURE_DIR/installed")"

printf -- '-- a start\n'
begin
says "in force in main(), not before" first "101 2"
says "the other as well" other 201
step "in order" 0 '[.patches[].name] == ["startup", "startup-other"] and [.restored[].result] == ["applied", "applied"]' list -p "$PID"
step "the record says so" 0 '[.events[] | select(.event == "restore" and (.hash | length) == 64)] | length == 2' events -p "$PID"
step "restore: nothing to do" 0 '(.changed | not) and [.patches[].result] == ["already", "already"]' restore -p "$PID"
step "revert" 0 '.changed' revert startup -p "$PID"
says "as it was built" value 2
step "restore" 0 '.changed and [.patches[].result] == ["applied", "already"]' restore -p "$PID"
says "in force again" value 101
target_end

printf -- '-- another program\n'
# shellcheck disable=SC2034  # target() reads it
ENVIRONMENT=(SUTURE_DIR="$SUTURE_DIR")
target_with_agent environment
step "has nothing of it" 0 '.patches == []' list -p "$PID"
step "and nothing to restore" 0 '(.changed | not) and .patches == []' restore -p "$PID"
is "its threads" 3 "$(find "/proc/$PID/task" -mindepth 1 -maxdepth 1 | wc -l)"
target_end

printf -- '-- attached, then restored\n'
rm -f "$WORK/to" "$WORK/from"
mkfifo "$WORK/to" "$WORK/from"
SUTURE_DIR=$SUTURE_DIR "$TARGET_BIN/target-startup" <"$WORK/to" >"$WORK/from" &
PID=$!
PIDS+=("$PID")
exec {TO}>"$WORK/to" {FROM}<"$WORK/from"
says "it was not prepared" first "2 2"
step "attach" 0 '.changed' attach "$PID"
says "an attach alone changes nothing" value 2
step "restore" 0 '.changed' restore -p "$PID"
says "restored" value 101
target_end

printf -- '-- linked to the library\n'
ln -s "$SUTURE_AGENT" "$WORK/libsuture.so"
small_project "$WORK/linked" target-startup -D_GNU_SOURCE -O2 -g -Wl,--no-as-needed -L"$WORK" -lsuture \
	-Wl,-rpath,"$WORK" -- startup.c
LINKED=$WORK/linked/target-startup
is "starts and works" "2 2" "$(echo first | "$LINKED")"
is "and when switched off" "2 2" "$(echo first | SUTURE_DISABLE=1 "$LINKED")"
cp "$TARGETS/diffs/startup.diff" "$WORK/for-linked.diff"
DATABASE=$WORK/linked build_patch for-linked "$TARGETS" "$LINKED" "$WORK/for-linked.diff"
step "its patch" 0 '.changed' install "$WORK/for-linked.so"
is "in force in main(), not before" "101 2" "$(echo first | "$LINKED")"
is "not when switched off" "2 2" "$(echo first | SUTURE_DISABLE=1 "$LINKED")"
step "uninstall" 0 '.changed' uninstall for-linked
is "as it was built" "2 2" "$(echo first | "$LINKED")"

printf -- '-- twice crashed\n'
begin
end_by fault 139
begin
says "still tried" first "101 2"
end_by abort 134
is "set aside" "set aside" "$(state_of startup)"
begin
says "not a third time" first "2 2"
step "status says so" 0 '[.restored[].result] == ["set aside", "set aside"] and .restored[0].error.code == "SET_ASIDE"' status -p "$PID"
step "list as well" 0 '.patches == [] and [.restored[].result] == ["set aside", "set aside"]' list -p "$PID"
step "events too" 0 '[.events[] | select(.event == "restore") | .result] == ["SET_ASIDE", "SET_ASIDE"]' events -p "$PID"
step "restore as well" 4 '.error.code == "SET_ASIDE" and (.error.next | contains("install"))' restore -p "$PID"
for command in list status; do
	matches "$command in words" '*installed, set aside: startup: target-startup crashed twice within*' \
		"$("$SUTURE" "$command" -p "$PID")"
done
matches "a row of several" '* 2 set aside*' "$("$SUTURE" status --tree "$PID")"
says "and leaves it so" value 2
end_by trap 132
step "installed again: another chance" 0 '.changed' install "$WORK/startup.so"
is "ready" ready "$(state_of startup)"
step "the other out of the way" 0 '.build_ids | length == 1' uninstall startup-other
begin
says "tried again" first "101 2"
target_end

printf -- '-- ends that are no crashes\n'
for signal in KILL TERM KILL; do
	begin
	says "in force" first "101 2"
	ended "$signal"
done
begin
says "a child that crashes" child 11
says "the next" child 11
target_end
is "nothing was counted" 0 "$("$SUTURE" install --list --json | jq '.installed[0].crashes')"
begin
SHELL_PID=$PID
ask daemon
wait "$SHELL_PID"
DAEMON=$ANSWER
printf 'fault\n' >&"$TO"
gone() { ! grep -q target-startup "/proc/$DAEMON/comm" 2>/dev/null; }
until_true "the daemon's end" gone
exec {TO}>&- {FROM}<&-
is "a daemon's crash counts" 1 "$("$SUTURE" install --list --json | jq '.installed[0].crashes')"

printf -- '-- several at once\n'
step "anew" 0 '.changed' uninstall startup
step "anew" 0 '.changed' install "$WORK/startup.so"
for i in 1 2 3 4; do
	(sleep 0.3; echo fault) | LD_PRELOAD=$SUTURE_AGENT "$TARGET_BIN/target-startup" >/dev/null 2>&1 &
	CRASHED[i]=$!
	PIDS+=("$!")
done
wait "${CRASHED[@]}" 2>/dev/null
is "each counted once" 4 "$("$SUTURE" install --list --json | jq '.installed[0].crashes')"
step "uninstall" 0 '.result == "uninstalled"' uninstall startup

printf -- '-- one built on another\n'
step "not without it" 4 '.error.code == "DEPENDENCY" and (.error.next | contains("startup"))' install "$WORK/startup-on.so"
step "the lower" 0 '.changed and .order == 1' install "$WORK/startup.so"
step "the upper" 0 '.changed and .order == 2' install "$WORK/startup-on.so"
step "the lower stays" 4 '.error.code == "DEPENDENCY"' uninstall startup
step "and is not replaced" 4 '.error.code == "DEPENDENCY"' install --replace "$WORK/twin.so"
begin
says "both are in force" first "301 2"
step "in order" 0 '[.patches[].name] == ["startup", "startup-on"]' list -p "$PID"
target_end
# What is set aside takes with it what is built on it.
begin
end_by fault 139
begin
end_by fault 139
step "one more chance for the upper alone" 0 '.changed' install "$WORK/startup-on.so"
begin
says "neither" first "2 2"
step "and why" 0 '[.restored[].result] == ["set aside", "refused"] and .restored[1].error.code == "DEPENDENCY"' list -p "$PID"
target_end
step "the upper" 0 '.changed' uninstall startup-on
step "the lower" 0 '.changed' uninstall startup

printf -- '-- a thread in the way at the start\n'
step "install" 0 '.changed' install "$WORK/startup-held.so"
ENVIRONMENT=(SUTURE_DIR="$SUTURE_DIR" STARTUP_HELD=1)
target startup
says "the old code" held 21
step "it waits" 0 '[.restored[].result] == ["pending"] and .patches[0].state == "pending"' list -p "$PID"
why_is_told() { suture list -p "$PID"; j '.patches[0].problem // ""' | grep -q held; }
until_true "the reason" why_is_told
matches "for people" '*startup-held: *tried again*' "$("$SUTURE" list -p "$PID")"
says "the thread leaves" leave 0
in_force() { ask held && [ "$ANSWER" = 301 ]; }
check "it goes in by itself" until_true "the new code" in_force
step "and is listed so" 0 '.patches[0].state == "applied"' list -p "$PID"
target_end
ENVIRONMENT=(SUTURE_DIR="$SUTURE_DIR")
step "uninstall" 0 '.changed' uninstall startup-held

printf -- '-- what can not be trusted\n'
step "install" 0 '.changed' install "$WORK/startup.so"
FILE=$(find "$SUTURE_DIR/installed" -name '*.so')
FOLDER=${FILE%/*}
refused() {     # TEXT: the program runs without it, and restore says why
	begin
	says "$1: not taken" first "2 2"
	step "$1: why" 7 '.error.code == "PERMISSION"' restore -p "$PID"
	target_end
}
chmod o+w "$FILE"
refused "a file for all to write"
chmod 644 "$FILE"
chmod g+w "$FOLDER"
refused "a folder for its group to write"
chmod 755 "$FOLDER"
chmod o+w "$SUTURE_DIR"
refused "SUTURE_DIR for all to write"
step "install refuses it too" 7 '.error.code == "PERMISSION"' install "$WORK/startup-other.so"
chmod 755 "$SUTURE_DIR"
mv "$FILE" "$WORK/elsewhere.so"
ln -s "$WORK/elsewhere.so" "$FILE"
begin
says "a symbolic link: not taken" first "2 2"
target_end
rm "$FILE"
head -c 3000 "$WORK/elsewhere.so" >"$FILE"
begin
says "half a file: not taken" first "2 2"
step "which is said" 0 '.restored[0].error.code == "BAD_PATCH_FILE"' status -p "$PID"
step "and listed" 0 '.installed[0].state == "damaged"' install --list
step "the whole one takes its place" 0 '.changed and .order == 1' install "$WORK/elsewhere.so"
step "and is ready" 0 '[.installed[].state] == ["ready"]' install --list
target_end
mv "$WORK/elsewhere.so" "$FILE"
if [ "$(id -u)" = 0 ]; then
	chown 65534 "$FILE"
	refused "a file of somebody else's"
	chown 0 "$FILE"
fi
begin
says "and now it is" first "101 2"
target_end

printf -- '-- a folder that cannot be written\n'
if unshare -m true 2>/dev/null; then
	rm -rf "$SUTURE_DIR/trials"
	# shellcheck disable=SC2016
	ANSWER=$(echo first | unshare -m sh -c 'mount --bind "$SUTURE_DIR" "$SUTURE_DIR" &&
		mount -o remount,ro,bind "$SUTURE_DIR" && LD_PRELOAD=$1 exec "$2"' sh "$SUTURE_AGENT" "$TARGET_BIN/target-startup")
	is "it is read all the same" "101 2" "$ANSWER"
else
	printf 'note  no mount namespaces here: not tried\n'
fi
totals
