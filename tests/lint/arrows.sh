#!/usr/bin/env bash
# The arrows of docs/ARCHITECTURE.md: with the include paths that a folder is compiled with, every
# header that it may include compiles, and every other one is not to be found.
set -u
DB=${BUILD_DIR:-build}/compile_commands.json
[ -f "$DB" ] || { printf 'FAIL: no %s\n' "$DB"; exit 1; }
command -v jq >/dev/null || { printf 'SKIP: no jq here\n'; exit 77; }
rc=0 tried=0

# What each may see, itself aside. format is patch/format.h alone.
declare -A MAY=(
	[arch]=''
	[base]=''
	[trust]='base'
	[image]='arch base'
	[unwind]='arch base'
	[patch]='image arch base format'
	[trampoline]='image unwind arch base'
	[scope]='arch base'
	[stop]='image unwind arch base'
	[rpc]='base'
	[agent]='patch trampoline scope stop rpc trust image unwind arch base format'
	[builder]='arch base format'
)

header_of() {   # a header of that folder
	case $1 in
	arch) echo arch/arch.h ;;
	format) echo src/patch/format.h ;;
	patch) echo src/patch/file.h ;;
	*) printf '%s\n' "src/$1"/*.h ;;
	esac | head -n 1
}
name_of() {     # as it is included
	case $1 in
	arch/*) echo "$1" ;;
	*) echo "${1#src/}" ;;
	esac
}

for folder in "${!MAY[@]}"; do
	prefix=src/$folder
	[ "$folder" != arch ] || prefix=arch
	paths=$(jq -r --arg prefix "$PWD/$prefix/" \
		'[.[] | select(.file | startswith($prefix))][0].command // ""' "$DB" |
		grep -oE -- '-(I|isystem) ?[^ ]+')
	if [ -z "$paths" ]; then
		printf 'FAIL: %s is compiled nowhere\n' "$folder"
		rc=1
		continue
	fi
	for other in arch base image unwind patch trampoline scope stop rpc agent builder format; do
		header=$(header_of "$other" 2>/dev/null)
		[ "$other" != "$folder" ] && [ -n "$header" ] || continue
		[ "$other:$folder" != format:patch ] || continue
		may=no sees=no
		case " ${MAY[$folder]} " in *" $other "*) may=yes ;; esac
		# shellcheck disable=SC2086  # several words
		if printf '#include <%s>\n' "$(name_of "$header")" |
			"${CC:-cc}" -E $paths -D_GNU_SOURCE -x c - >/dev/null 2>&1; then
			sees=yes
		fi
		tried=$((tried + 1))
		if [ "$sees" = yes ] && [ "$may" = no ]; then
			printf 'FAIL: %s can include %s\n' "$folder" "$header"
			rc=1
		fi
	done
done
printf '%d pairs of folders tried\n' "$tried"
exit "$rc"
