#!/usr/bin/env bash
# Every command once on a server that runs: what it says, word for word (commands.txt; numbers that differ from
# run to run are replaced), and its JSON document, member for member (docs/protocol.schema.json).
# SUTURE_TEST_ACCEPT=1 writes commands.txt anew.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

HERE=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
export NO_COLOR=1 LC_ALL=C.UTF-8 SUTURE_DIR=$WORK/kept
unset SUTURE_EVENTS
PATCH=$WORK/coin-dup.so
printf '%s\n' '# name,price' potion,7 torch,11 shield,31 sword,47 crown,300 >"$WORK/prices.csv"

# ---- what builds and the loop of saves need --------------------------------------------------------
# A key without a password, as minisign -G -W makes them.
cat >"$WORK/key.pub" <<'KEY'
untrusted comment: minisign public key 8E83E0641703F636
RWQ29gMXZOCDjjzPS5rQQKI+1uALuNaZka6PGeDwO/YyXrKBVdHrdQsm
KEY
cat >"$WORK/key.sec" <<'KEY'
untrusted comment: minisign encrypted secret key
RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAANvYDF2Tgg44CnL7zC69qBgfNFhtRyf63Q9Bnk9r6L0DLF3lfIH9OxzzPS5rQQKI+1uALuNaZka6PGeDwO/YyXrKBVdHrdQsmAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
KEY
mkdir "$WORK/src"
cat >"$WORK/src/adder.c" <<'C'
#include <unistd.h>

struct kept {
	int sum;
	int turns;
};
static struct kept kept;

__attribute__((noinline)) void add(struct kept *to)
{
	__asm__ volatile("" ::: "memory");
	to->sum += 1;
	to->turns++;
}

int main(void)
{
	struct kept *volatile to = &kept;

	for (;;) {
		add(to);
		usleep(1000);
	}
}
C
TARGETS=$WORK/src small_project "$WORK/adder" adder -O2 -g -- adder.c
cp "$WORK/src/adder.c" "$WORK/adder.c"
builds=(build -C "$BUILD_DIR" --source "$ARENA_SOURCE" --binary "$ARENA_SERVER" -o "$WORK/no.so" --name no)

