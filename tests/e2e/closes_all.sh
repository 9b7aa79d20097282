#!/usr/bin/env bash
# A server that closes all descriptors when it starts closes the preloaded agent's as well. The agent
# then closes and writes none of the server's, and `attach` gives it new ones.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

small_project "$WORK/closes" target-closes -O2 -D_GNU_SOURCE -- closes.c
TARGET_BIN=$WORK/closes
DATABASE=$WORK/closes build_target_patch closes closes

# At whatever moment of its start that hits the agent's thread.
for round in 1 2 3 4 5; do
	target closes
	says "round $round: its files" files 40
	step "round $round: no agent to be reached" 3 '.error.code == "NO_AGENT"' list -p "$PID"
	step "round $round: attach" 0 '.changed' attach "$PID"
	says "round $round: its files, attached" files 40
	step "round $round: apply" 0 '.changed' apply "$WORK/closes.so" -p "$PID"
	says "round $round: new" answer 35
	step "round $round: revert" 0 '.changed' revert closes -p "$PID"
	says "round $round: old" answer 21
	says "round $round: its files at the end" files 40
	target_end
done
totals
