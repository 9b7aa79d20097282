#!/usr/bin/env bash
# Modules that are loaded later, unloaded, and loaded again, while a patch for them is asked for.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

plugin=$TARGET_BIN/target-plugin.so
build_patch plugin "$TARGETS" "$plugin" "$TARGETS/diffs/plugin.diff"
target_with_agent host
patch=$WORK/plugin.so

listed() { suture list -p "$PID"; j '.patches | map(select(.name == "plugin")) | .[0] | '"$1"; }
state_is() { [ "$(listed .state)" = "$1" ]; }
value_is() { ask 'value 100'; [ "$ANSWER" = "$1" ]; }

# ---- it is not loaded yet: kept, not refused, not applied ----
step 'check says that it would wait' 0 '.result == "ok" and .pending and .waits_for == "target-plugin.so"' \
	check "$patch" -p "$PID"
step 'nothing is kept by a check' 0 '.patches == []' list -p "$PID"
step 'apply is pending' 0 \
	'.result == "pending" and .pending and .changed and .waits_for == "target-plugin.so" and .rung == null' \
	apply "$patch" -p "$PID"
step 'again: still so' 0 '.result == "pending" and .changed == false' apply "$patch" -p "$PID"
is 'list knows the state' pending "$(listed .state)"
is 'list says for what' target-plugin.so "$(listed .waits_for)"
step 'status counts it' 0 '.patches == 0 and .pending == 1' status -p "$PID"

matches 'status for people' '*0 applied, 1 pending*' "$("$SUTURE" status -p "$PID" 2>&1)"
matches 'list for people' '*plugin waits for target-plugin.so*' "$("$SUTURE" list -p "$PID" 2>&1)"
matches 'words for people' '*pending plugin in target-host*waits for target-plugin.so*old code*' \
	"$("$SUTURE" apply "$patch" -p "$PID" --color=never 2>&1)"

step 'the loader tells the agent' 0 '.agent.loader == "told"' status -p "$PID"

# ---- the loader tells, the patch goes in, and it is said that the constructor was too early ----
says 'load' "load $plugin" loaded
until_true 'the patch to go in' state_is applied
says 'new code' 'value 100' 500
says 'the constructor ran the old code' start 31
matches 'which is said' '*old code*' "$(listed .note)"
step 'and recorded' 0 '.events | map(select(.event == "pending_apply" and .result == "done")) | length == 1' \
	events -p "$PID"

# ---- it goes, with the patch in it; nothing at its place is touched ----
says 'unload' unload unloaded
until_true 'that to be noticed' state_is pending
step 'its code counts as retired' 0 '.retired_bytes > 0 and .patches == 0 and .pending == 1' status -p "$PID"
says 'load again' "load $plugin" loaded
until_true 'the patch to go in again' state_is applied
says 'new code again' 'value 100' 500
says 'unload, and its place is kept' 'unload hold' unloaded
says 'it lands elsewhere' "load-tell $plugin" loaded
until_true 'the patch to go in there' value_is 500
step 'revert' 0 '.result == "reverted" and .changed' revert plugin -p "$PID"
says 'old code' 'value 100' 300

# ---- a patch that is taken back stays out, whatever is loaded ----
says 'unload' unload unloaded
says 'load' "load-tell $plugin" loaded
step 'nothing is applied' 0 '.patches == 0 and .pending == 0' status -p "$PID"
step 'apply, as to any module' 0 '.result == "applied" and .pending == false' apply "$patch" -p "$PID"
says 'new code' 'value 100' 500
is 'no note: nobody waited' null "$(listed .note)"
says 'unload' unload unloaded
step 'a pending one can be taken back' 0 '.result == "reverted" and .changed' revert plugin -p "$PID"
step 'twice' 0 '.changed == false' revert plugin -p "$PID"
says 'load' "load-tell $plugin" loaded
says 'and stays out' 'value 100' 300

# ---- unloaded and loaded again between two looks: at the same place ----
step 'apply' 0 '.result == "applied"' apply "$patch" -p "$PID"
for _ in 1 2 3 4 5; do
	ask unload
	ask "load $plugin"
done
until_true 'it to be put in again' value_is 500
is 'host is as it was' 70 "$(ask 'own 10'; echo "$ANSWER")"
target_end

# ---- an agent that was attached: the loader tells it as well ----
# shellcheck disable=SC2034  # target() reads it
ENVIRONMENT=(LD_PRELOAD=)
target host
says 'nobody prepared it' 'own 10' 70
step 'attach' 0 '.changed' attach "$PID"
step 'pending' 0 '.result == "pending"' apply "$patch" -p "$PID"
step 'the loader tells this agent' 0 '.agent.loader == "told"' status -p "$PID"
says 'load' "load $plugin" loaded
until_true 'the patch to go in' state_is applied
says 'new code' 'value 100' 500
says 'unload' unload unloaded
until_true 'that to be noticed' state_is pending
says 'load again' "load $plugin" loaded
until_true 'the patch to go in again' state_is applied
says 'new code again' 'value 100' 500
step 'revert' 0 '.changed' revert plugin -p "$PID"
says 'old code' 'value 100' 300
target_end

