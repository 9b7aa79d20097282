# Sourced by run.sh: what an operator waits for. Commands are timed from before they are started until they have
# ended, so that the time until new code runs is at most that.
# shellcheck shell=bash

# timed FILE COMMAND…: its time in us, one a line
timed() {
	local to=$1 since
	shift
	since=$(now_us)
	"$@" >/dev/null 2>&1
	echo $(($(now_us) - since)) >>"$to"
}

bench_operate() {
	local i figure rounds=${BENCH_COMMANDS:-40}

	build_target_patch environment environment >"$WORK/build.log" || { cat "$WORK/build.log"; exit 1; }
	target_with_agent environment
	truncate -s 0 "$WORK"/{apply,revert,list,version}.us
	for ((i = 0; i < rounds; i++)); do
		timed "$WORK/version.us" "$SUTURE" --version
		timed "$WORK/apply.us" "$SUTURE" apply "$WORK/environment.so" -p "$PID"
		timed "$WORK/list.us" "$SUTURE" list -p "$PID"
		timed "$WORK/revert.us" "$SUTURE" revert environment -p "$PID"
	done
	for figure in version apply list revert; do
		record ".commands.${figure}_us" "$(figures <"$WORK/$figure.us")"
		row "suture $figure, from start to end" "$(show "$(figures <"$WORK/$figure.us")" us)"
	done
	suture status -p "$PID"
	record .agent.rss "$(j .agent.rss)"
	row "the agent's library, resident" "$(($(j .agent.rss) / 1024)) KiB"
	target_end >/dev/null
	bench_watch
}

# From a save to the new code, in the arena: what suture watch itself says.
saved() { [ "$(jq -s length "$WORK/saves")" -ge "$1" ]; }
bench_watch() {
	local i rounds=${BENCH_SAVES:-10} tree=$WORK/arena-src build=$WORK/arena-build

	cp -r "$ARENA_SOURCE" "$tree"
	cmake -S "$tree" -B "$build" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DSUTURE_INCLUDE="$ROOT/include" >"$WORK/cmake.log" 2>&1 &&
		cmake --build "$build" --target arena-server >>"$WORK/cmake.log" 2>&1 || { tail "$WORK/cmake.log"; return; }
	start arena "$build/arena-server" --port 0
	"$SUTURE" watch -C "$build" --binary "$build/arena-server" -p "$PID" --json >"$WORK/saves" 2>"$WORK/watch.err" &
	PIDS+=("$!")
	sleep 1
	for ((i = 1; i <= rounds; i++)); do
		sed -i "s/PLAYER_COIN_MAX - amount[ 0-9-]*)/PLAYER_COIN_MAX - amount - $i)/" "$tree/server/trade.c"
		until_true "save $i" saved "$i" || { tail "$WORK/watch.err"; return; }
	done
	jq .since_save_us "$WORK/saves" >"$WORK/saves.us"
	record .watch.since_save_us "$(figures <"$WORK/saves.us")"
	row "arena: a save until its code runs" "$(show "$(figures <"$WORK/saves.us")" us)"
}
