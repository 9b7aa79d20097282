#!/usr/bin/env bash
# libsuture.so as it is shipped: at run time it needs libc alone, shows nothing but its API, is never
# unloaded, and has no page that is writable and executable.
set -u
AGENT=${BUILD_DIR:-build}/lib/libsuture.so
rc=0
fail() { printf 'FAIL: %s\n' "$*"; rc=1; }

[ -f "$AGENT" ] || { printf 'FAIL: no %s\n' "$AGENT"; exit 1; }
needed=$(readelf -dW "$AGENT" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
for library in $needed; do
	case $library in
	libc.so.6) ;;
	*) fail "it needs $library" ;;
	esac
done
while read -r symbol; do
	case $symbol in
	suture_*) ;;
	__libc_start_main) ;; # the moment before main(): src/agent/startup.c
	*) fail "it exports $symbol" ;;
	esac
done < <(nm -D --defined-only "$AGENT" | awk '{ sub(/@.*/, "", $3); if ($2 != "A") print $3 }')
for symbol in suture_version suture_start suture_socket_path; do
	nm -D --defined-only "$AGENT" | grep -q " T $symbol\(@.*\)\?\$" || fail "it lacks $symbol"
done
flags=$(readelf -dW "$AGENT" | grep FLAGS)
for flag in NOW NODELETE; do
	grep -q "$flag" <<<"$flags" || fail "flag $flag is missing"
done
readelf -lW "$AGENT" | grep -q 'LOAD.* RWE ' && fail "a segment is writable and executable"
readelf -lW "$AGENT" | grep -q 'GNU_STACK.* RWE ' && fail "it wants an executable stack"
readelf -dW "$AGENT" | grep -q TEXTREL && fail "it relocates its text"
# Static TLS is scarce when it is attached late: the smallest limit met was 1,712 bytes.
tls=$(readelf -lW "$AGENT" | awk '$1 == "TLS" { print $6 }')
[ $((${tls:-0})) -le 512 ] || fail "thread-local storage: $((tls)) bytes"
printf 'needs: %s\n' "$(tr '\n' ' ' <<<"$needed")"
exit "$rc"
