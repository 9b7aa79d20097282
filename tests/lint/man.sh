#!/usr/bin/env bash
# The man pages say what there is, and nothing else: every command and option of suture and suture-build,
# every public function, every variable of the environment.
set -u
BUILD=${BUILD_DIR:-build}
SUTURE=$BUILD/bin/suture
rc=0
fail() { printf 'FAIL: %s\n' "$*"; rc=1; }

[ -x "$SUTURE" ] || { printf 'FAIL: no %s\n' "$SUTURE"; exit 1; }
# In the pages' source a word stands as *word*, and - and _ may be escaped.
page() { sed 's/\\//g' "docs/man/$1.scd"; }
SUTURE_1=$(page suture.1)
BUILD_1=$(page suture-build.1)
LIBRARY_3=$(page libsuture.3)

options() { grep -oE '^ +(-[a-zA-Z?], +)?--[a-z-]+' | grep -oE -- '--[a-z-]+'; }

commands=$("$SUTURE" help --json | jq -r '.commands[].name')
[ -n "$commands" ] || fail "suture help lists no commands"
for command in $commands; do
	grep -qE "^\*$command\*|, \*$command\*" <<<"$SUTURE_1" || fail "suture(1) lacks the command $command"
	[ "$command" != build ] || continue
	for option in $("$SUTURE" help "$command" | options); do
		grep -qF -- "*$option*" <<<"$SUTURE_1" || fail "suture(1) lacks $option of $command"
	done
done
for command in $(sed -n '/^# COMMANDS/,/^# OPTIONS/p' <<<"$SUTURE_1" | grep -oE '^\*[a-z]+\*' | tr -d '*'); do
	grep -qx "$command" <<<"$commands" || fail "suture(1) has a command that does not exist: $command"
done
for option in $("$BUILD/bin/suture-build" --help | options); do
	case $option in
	--help | --usage | --version) ;;
	*) grep -qE -- "\*$option\*" <<<"$BUILD_1" || fail "suture-build(1) lacks $option" ;;
	esac
done
all_options=$({ "$BUILD/bin/suture-build" --help; for command in $commands; do [ "$command" = build ] || "$SUTURE" help "$command"; done; } | options)
for option in $(printf '%s\n%s\n' "$SUTURE_1" "$BUILD_1" | grep -oE -- '\*--[a-z-]+\*' | tr -d '*' | sort -u); do
	grep -qx -- "$option" <<<"$all_options" || fail "an option that does not exist is documented: $option"
done

# What hosts call: the rest of the map is for the tools and for the headers' inline functions.
for header in suture shadow scope command objects; do
	[ -f "include/suture/$header.h" ] || continue
	for function in $(grep -oE '\bsuture_[a-z_]+\(' "include/suture/$header.h" | tr -d '(' | sort -u); do
		case $function in
		suture_agent_*) continue ;;
		*_visit | *_depart | *_step | *_iterate | *_) continue ;;
		esac
		grep -qF "$function(" <<<"$LIBRARY_3" || fail "libsuture(3) lacks $function"
	done
done

for variable in $(git grep -hoE 'getenv\("SUTURE_[A-Z_]+"' -- src tools 2>/dev/null | grep -oE 'SUTURE_[A-Z_]+' | sort -u); do
	grep -qF "$variable" <<<"$SUTURE_1$BUILD_1" || fail "suture(1) lacks the variable $variable"
done
exit "$rc"
