#!/usr/bin/env bash
# Tools name a patched function: backtrace() in the process itself, gdb with a thread parked below it,
# and perf with a thread that spins in it.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

build_target_patch names names || { totals; exit 1; }
target_with_agent names
says "old" value 42
ask trace
matches "backtrace(), old" '*named_work*main*' "$ANSWER"
step "apply" 0 '.changed == true' apply "$WORK/names.so" -p "$PID"
says "new" value 84
ask trace
matches "backtrace(), new" '*named_work*main*' "$ANSWER"

# gdb stops the process for a moment; the patch is one of its shared objects, and needs its file
if command -v gdb >/dev/null; then
	ask park
	gdb -q -nx -batch -ex 'set debuginfod enabled off' -ex 'thread apply all bt' -p "$PID" \
		>"$WORK/gdb.txt" 2>&1 </dev/null
	if grep -q -E 'ptrace: (Operation not permitted|Inappropriate)' "$WORK/gdb.txt"; then
		printf 'note  gdb may not attach here: not tried\n'
	else
		# frame order: the patched function, below it what it called
		check "gdb names it" grep -q -E '^#[0-9]+ .*named_work' "$WORK/gdb.txt"
		check "gdb unwinds past it" grep -q -E '^#[0-9]+ .*parker' "$WORK/gdb.txt"
		grep -E '^#' "$WORK/gdb.txt" | sed 's/^/      /' | head -n 24
	fi
	ask leave
else
	printf 'note  no gdb: not tried\n'
fi


says "after gdb, as before" value 84

if command -v perf >/dev/null && perf record -q -o "$WORK/try.data" -- true >/dev/null 2>&1; then
	ask spin
	perf record -q -o "$WORK/perf.data" -e cpu-clock -p "$PID" -- sleep 1 >"$WORK/perf.txt" 2>&1
	ask leave
	perf report -i "$WORK/perf.data" --stdio --sort dso,symbol 2>/dev/null >"$WORK/report.txt"
	check "perf names it" grep -q -E 'named_work' "$WORK/report.txt"
	grep -v '^#' "$WORK/report.txt" | grep . | head -n 4 | sed 's/^/      /'
else
	printf 'note  perf is not there or may not record: not tried\n'
fi
step "revert" 0 '.changed == true' revert names -p "$PID"
says "old again" value 42
target_end
totals
