#!/usr/bin/env bash
# Signatures: stock minisign verifies what suture build signed, and the agent takes what minisign signed;
# with SUTURE_REQUIRE_SIGNATURE nothing else gets in, by whatever command, and nothing can be changed on
# the way.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
need minisign

minisign -G -f -W -p "$WORK/key.pub" -s "$WORK/key.sec" >/dev/null || die "no key"
minisign -G -f -W -p "$WORK/other.pub" -s "$WORK/other.sec" >/dev/null || die "no key"
# Made by minisign -G with a password; opening one takes seconds, so it is done once.
cat >"$WORK/locked.pub" <<'KEY'
untrusted comment: minisign public key ABCAD0212D01EC41
RWRB7AEtIdDKq7YM6JTPgJID0mU/uPIcFxhxqwMqMzAfsrG9p5DIxKiq
KEY
cat >"$WORK/locked.sec" <<'KEY'
untrusted comment: minisign encrypted secret key
RWRTY0IyVX9q78qL3hmXpgPjUKTvInzDp2gStyeIjPgoo3mne8IAAAACAAAAAAAAAEAAAAAAILJf1W5lDv0GqQ1ILNZQ0R3TfdMqotD+BWbHABz8cxV7kmGn/d1FtOIgcNq1cRTFs+zLQqNMmZkDs1h73P1gfm8ilK6INWtYtgFBLvkNm+BNG/dCoGBxXL6Qym6HK4r7EGuzlEdMVpo=
KEY
ID=$(sed -n 's/^untrusted comment: minisign public key //p' "$WORK/key.pub")

printf -- '-- signed by suture build\n'
build_target_patch environment environment --sign "$WORK/key.sec" || { totals; exit 1; }
is "the document says where" "$WORK/environment.so.minisig" "$(j .signature)"
check "stock minisign verifies it" minisign -V -q -p "$WORK/key.pub" -m "$WORK/environment.so"
check "not with another key" test "$(minisign -V -q -p "$WORK/other.pub" -m "$WORK/environment.so" 2>&1; echo $?)" != 0
step "info shows it" 0 ".signature.key_id == \"$ID\" and .signature.verified == false and (.signature.comment | test(\"file:environment.so\"))" \
	info "$WORK/environment.so"
step "and checks it" 0 '.signature.verified' info "$WORK/environment.so" --key "$WORK/key.pub"
step "another key: 7" 7 '.error.code == "SIGNATURE"' info "$WORK/environment.so" --key "$WORK/other.pub"
step "no key file at all" 4 '.error.code == "BAD_INPUT"' info "$WORK/environment.so" --key "$WORK/environment.so.minisig"
"$SUTURE" info "$WORK/environment.so" --key "$WORK/key.pub" >"$WORK/words"
check "in words" grep -q "^signature *right, by key $ID (timestamp:" "$WORK/words"

printf -- '-- a key with a password\n'
sed 's/kept + 50/kept + 60/' "$TARGETS/diffs/environment.diff" >"$WORK/locked.diff"
sign_locked() {        # exit code
	"$SUTURE" build -C "$BUILD_DIR" --source "$TARGETS" --binary "$TARGET_BIN/target-environment" \
		-o "$WORK/locked.so" --name locked --sign "$WORK/locked.sec" "$WORK/locked.diff" >"$WORK/words" 2>&1
	echo $?
}
is "none given" 1 "$(sign_locked </dev/null)"
check "says so" grep -q 'needs its password' "$WORK/words"
check "no patch" test ! -e "$WORK/locked.so"
is "given" 0 "$(printf 'secret\n' | sign_locked)"
check "stock minisign verifies it" minisign -V -q -p "$WORK/locked.pub" -m "$WORK/locked.so"

