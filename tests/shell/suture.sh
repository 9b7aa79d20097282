# suture, its exit code and its JSON; sourced after WORK is there, never run. SUTURE is what is tested.
# shellcheck shell=bash

OUT=$WORK/out.json
ERR=$WORK/err.txt
RC=0
suture() {
	timeout --kill-after=5 300 "$SUTURE" "$@" --json >"$OUT" 2>"$ERR" </dev/null
	RC=$?
}
j() { jq -r "$@" "$OUT" 2>/dev/null || echo no-json; }

# step TEXT EXIT_CODE JQ_CONDITION ARG…: one call, its exit code, one JSON document, and what it says
step() {
	local text=$1 want=$2 condition=$3
	shift 3
	suture "$@"
	if [ "$RC" -ne "$want" ]; then
		fail "$text: exit $RC instead of $want"
	elif ! jq -e -s 'length == 1' "$OUT" >/dev/null 2>&1; then
		fail "$text: stdout is not one JSON document"
	elif ! jq -e "$condition" "$OUT" >/dev/null 2>&1; then
		fail "$text: exit $want, but not ($condition)"
	else
		pass "$text"
		return 0
	fi
	printf '      suture %s\n' "$*"
	head -c 2000 "$OUT" | sed 's/^/      out: /'
	tail -n 12 "$ERR" | sed 's/^/      err: /'
	return 1
}
