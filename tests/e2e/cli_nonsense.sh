#!/usr/bin/env bash
# Every command with every kind of nonsense: unknown and misspelt options, values that are empty, huge or
# hostile, too many arguments, combinations that make no sense. It is a usage error with a next step (or the
# process or file is not found), never a crash, never a control character on the terminal, and with --json one
# document.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

export NO_COLOR=1 LC_ALL=C.UTF-8
HUGE=$(head -c 100000 /dev/zero | tr '\0' x)
DIGITS=$(printf '9%.0s' $(seq 100))
HOSTILE=$'\033[2J\007%s%n\r\b../../\xff\xfe'
TRIED=0 WRONG=0
wrong() {       # TEXT ARG…
	local text=$1
	shift
	WRONG=$((WRONG + 1))
	fail "$text: suture $(printf '%.60q ' "$@")"
	head -c 300 "$ERR" | cat -v | sed 's/^/      /'
}
CONTROL=$'[\001-\010\013-\037\177]'
# expect CODES ARG…: in words, and where it is a usage error (and else now and then) as JSON
expect() {
	local codes=$1 code text
	shift
	TRIED=$((TRIED + 1))
	timeout 60 "$SUTURE" "$@" >"$OUT" 2>"$ERR" </dev/null
	code=$?
	[[ " $codes " == *" $code "* ]] || { wrong "exit $code, not one of $codes" "$@"; return; }
	text=$(<"$OUT")$(<"$ERR")
	if LC_ALL=C; [[ $text =~ $CONTROL ]]; then wrong "control characters" "$@"; fi
	LC_ALL=C.UTF-8
	[ ${#text} -lt 4096 ] || wrong "it says too much" "$@"
	[ "$code" -ne 2 ] || [[ $text == *$'\n  next: '?* ]] || wrong "no next step" "$@"
	[ "$code" -eq 2 ] || [ $((TRIED % 3)) -eq 0 ] || return
	timeout 60 "$SUTURE" --json "$@" >"$OUT" 2>"$ERR" </dev/null
	[ $? -eq "$code" ] || wrong "another exit code with --json" "$@"
	jq -e -s 'length == 1 and (.[0] | has("error") or has("processes"))' "$OUT" >/dev/null 2>&1 || wrong "not one error document" "$@"
}

mapfile -t COMMANDS < <("$SUTURE" help --json | jq -r '.commands[].name')
for command in "${COMMANDS[@]}"; do
	before=$WRONG
	expect 2 "$command" --no-such-option
	expect 2 "$command" --"$HUGE"
	expect 2 "$command" --"$HOSTILE"
	# shellcheck disable=SC2046  # words
	expect "2 4" "$command" $(seq 200)
	expect "2 4" "$command" "" ""
	[ "$command" = build ] || {
		# What all commands share is tried with one of them.
		"$SUTURE" help "$command" | sed "$([ "$command" = list ] || echo '/TARGET, one of:\|^ Output:\|Instead of PID/,$d')" |
			grep -E '^ +(-[a-zA-Z], +)?--' | grep -oE -- '--[a-z-]+(=[A-Z_]+)?' | sort -u >"$WORK/options"
		while IFS= read -r option; do
			name=${option%%=*}
			# The last two letters change places; which word was meant is said.
			typo=${name%??}${name: -1}${name: -2:1}
			if [ ${#name} -gt 5 ] && [ "$typo" != "$name" ] && ! grep -q "^$typo" "$WORK/options" && [ "$command" != help ]; then
				expect 2 "$command" "$typo"
				grep -q "did you mean '$name'" <(jq -r '.error.next' "$OUT") || wrong "it does not say what was meant" "$command" "$typo"
			fi
			if [ "$option" != "$name" ]; then
				expect 2 "$command" "$name"
				for value in "" "$HUGE" -1 "$HOSTILE"; do
					expect "2 3 4" "$command" "$name=$value"
				done
			elif [ "$name" != --help ]; then
				expect 2 "$command" "$name=1"
			fi
		done <"$WORK/options"
	}
	[ "$WRONG" -ne "$before" ] || pass "$command"
done

printf -- '-- processes that are none\n'
for value in 0 -1 1x "" "$DIGITS" "$HOSTILE" "$HUGE"; do
	expect "2 3" list -p "$value"
	expect "2 3" list --tree "$value"
	expect "2 3" revert fix -p "$value"
	expect "2 3" list -n "$value"
	expect "2 3 4" list -s "$value"
done
expect 2 list -p 1 -n x
expect 2 list -p 1 --all
expect 2 list --tree 1 -s /x
expect 2 apply x.so -p 1 --scope room=1 --percent 5
expect 2 apply x.so -p 1 --new room --percent 5
expect 2 apply x.so -p 1 --wait
expect 2 scope fix -p 1 --all --clear
expect 2 scope fix -p 1
expect 2 install --list x.so
expect 2 install
expect 2 events -p 1 --last 1x
expect "2 4" info "$HUGE"
[ "$WRONG" -gt 0 ] || pass "none of them"
is "nonsense that was tried, and not taken as it should be" "$TRIED, 0" "$TRIED, $WRONG"
totals
