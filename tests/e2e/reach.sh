#!/usr/bin/env bash
# A patch reaches what its target has, with the values that are in it: static and global functions and
# variables (of two statics with one name the right one), static variables in functions, thread-local
# variables that exist, libc's functions and variables. In a relocated and in a fixed program, compiled
# in more than one way.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

reaches() {     # NAME FLAG…
	local name=$1
	shift
	printf -- '-- %s\n' "$name"
	small_project "$WORK/$name" "target-$name" -D_GNU_SOURCE -g "$@" -- reach.c reach_other.c
	TARGET_BIN=$WORK/$name
	DATABASE=$WORK/$name build_target_patch reach "$name" || return
	target_with_agent "$name"
	says "old" state "old calls 1 same 101/501 count 11 tls 8/4 purse 39 triple 15 double 2 two"
	says "old, errno" fail 2
	step "apply" 0 '.changed == true' apply "$WORK/reach.so" -p "$PID"
	says "new, state goes on" state "new calls 2 same 102/502 count 12 tls 9/5 purse 38 triple 18 double 4 three"
	says "new, errno" fail 1002
	says "new, in a new thread" thread \
		"new calls 3 same 103/503 count 13 tls 8/4 purse 37 triple 18 double 6 three"
	step "revert" 0 '.changed == true' revert reach -p "$PID"
	says "old again, state goes on" state \
		"old calls 4 same 104/504 count 14 tls 10/6 purse 36 triple 15 double 8 two"
	says "old again, in a new thread" thread \
		"old calls 5 same 105/505 count 15 tls 8/4 purse 35 triple 15 double 10 two"
	target_end
}

reaches O2 -O2
reaches O3-no-plt -O3 -fno-plt
reaches Os -Os
reaches fixed -O2 -fno-pie -no-pie
reaches sections -O2 -ffunction-sections -fdata-sections -Wl,--gc-sections
reaches frames -O1 -fno-omit-frame-pointer -fcf-protection=full
totals