# ---- what is said --------------------------------------------------------------------------------
# Pids, times, durations, hashes, offsets, sizes and folders; then columns are as wide as they need to be.
plain() {
	# shellcheck disable=SC2153  # lib.sh sets PID
	sed -E -e "s|$WORK|WORK|g; s|$BUILD_DIR|BUILD|g; s|$ROOT|TREE|g" \
		-e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?Z/TIME/g' \
		-e 's/\b[0-9a-f]{64}\b/HASH/g; s/\b[0-9a-f]{40}\b/BUILD-ID/g; s/\b[0-9a-f]{16}\b/BUILD-ID/g; s/\b[0-9a-f]{12}\b/BUILD-ID/g' \
		-e 's/\b[0-9]+(\.[0-9]+)? (us|ms|s|min)\b/N us/g; s/\b[0-9]+ KiB/N KiB/g; s/[0-9]+ attempts?/N attempts/g' \
		-e "s/\b$PID\b/PID/g" \
		-e 's/(_bytes|_sum|_bucket|_pause_seconds_count)(\{.*\}) [0-9.e+-]+$/\1\2 N/; s/\+0x[0-9a-f]+/+N/g' \
		-e 's/^(TIME +\S+ +(check|threads) .*), paused N us$/\1/; s/^pauses +[0-9]+:/pauses N:/' \
		-e 's/[0-9]+ known values? ha(s|ve) the new code, [0-9]+ the old/N known values have the new code, N the old/' \
		-e 's/^ *([0-9]+|PID) +(arena-server|suture|tick-[01]) +(asleep|running|unseen)( +(yes|no))? .*/TID \2 STATE\4 AT/' \
		-e 's/verified: [0-9]+ functions/verified: N functions/; s/^(trade_move_coin +\S+ +\S+) +[0-9]+ +[0-9]+(( +[a-z]+)?)$/\1 N N\2/' \
		-e 's/timestamp:[0-9]+/timestamp:N/' \
		-e "s/(by pid )[0-9]+/\1N/; s/\b$(id -un)\b/USER/g" -e 's/ +/ /g; s/ +$//; s/^ ([PT]ID) /\1 /'
}
# loop OPTION…: the loop of saves, and one of each kind: what it said is in WORK/loop, all else in WORK/loop.err
save() {        # save SED PATTERN: a change of the source, until the loop has said something about it
	sed "$1" "$WORK/adder.c" >"$WORK/src/adder.c"
	told() { grep -qE -- "$1" "$WORK/loop" "$WORK/loop.err"; }
	until_true "$2" told "$2"
}
loop() {
	local loop
	"$SUTURE" watch -C "$WORK/adder" --binary "$WORK/adder/adder" -p "$PID" "$@" >"$WORK/loop" 2>"$WORK/loop.err" &
	loop=$!
	PIDS+=("$loop")
	begun() { find "/proc/$loop/fd" -lname '*inotify*' 2>/dev/null | grep -q .; }
	until_true "the loop" begun
	save 's/sum += 1/sum += 2/' 'new code runs|"applied"'
	save 's/sum += 1/sum += ;/' COMPILE_FAILED
	save 's/int sum;/long sum;/' LAYOUT_CHANGED
	save '' 'as it was built|"reverted"'
	stop_pid "$loop"
}
runs() {        # runs ARG…: one command of the transcript; RC is its exit code
	printf '$ suture %s\n' "$*"
	"$SUTURE" "$@" </dev/null 2>&1
	RC=$?
	[ "$RC" -eq 0 ] || printf '[exit %d]\n' "$RC"
}
# The list has other people's processes too, and is as wide as their names.
followed() { [ "$(grep -c 'revert .*coin-dup: done' "$WORK/followed")" -eq 2 ]; }
one_row() { awk -v pid="$PID" 'NR <= 2 { print } $1 == pid { print $1, $2, $3, $4, $5 }'; }
transcript() {
	local target=(-p "$PID")
	runs build -q -C "$BUILD_DIR" --source "$ARENA_SOURCE" --binary "$ARENA_SERVER" -o "$PATCH" --name coin-dup \
		"$ARENA_SOURCE/diffs/coin-dup.diff"
	runs info "$PATCH"
	runs info "$PATCH" --binary "$ARENA_SERVER"
	runs info "$PATCH" --binary "$ARENA_BOTS"
	runs "${builds[@]}" -q "$ARENA_SOURCE/diffs/layout-coin-last.diff"
	runs "${builds[@]}" -q "$ARENA_SOURCE/diffs/data-initial.diff"
	runs "${builds[@]}" -q "$ARENA_SOURCE/diffs/comment-only.diff"
	runs "${builds[@]}" -q "$ARENA_SOURCE/diffs/no-such.diff"
	runs build -q -C "$BUILD_DIR" --source "$ARENA_SOURCE" --binary "$ARENA_SERVER" -o "$WORK/signed.so" --name coin-dup \
		--sign "$WORK/key.sec" "$ARENA_SOURCE/diffs/coin-dup.diff"
	runs info "$WORK/signed.so"
	runs info --key "$WORK/key.pub" "$WORK/signed.so"
	printf x >>"$WORK/signed.so"
	runs info --key "$WORK/key.pub" "$WORK/signed.so"
	runs check "$PATCH" "${target[@]}"
	runs check -v "$PATCH" "${target[@]}"
	runs list "${target[@]}"
	runs apply "$PATCH" "${target[@]}" --confirm-within 1h --count
	runs load "$PATCH" "${target[@]}"
	runs check "$PATCH" "${target[@]}"
	runs list "${target[@]}"
	runs status "${target[@]}"
	runs confirm coin-dup "${target[@]}"
	runs confirm coin-dup "${target[@]}"
	runs confirm nonsense "${target[@]}"
	runs scope coin-dup "${target[@]}" --add room=1
	runs list "${target[@]}"
	runs scope coin-dup "${target[@]}" --all
	runs threads "${target[@]}"
	runs threads "${target[@]}" --patch "$PATCH"
	runs call reload-prices "$WORK/prices.csv" "${target[@]}"
	runs call reload-maps "${target[@]}"
	runs metrics "${target[@]}"
	runs install "$PATCH"
	runs install --list
	runs restore "${target[@]}"
	runs build -q -C "$BUILD_DIR" --source "$ARENA_SOURCE" --binary "$ARENA_SERVER" -o "$WORK/prices.so" \
		"$ARENA_SOURCE/diffs/prices.diff"
	runs check "$WORK/prices.so" "${target[@]}"
	runs apply "$WORK/prices.so" "${target[@]}" --replace
	runs load "$PATCH" "${target[@]}" --replace
	runs unload coin-dup "${target[@]}"
	runs revert coin-dup "${target[@]}"
	runs revert nonsense "${target[@]}"
	runs restore "${target[@]}"
	runs list "${target[@]}"
	runs uninstall coin-dup
	runs uninstall coin-dup
	runs install --list
	runs revert coin-dup --tree "$PID"
	runs events "${target[@]}"
	runs events -v --last 1 "${target[@]}"
	runs ps | one_row
	until_true "events -f to tell of the last" followed
	runs detach "$PID"
	runs status "${target[@]}"
	runs attach "$PID"
	runs attach "$PID"
	runs --version
	runs help
	runs help confirm
	runs completion fish
}

