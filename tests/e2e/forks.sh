#!/usr/bin/env bash
# Children in all the ways that there are: each answers for itself, has its parent's patches, and none of
# its descriptors; one that goes into the background keeps its agent's work.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

build_target_patch startup startup || { totals; exit 1; }
sockets_of() { find "/proc/$1/fd" -lname 'socket:*' | wc -l; }
memories_of() { find "/proc/$1/fd" -lname '/proc/*/mem' -printf '%l\n'; }

printf -- '-- a child by clone(), behind the back of libc\n'
target_with_agent startup
step "apply" 0 '.changed' apply "$WORK/startup.so" -p "$PID"
ask clone
CHILD=$ANSWER
step "it answers for itself" 0 ".pid == $CHILD and .patches == 1" status -p "$CHILD"
step "its parent does too" 0 ".pid == $PID" status -p "$PID"
step "revert in the child" 0 ".changed and .pid == $CHILD" revert startup -p "$CHILD"
says "not in the parent" value 101
step "both are known" 0 '(.processes | length) == 2 and all(.processes[]; (.patches | length) == if .pid == '"$CHILD"' then 0 else 1 end)' list --tree "$PID"
kill -KILL "$CHILD"

printf -- '-- a daemon: a child of a child, and the others end\n'
FIRST=$PID
ask daemon
wait "$FIRST"
DAEMON=$ANSWER
matches "it goes on" '[1-9]*' "$DAEMON"
is "sockets that it inherited" 0 "$(sockets_of "$DAEMON")"
step "its agent" 0 ".pid == $DAEMON and .patches == 1" status -p "$DAEMON"
# That of the answer goes when the agent has its turn.
one_socket() { [ "$(sockets_of "$DAEMON")" = 1 ]; }
check "it has a socket of its own" until_true "one socket" one_socket
is "its memory and nobody else's" "/proc/$DAEMON/mem" "$(memories_of "$DAEMON")"
says "it is patched" value 101
step "revert" 0 '.changed' revert startup -p "$DAEMON"
says "as it was" value 2
exec {TO}>&- {FROM}<&-
gone() { ! grep -q target-startup "/proc/$DAEMON/comm" 2>/dev/null; }
until_true "the daemon's end" gone
totals