# ---- several processes: in force where the module is, kept where it is not ----
mkfifo "$WORK/to1" "$WORK/to2" "$WORK/from1"
env LD_PRELOAD="$SUTURE_AGENT" SUTURE_FOLLOW_EXEC=1 bash -c '"$1" <"$2/to1" >"$2/from1" & "$1" <"$2/to2" >/dev/null & wait' \
	master "$TARGET_BIN/target-host" "$WORK" &
MASTER=$!
PIDS+=("$MASTER")
exec {TO}>"$WORK/to1" {FROM}<"$WORK/from1" {SECOND}>"$WORK/to2"
says 'the first loads it' "load $plugin" loaded
all_serve() { [ "$("$SUTURE" status --tree "$MASTER" --json | jq '[.processes[] | select(.agent)] | length')" = 3 ]; }
until_true 'three agents' all_serve
step 'check' 0 '[.processes[] | .result] == ["ok", "ok", "ok"] and ([.processes[] | select(.pending)] | length) == 2' check "$patch" --tree "$MASTER"
step 'refused for all where some would have to wait' 4 'all(.processes[]; .error)' apply "$patch" --tree "$MASTER" --confirm-within 5m
# Who would have to wait needs no pause: where it is loaded it fails, and is kept nowhere.
step 'what fails in one waits in none' 5 'all(.processes[]; .error.code == "PAUSE_BUDGET") and
	([.processes[] | select(.error.message | test("^taken back: it failed"))] | length) == 2' \
	apply "$patch" --tree "$MASTER" --max-pause 1us --timeout 500ms
step 'none' 0 'all(.processes[]; .patches == 0 and .pending == 0)' status --tree "$MASTER"
says 'old code still' 'value 100' 300
step 'apply' 0 '([.processes[] | .result] | sort) == ["applied", "pending", "pending"]' apply "$patch" --tree "$MASTER"
says 'new code' 'value 100' 500
step 'again' 0 'all(.processes[]; .changed | not)' apply "$patch" --tree "$MASTER"
matches 'list, a row each' '*plugin (pending)*' "$("$SUTURE" list --tree "$MASTER")"
matches 'status, a row each' '*0 patches, 1 pending*' "$("$SUTURE" status --tree "$MASTER")"
matches 'revert, a row each' '*reverted, it was pending*' "$("$SUTURE" revert plugin --tree "$MASTER")"
says 'old code' 'value 100' 300
step 'nothing is left' 0 'all(.processes[]; .patches == 0 and .pending == 0)' status --tree "$MASTER"
exec {TO}>&- {FROM}<&- {SECOND}>&-
wait "$MASTER"

# ---- installed: in whatever start the module comes, and whenever in it ----
export SUTURE_DIR=$WORK/dir
step 'install' 0 '.changed' install "$patch"
# shellcheck disable=SC2034  # target() reads it
ENVIRONMENT=(SUTURE_DIR="$SUTURE_DIR")
target_with_agent host
says 'a start without the module' 'own 10' 70
step 'has nothing of it' 0 '.patches == []' list -p "$PID"
says 'load' "load $plugin" loaded
until_true 'the patch to go in' state_is applied
says 'new code' 'value 100' 500
matches 'the constructor was before it, which is said' '*old code*' "$(listed .note)"
step 'restore: nothing to do' 0 '(.changed | not) and [.patches[].result] == ["already"]' restore -p "$PID"
step 'taken out' 0 '.changed' revert plugin -p "$PID"
says 'unload' unload unloaded
says 'load again' "load-tell $plugin" loaded
step 'it stays out' 0 '.patches == 0 and .pending == 0' status -p "$PID"
says 'old code' 'value 100' 300
step 'until somebody asks' 0 '.changed' restore -p "$PID"
says 'new code' 'value 100' 500
target_end
crashes() {
	target_with_agent host
	says 'load' "load $plugin" loaded
	until_true 'the patch to go in' state_is applied
	kill -SEGV "$PID"
	wait "$PID"
	exec {TO}>&- {FROM}<&-
}
crashes
crashes
target_with_agent host
says 'load' "load $plugin" loaded
set_aside() { suture status -p "$PID"; [ "$(j '[.restored[]?.result] | join(" ")')" = 'set aside' ]; }
until_true 'it to be left out after two crashes' set_aside
says 'old code' 'value 100' 300
target_end
totals