# ---- its documents -------------------------------------------------------------------------------
: >"$WORK/documents"
gives() {       # gives KIND EXIT_CODE ARG…: the document is kept, to be checked with all others
	local kind=$1 want=$2
	shift 2
	suture "$@"
	is "$*: exit code" "$want" "$RC"
	printf '%s\t%s\n' "$kind" "$(tr '\n' ' ' <"$OUT")" >>"$WORK/documents"
}
documents() {
	local target=(-p "$PID")
	gives build 0 build -C "$BUILD_DIR" --source "$ARENA_SOURCE" --binary "$ARENA_SERVER" -o "$PATCH" --name coin-dup \
		"$ARENA_SOURCE/diffs/coin-dup.diff"
	gives info 0 info "$PATCH"
	gives info 0 info "$PATCH" --binary "$ARENA_SERVER"
	gives failure 4 info "$PATCH" --binary "$ARENA_BOTS"
	gives build 4 "${builds[@]}" "$ARENA_SOURCE/diffs/layout-coin-last.diff"
	gives build 4 "${builds[@]}" "$ARENA_SOURCE/diffs/data-initial.diff"
	gives build 10 "${builds[@]}" "$ARENA_SOURCE/diffs/comment-only.diff"
	gives build 4 "${builds[@]}" "$ARENA_SOURCE/diffs/no-such.diff"
	gives build 0 build -C "$BUILD_DIR" --source "$ARENA_SOURCE" --binary "$ARENA_SERVER" -o "$WORK/signed.so" --name coin-dup \
		--sign "$WORK/key.sec" "$ARENA_SOURCE/diffs/coin-dup.diff"
	gives info 0 info "$WORK/signed.so"
	gives info 0 info --key "$WORK/key.pub" "$WORK/signed.so"
	sed -i '2s/^RUQ/RUR/; 2s/^RWQ/RWR/' "$WORK/signed.so.minisig"
	gives failure 7 info --key "$WORK/key.pub" "$WORK/signed.so"
	gives check 0 check "$PATCH" "${target[@]}"
	gives check-all 0 check --all-functions "$ARENA_SERVER"
	gives apply 0 apply "$PATCH" "${target[@]}" --scope room=1 --confirm-within 1h
	gives list 0 list "${target[@]}"
	gives status 0 status "${target[@]}"
	gives metrics 0 metrics "${target[@]}"
	gives scope 0 scope coin-dup "${target[@]}" --all
	gives confirm 0 confirm coin-dup "${target[@]}"
	gives threads 0 threads "${target[@]}" --patch "$PATCH"
	gives call 0 call reload-prices "$WORK/prices.csv" "${target[@]}"
	gives revert 0 revert coin-dup "${target[@]}"
	gives install 0 install "$PATCH"
	gives install-list 0 install --list
	gives restore 0 restore "${target[@]}"
	gives list 0 list "${target[@]}"
	gives uninstall 0 uninstall coin-dup
	gives events 0 events "${target[@]}"
	gives several 0 list --tree "$PID"
	gives ps 0 ps
	gives failure 4 revert nonsense "${target[@]}"
	gives failure 2 apply --tiemout 3s
	gives failure 3 list -p 2147483647
	gives detach 0 detach "$PID"
	gives failure 3 status "${target[@]}"
	gives attach 0 attach "$PID"
	gives help 0 help
	gives version 0 --version
}

