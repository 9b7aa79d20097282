# Processes that a script starts; sourced, never run.
# Rule: whatever a script starts is entered in PIDS at once, and its cleanup ends those and no others.
# shellcheck shell=bash disable=SC2034

PIDS=()

alive() { kill -0 "$1" 2>/dev/null; }

process_state() { sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null; }

# What we started gets TERM, a while, then KILL. The number of a child that was waited for may belong to
# somebody else by now: only a process whose parent is this shell is touched.
stop_pid() {
	local pid=$1 i
	grep -q "^PPid:[[:space:]]*$$\$" "/proc/$pid/status" 2>/dev/null || return 0
	kill -TERM "$pid" 2>/dev/null
	kill -CONT "$pid" 2>/dev/null
	for ((i = 0; i < 50; i++)); do
		case $(process_state "$pid") in
		'' | Z) break ;;
		esac
		sleep 0.1
	done
	[ "$i" -lt 50 ] || kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

stop_all() {
	local pid
	for pid in "${PIDS[@]}"; do
		stop_pid "$pid"
	done
}

# end_of PID SECONDS: waits for a child's own end; CODE is its status, or "alive". (CODE is the caller's.)
end_of() {
	local i
	CODE=alive
	for ((i = 0; i < $2 * 20; i++)); do
		case $(process_state "$1") in
		'' | Z)
			wait "$1"
			CODE=$?
			return
			;;
		esac
		sleep 0.05
	done
}
