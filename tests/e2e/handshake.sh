#!/usr/bin/env bash
# Releases that don't fit: an agent that is older or newer than suture, and the reverse, each played by
# a peer that says what such a release would say. Never silence, never something half done.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

need socat
target_with_agent environment
# shellcheck disable=SC2153  # lib.sh sets PID
SOCKET=$("$SUTURE" ps --json | jq -r ".processes[] | select(.pid == $PID) | .socket")
tell() { printf '%s\n' "$1" | timeout 120 socat -t 60 - "UNIX-CONNECT:$SOCKET"; }

printf -- '-- old suture, new agent\n'
HELLO=$(tell '{"jsonrpc":"2.0","id":1,"method":"hello","params":{"protocol":0,"client":"suture 0.0"}}')
is "too old is told" UNSUPPORTED "$(jq -r .error.data.code <<<"$HELLO")"
HELLO=$(tell '{"jsonrpc":"2.0","id":1,"method":"hello","params":{"protocol":1}}')
is "the same release" "1 1" "$(jq -r '"\(.result.protocol) \(.result.oldest)"' <<<"$HELLO")"
printf -- '-- new suture, old agent\n'
HELLO=$(tell '{"jsonrpc":"2.0","id":1,"method":"hello","params":{"protocol":99,"client":"suture 9"}}')
is "it says what it speaks" 1 "$(jq -r .result.protocol <<<"$HELLO")"
is "a method to come" "-32601 UNSUPPORTED" "$(tell '{"jsonrpc":"2.0","id":1,"method":"teleport"}' | jq -r '"\(.error.code) \(.error.data.code)"')"
is "a parameter to come is not ignored" USAGE \
	"$(tell '{"jsonrpc":"2.0","id":1,"method":"revert","params":{"name":"x","gently":true}}' | jq -r .error.data.code)"

printf -- '-- this suture, other agents\n'
# peer REPLY: an agent that answers hello so, and nothing else
peer() {
	rm -f "$WORK/peer.sock"
	if [ -n "$1" ]; then printf '%s\n' "$1"; fi >"$WORK/reply"
	# One without a reply hangs up at once.
	socat "UNIX-LISTEN:$WORK/peer.sock,mode=600" SYSTEM:"read -r line; cat '$WORK/reply'; test ! -s '$WORK/reply' || read -r line" >/dev/null 2>&1 &
	PEER=$!
	PIDS+=("$PEER")
	until_true "the peer" grep -q " 00010000 .* $WORK/peer.sock\$" /proc/net/unix # it listens
}
meets() {       # TEXT REPLY EXIT CODE
	peer "$2"
	step "$1" "$3" ".error.code == \"$4\"" status -s "$WORK/peer.sock"
	wait "$PEER" 2>/dev/null
}
meets "an agent that is too old" '{"jsonrpc":"2.0","id":1,"result":{"protocol":0,"agent":"0.0.1"}}' 4 UNSUPPORTED
meets "an agent that is too new" '{"jsonrpc":"2.0","id":1,"result":{"protocol":9,"oldest":5,"agent":"9.0.0"}}' 4 UNSUPPORTED
meets "one that refuses us" '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"m","data":{"code":"UNSUPPORTED","message":"too old"}}}' 4 UNSUPPORTED
meets "one that speaks rubbish" 'HTTP/1.1 400 Bad Request' 2 PROTOCOL
meets "one that hangs up" '' 5 AGENT_BUSY
"$SUTURE" status -s "$SOCKET" >"$WORK/words"
is "and the right one" 0 $?
target_end
totals
