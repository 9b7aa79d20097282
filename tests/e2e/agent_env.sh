#!/usr/bin/env bash
# The agent in its process: it can be switched off and its socket moved; it leaves LD_PRELOAD for
# programs that the target starts; setuid() and signals work as without it; a forked child does not
# answer for its parent.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

build_target_patch environment environment || { totals; exit 1; }

printf -- '-- switched off\n'
ENVIRONMENT=(SUTURE_DISABLE=1)
target environment
says "one thread" threads 1
step "no agent: 3" 3 '.error.code == "NO_AGENT"' status -p "$PID"
says "not left to children either" preload none
target_end

printf -- '-- its socket elsewhere\n'
mkdir -m 700 "$WORK/private"
ENVIRONMENT=(SUTURE_SOCKET="$WORK/private/here.sock")
target environment
until_true "the socket" test -S "$WORK/private/here.sock"
is "its mode" 600 "$(stat -c %a "$WORK/private/here.sock")"
step "by socket" 0 ".pid == $PID" status -s "$WORK/private/here.sock"
target_end
check "gone with the process" test ! -e "$WORK/private/here.sock"

printf -- '-- a socket that cannot be\n'
ENVIRONMENT=(SUTURE_SOCKET=/nonexistent/folder/here.sock)
target environment
says "the program runs without" value 2
target_end

printf -- '-- as usual\n'
ENVIRONMENT=()
target_with_agent environment
says "two threads" threads 2
says "LD_PRELOAD of a child" preload none
says "setuid() works" setuid 0
says "signals go where they went" signals "the waiter"
step "apply" 0 '.changed == true' apply "$WORK/environment.so" -p "$PID"
says "patched" value 51
says "setuid() works when patched" setuid 0

ask fork
CHILD=$ANSWER
matches "a child" '[1-9]*' "$CHILD"
is "sockets that the child holds" 0 "$(find "/proc/$CHILD/fd" -lname 'socket:*' | wc -l)"
step "the child answers for itself when asked" 0 ".pid == $CHILD" status -p "$CHILD"
step "the parent's answers for itself" 0 ".pid == $PID" status -p "$PID"
says "the child ran patched code" "done" 51
step "and the parent is served on" 0 '[.patches[] | select(.state == "applied") | .name] == ["environment"]' list -p "$PID"
step "revert" 0 '.changed == true' revert environment -p "$PID"
says "as it was" value 2
target_end

printf -- '-- in programs that it starts, when told to\n'
# shellcheck disable=SC2034  # target() reads it
ENVIRONMENT=(SUTURE_FOLLOW_EXEC=1)
target environment
says "LD_PRELOAD of a child" preload "$SUTURE_AGENT"
target_end
totals
