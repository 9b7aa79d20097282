#!/usr/bin/env bash
# Whoever starts a program asks for it at once: while the shell becomes it, while the loader loads its libraries, while
# it makes itself at home. Nobody dies of being asked, and what is said is so.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
PROGRAMS=48

printf -- '-- libraries that are not there yet\n'
mkfifo "$WORK/library.so"
LD_PRELOAD=$WORK/library.so sleep 600 >/dev/null 2>&1 & # its loader waits for somebody to write
PID=$!
PIDS+=("$PID")
runs() { [ "$(cat "/proc/$PID/comm" 2>/dev/null)" = sleep ]; }
until_true "the program" runs
step "nothing can be put in" 5 '.error.code == "AGENT_BUSY" and .error.message == "its loader has not loaded the C library"' \
	attach "$PID" --timeout 300ms
suture attach "$PID" --timeout 60s &
ASKER=$!
# shellcheck disable=SC2188  # opened and closed: an empty library, which the loader leaves out
>"$WORK/library.so"
wait "$ASKER"
is "who waited for it" 0 $?
step "it serves" 0 ".pid == $PID" status -p "$PID"
stop_pid "$PID"

printf -- '-- a locale that changes under the agent\n'
cat >"$WORK/locales.c" <<'END'
#include <locale.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	char line[2];

	printf("%d\n", setlocale(LC_ALL, "C.UTF-8") != NULL);
	fflush(stdout);
	/* Until somebody ends it. */
	while (getppid() != 1) {
		setlocale(LC_ALL, "C.UTF-8");
		setlocale(LC_ALL, "C");
	}
	return fgets(line, 2, stdin) != NULL;
}
END
"${CC:-cc}" -O2 -o "$WORK/locales" "$WORK/locales.c" || die "cannot compile locales.c"
start locales "$WORK/locales"
until_true "its first word" test -s "$WORK/locales.out"
if [ "$(cat "$WORK/locales.out")" = 1 ]; then
	for ((i = 0; i < 100; i++)); do "$SUTURE" status -p "$PID" -q || break; done
	is "asked a hundred times" 100 "$i"
	check "it lives" alive "$PID"
else
	printf 'note  not tried: no locale C.UTF-8 here\n'
fi
stop_pid "$PID"

# asks PID COMMAND…: until there is another answer than that nobody serves, as where the shell that had an agent has
# become the program since
asks() {
	local pid=$1 code=3
	shift
	: >"$WORK/said.$pid"
	while [ "$code" = 3 ] && ! grep -qv NO_AGENT "$WORK/said.$pid"; do
		"$SUTURE" "$@" -q 2>&1 | sed -n 1p >"$WORK/said.$pid"
		code=${PIPESTATUS[0]}
	done
	printf '%s' "$code" >"$WORK/code.$pid"
	kill -TERM "$pid" 2>/dev/null
}
# born TEXT COMMAND…: many of them, asked from their first moment on; by ARGUMENTS, with the PID behind them
born() {
	local text=$1 n pid pids=() askers=() well=0 code
	shift
	for ((n = 0; n < PROGRAMS; n++)); do
		"$@" >/dev/null 2>&1 </dev/null &
		pid=$!
		pids+=("$pid")
		PIDS+=("$pid")
		asks "$pid" "${ARGUMENTS[@]}" "$pid" &
		askers+=("$!")
		[ $((n % 4)) -ne 3 ] || wait "${askers[@]}"
	done
	wait "${askers[@]}"
	for pid in "${pids[@]}"; do
		wait "$pid"
		code="$? $(cat "$WORK/code.$pid")"
		if [ "$code" = "143 0" ]; then well=$((well + 1)); else printf '%s: %s\n' "$code" "$(cat "$WORK/said.$pid")"; fi
	done
	is "$text" "$PROGRAMS" "$well"
}
printf -- '-- asked from birth\n'
ARGUMENTS=(status -p)
born "preloaded, and a look at it" env LD_PRELOAD="$SUTURE_AGENT" sleep 600
ARGUMENTS=(attach)
born "an agent is put in" sh -c 'exec "$@"' sh sleep 600

totals