printf -- '-- a process that asks for signatures\n'
ENVIRONMENT=(SUTURE_REQUIRE_SIGNATURE="$WORK/key.pub" SUTURE_DIR="$WORK")
target_with_agent environment
EXE=$TARGET_BIN/target-environment
TEXT=$(text_hash "$PID" "$EXE")
refused() {     # TEXT FILE: by whatever command
	step "$1: apply" 7 '.error.code == "SIGNATURE"' apply "$2" -p "$PID"
	step "$1: check" 7 '.error.code == "SIGNATURE" and .result == "refused"' check "$2" -p "$PID"
	step "$1: threads" 7 '.error.code == "SIGNATURE"' threads -p "$PID" --patch "$2"
}
step "status says so" 0 ".agent.requires_signature == \"$ID\"" status -p "$PID"
refused "another key" "$WORK/locked.so"
cp "$WORK/environment.so" "$WORK/bare.so"
refused "no signature" "$WORK/bare.so"
cp "$WORK/locked.so" "$WORK/swapped.so"
cp "$WORK/environment.so.minisig" "$WORK/swapped.so.minisig"
refused "another file's signature" "$WORK/swapped.so"
cp "$WORK/environment.so" "$WORK/flipped.so"
cp "$WORK/environment.so.minisig" "$WORK/flipped.so.minisig"
printf '\xff' | dd of="$WORK/flipped.so" bs=1 seek=100 conv=notrunc 2>/dev/null
refused "one byte is another" "$WORK/flipped.so"
cp "$WORK/environment.so" "$WORK/comment.so"
sed 's/timestamp:[0-9]*/timestamp:1/' "$WORK/environment.so.minisig" >"$WORK/comment.so.minisig"
refused "the trusted comment is another" "$WORK/comment.so"
cp "$WORK/environment.so" "$WORK/rubbish.so"
head -c 300 /dev/urandom | base64 >"$WORK/rubbish.so.minisig"
refused "rubbish" "$WORK/rubbish.so"
is "nothing changed" "$TEXT" "$(text_hash "$PID" "$EXE")"
check "the refusals are on record" jq -e '[.events[] | select(.event == "apply" and .result == "SIGNATURE")] | length == 6' \
	<("$SUTURE" events -p "$PID" --json)

step "the right one" 0 '.changed' apply "$WORK/environment.so" -p "$PID"
says "patched" value 51
check "mapped from sealed memory: no file that could be changed" grep -q 'memfd:environment' "/proc/$PID/maps"
check "and no other" test -z "$(find "$WORK/live" -name '*.so' 2>/dev/null)"
step "revert" 0 '.changed' revert environment -p "$PID"
is "code as it was" "$TEXT" "$(text_hash "$PID" "$EXE")"
for mode in '' -l; do
	# shellcheck disable=SC2086  # an option or none
	minisign -S $mode -s "$WORK/key.sec" -m "$WORK/bare.so" >/dev/null 2>&1 || die "minisign can't sign"
	step "signed by minisign ${mode:-prehashed}" 0 '.changed' apply "$WORK/bare.so" -p "$PID"
	step "revert" 0 '.changed' revert environment -p "$PID"
done
target_end

printf -- '-- what is installed passes by the same door\n'
mkdir -m 755 "$WORK/store"
export SUTURE_DIR=$WORK/store
step "install" 0 '.changed' install "$WORK/environment.so"
ENVIRONMENT=(SUTURE_REQUIRE_SIGNATURE="$WORK/key.pub" SUTURE_DIR="$SUTURE_DIR")
target_with_agent environment
says "signed: in force from the start" value 51
target_end
find "$SUTURE_DIR/installed" -name '*.minisig' -delete
target_with_agent environment
says "without its signature it stays out" value 2
step "status says why" 0 'any(.restored[]?; .result == "refused") or (.restored | length) > 0' status -p "$PID"
target_end
step "uninstall" 0 '.changed' uninstall environment
unset SUTURE_DIR

printf -- '-- a key that cannot be read lets nothing in\n'
ENVIRONMENT=(SUTURE_REQUIRE_SIGNATURE="$WORK/nowhere.pub")
target_with_agent environment
step "refused, and says why" 7 '.error.code == "SIGNATURE" and (.error.message | test("nowhere.pub"))' \
	apply "$WORK/environment.so" -p "$PID"
says "as it was" value 2
target_end

printf -- '-- one that does not ask takes both\n'
ENVIRONMENT=()
target_with_agent environment
step "signed" 0 '.changed' apply "$WORK/environment.so" -p "$PID"
step "revert" 0 '.changed' revert environment -p "$PID"
target_end
totals