printf -- '-- word for word\n'
arena_start
# A pid that is one of the other numbers would be taken for it.
while grep -qw -- "$PID" "$HERE/commands.txt"; do
	stop_pid "$PID"
	rm "$WORK/arena.port"
	arena_start
done
"$SUTURE" status --watch -p "$PID" >"$WORK/seconds" 2>&1 &
PIDS+=("$!")
"$SUTURE" events -f -p "$PID" >"$WORK/followed" 2>&1 &
PIDS+=("$!")
transcript >"$WORK/raw"
plain <"$WORK/raw" >"$WORK/transcript"
start adder "$WORK/adder/adder"
loop
# A compiler's words are its own, and differ.
{
	printf '$ suture watch -C WORK/adder --binary WORK/adder/adder -p PID\n'
	cat "$WORK/loop"
	grep -E '^(suture:|  [a-z])' "$WORK/loop.err"
} | plain >>"$WORK/transcript"
[ -z "${SUTURE_TEST_ACCEPT:-}" ] || cp "$WORK/transcript" "$HERE/commands.txt"
if "${CC:-cc}" --version 2>/dev/null | grep -q clang; then
	printf 'note  not compared word for word: what clang inlines, and so what a patch replaces, is not what gcc does\n'
elif diff -u "$HERE/commands.txt" "$WORK/transcript"; then
	pass "$(grep -c '^\$ suture' "$WORK/transcript") commands say what is expected"
else
	fail "something is said in other words"
fi
events_of() { sed -n '/^TIME WHO/,/^\$/p' | grep '^TIME USER' | head -n 19; }
check "events -f told of all in the words of events" test "$(events_of <"$WORK/transcript")" = "$(plain <"$WORK/followed" | events_of)"
watched() { [ "$(grep -c '^process ' "$WORK/seconds")" -ge 2 ]; }
check "status --watch told of it every second" until_true "two of them" watched
check "no escape sequences in a file" sh -c "! grep -q \"\$(printf '\\033')\" '$WORK/seconds' '$WORK/followed' '$WORK/raw'"

printf -- '-- member for member\n'
arena_start
documents
start adder "$WORK/adder/adder"
loop --json
sed 's/^/watch\t/' "$WORK/loop" >>"$WORK/documents"
is "documents of the loop" "applied COMPILE_FAILED LAYOUT_CHANGED reverted" "$(jq -r '.result // .error.code' "$WORK/loop" | tr '\n' ' ' | sed 's/ $//')"
build_target_patch busy busy
target_with_agent busy
says "a thread goes in" enter in
gives failure 5 apply "$WORK/busy.so" -p "$PID" --timeout 100ms
gives check 5 check "$WORK/busy.so" -p "$PID" --timeout 100ms
says_busy=$(jq -r '.blockers[0].function' "$OUT")
is "who is in the way" sit_inside "$says_busy"
says "it leaves" leave 1001
target_end
/usr/bin/python3 "$ROOT/tests/support/documents.py" "$ROOT/docs/protocol.schema.json" <"$WORK/documents" >"$WORK/judged" 2>&1
case $? in
0) pass "the schema has them: $(tail -n 1 "$WORK/judged")" ;;
77) cat "$WORK/judged" ;;
*) fail "documents differ from docs/protocol.schema.json"; cat "$WORK/judged" ;;
esac
"$SUTURE" completion bash | bash -n
is "the completion is a script" 0 $?
totals
