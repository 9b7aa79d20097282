#!/usr/bin/env bash
# One diff, one patch, several binaries: a program and a plugin that it loads.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

host=$TARGET_BIN/target-host
plugin=$TARGET_BIN/target-plugin.so
patch=$WORK/both.so

build() {       # TEXT EXIT_CODE JQ_CONDITION DIFF OUT OPTION…
	local text=$1 code=$2 condition=$3 diff=$4 out=$5
	shift 5
	step "$text" "$code" "$condition" build -C "$BUILD_DIR" --source "$TARGETS" -o "$out" --name both "$@" "$diff"
}
both=(--binary "$host" --binary "$plugin")

# ---- built ----
build 'one patch of both' 0 '.result == "patch" and ([.functions[] | select(.kind == "changed") | "\(.name) \(.binary)"] | sort) ==
	["host_value target-host", "plugin_value target-plugin.so"] and (.targets | length) == 2 and
	all(.targets[]; .patched) and .target.path == .targets[0].path and .target.build_id == .targets[0].build_id' \
	"$TARGETS/diffs/both.diff" "$patch" "${both[@]}" || { totals; exit 1; }
cp "$patch" "$WORK/first.so"
build 'the same bytes again' 0 '.result == "patch"' "$TARGETS/diffs/both.diff" "$patch" "${both[@]}"
check 'bytes' cmp "$patch" "$WORK/first.so"
step 'info shows modules' 0 '([.modules[].name] | sort) == ["target-host", "target-plugin.so"] and
	([.modules[].build_id] | unique | length) == 2 and
	([.functions[] | "\(.name) \(.module)"] | sort) == ["host_value target-host", "plugin_value target-plugin.so"]' \
	info "$patch"
for binary in "$host" "$plugin"; do
	step "trampolines of the one that is given" 0 '[.functions[] | select(has("tier")) | .module] == ["'"${binary##*/}"'"] and
		all(.functions[]; has("reason") == (.tier == "none"))' info "$patch" --binary "$binary"
done
build 'a diff of one of them' 0 '.result == "patch" and ([.targets[] | .patched] == [false, true])' \
	"$TARGETS/diffs/plugin.diff" "$WORK/one.so" "${both[@]}"
step 'patches that one' 0 '[.modules[].name] == ["target-plugin.so"]' info "$WORK/one.so"

# ---- refused: all of it, and nothing is written ----
sed 's/^ static int calls;/-static int calls;\n+static int calls = 7;/' "$TARGETS/diffs/both.diff" >"$WORK/data.diff"
build 'one part is refused' 4 '.result == "refused" and .output == null and
	(.refusals | map(select(.code == "DATA_CHANGED")) | length) == 1' "$WORK/data.diff" "$WORK/refused.so" "${both[@]}"
check 'no file' test ! -e "$WORK/refused.so"
build 'what is new in one is used by the other' 4 '(.refusals | length) == 1 and .refusals[0].code == "UNRESOLVED_SYMBOL" and
	.refusals[0].line == 10 and (.refusals[0].message | test("target-host uses plugin_more, which is new in target-plugin.so"))' \
	"$TARGETS/diffs/both-cross.diff" "$WORK/refused.so" "${both[@]}"
check 'no file' test ! -e "$WORK/refused.so"
build 'a decision for a variable of the second' 0 '.result == "patch"' "$WORK/data.diff" "$WORK/refused.so" \
	"${both[@]}" --data calls=keep
build 'a source that is in neither is told of' 0 '.result == "patch" and
	any(.notes[]; test("^host.c is not in any of the binaries"))' "$TARGETS/diffs/both.diff" "$WORK/half.so" \
	--binary "$plugin" --binary "$TARGET_BIN/target-busy"
strip -o "$WORK/bare.so" "$plugin"
step 'its exported functions are known all the same' 0 '[.functions[] | select(.module == "target-plugin.so") | .tier] == ["plain"]' \
	info "$patch" --binary "$WORK/bare.so"
strip -o "$WORK/bare" "$host"
step 'info of one without symbols' 4 '.error.code == "BAD_INPUT" and (.error.message | test("bare has no function symbols"))' info "$patch" --binary "$WORK/bare"
strip --strip-symbol=host_value -o "$WORK/less" "$host"
step 'one without the symbol of that function does not say that it has no jump' 0 '[.functions[] | select(.module == "target-host") | .tier] == ["unknown"] and
	all(.functions[]; has("reason") | not)' info "$patch" --binary "$WORK/less"
build 'one without symbols is not taken for one without the source' 4 '[.refusals[].code] == ["BAD_INPUT"] and
	(.refusals[0].message | test("bare.so has no symbol table"))' "$TARGETS/diffs/both.diff" "$WORK/none.so" \
	--binary "$host" --binary "$WORK/bare.so"
build 'twice the same' 2 '.error.code == "USAGE"' "$TARGETS/diffs/both.diff" "$WORK/none.so" --binary "$host" --binary "$host"
build '--on is of one' 2 '.error.code == "USAGE" and (.error.next | contains("for each binary by itself"))' "$TARGETS/diffs/both.diff" "$WORK/none.so" "${both[@]}" --on "$patch"
build '--accept-layout is of one' 2 '.error.code == "USAGE" and (.error.next | contains("has objects of the type"))' "$TARGETS/diffs/both.diff" "$WORK/none.so" "${both[@]}" --accept-layout room
build 'nor on top of it' 4 '.refusals[0].message | test("several modules")' "$TARGETS/diffs/plugin.diff" "$WORK/none.so" \
	--binary "$plugin" --on "$patch"

# ---- one module is not there yet: nothing goes in ----
target_with_agent host
listed() { suture list -p "$PID"; j '.patches | map(select(.name == "both")) | .[0] | '"$1"; }
state_is() { [ "$(listed .state)" = "$1" ]; }
before=$(text_hash "$PID" "$host")
step 'check says that it would wait' 0 '.pending and .waits_for == "target-plugin.so"' check "$patch" -p "$PID"
step 'pending' 0 '.result == "pending"' apply "$patch" -p "$PID"
says 'the program has its old code' 'own 10' 70
is 'and not a byte is different' "$before" "$(text_hash "$PID" "$host")"
says 'load' "load $plugin" loaded
until_true 'the patch to go in' state_is applied
says 'the program has new code' 'own 10' 80
says 'the library has new code' 'value 100' 1500
says 'and its new variable counts' 'value 100' 1501
step 'list knows both functions' 0 '.patches[0].functions | sort == ["host_value", "plugin_value"]' list -p "$PID"

# ---- the module goes: so does the whole patch ----
says 'unload' unload unloaded
until_true 'that to be noticed' state_is pending
says 'the program has its old code' 'own 10' 70
is 'and its old bytes' "$before" "$(text_hash "$PID" "$host")"
step 'the code of both parts counts as retired' 0 '.retired_bytes > 0' status -p "$PID"
says 'load again' "load $plugin" loaded
until_true 'the patch to go in again' state_is applied
says 'new code, whose variables are new too' 'value 100' 1500

# ---- taken back, put in, replaced ----
step 'revert' 0 '.changed and .functions == 2' revert both -p "$PID"
says 'old code' 'own 10' 70
says 'of both' 'value 100' 300
step 'check names modules' 0 '.result == "ok" and ([.functions[].module] | sort) == ["target-host", "target-plugin.so"]' \
	check "$patch" -p "$PID"
step 'apply' 0 '.changed and .functions == 2' apply "$patch" -p "$PID" --count
says 'new code, which went on where it was' 'value 100' 1501
sed 's/8 \* x/9 * x/; s/return 5/return 6/' "$TARGETS/diffs/both.diff" >"$WORK/next.diff"
build 'a successor' 0 '.result == "patch"' "$WORK/next.diff" "$WORK/next.so" "${both[@]}"
step 'takes over' 0 '.changed' apply "$WORK/next.so" -p "$PID" --replace
says 'new code of the program' 'own 10' 90
says 'and of the library, with the variable that its predecessor brought' 'value 100' 1602
step 'revert' 0 '.changed' revert both -p "$PID"
says 'old code' 'value 100' 300
is 'old bytes' "$before" "$(text_hash "$PID" "$host")"

# ---- several variables in each of the two: each is bound to its own ----
counts=$TARGETS/diffs/both-counts.diff
build 'two new variables in each' 0 '.result == "patch"' "$counts" "$WORK/counts.so" "${both[@]}"
step 'apply' 0 '.changed and .functions == 2' apply "$WORK/counts.so" -p "$PID"
says 'the program counts' 'own 1' 100208
says 'and again' 'own 1' 101207
says 'the library counts' 'value 1' 300403
sed 's/8 \* x/9 * x/; s/+	return 3 \* x/+	return 4 * x/' "$counts" >"$WORK/counts-next.diff"
build 'a successor' 0 '.result == "patch"' "$WORK/counts-next.diff" "$WORK/counts-next.so" "${both[@]}"
step 'takes over' 0 '.changed' apply "$WORK/counts-next.so" -p "$PID" --replace
says 'the program goes on from its two' 'own 1' 102207
says 'and the library from its own two' 'value 1' 301403
says 'each by itself' 'own 1' 103206
step 'revert' 0 '.changed' revert both -p "$PID"
is 'old bytes' "$before" "$(text_hash "$PID" "$host")"
target_end

# ---- installed: it waits for the second module in the next start as well, and nobody is told otherwise ----
export SUTURE_DIR=$WORK/dir
step 'install' 0 '.changed' install "$patch"
# shellcheck disable=SC2034  # target() reads it
ENVIRONMENT=(SUTURE_DIR="$SUTURE_DIR")
target_with_agent host
says 'old code, in main(): what comes before it is done' 'own 10' 70
step 'a start: pending' 0 '[.restored[].result] == ["pending"] and [.patches[].state] == ["pending"]' list -p "$PID"
step 'restore: still so' 0 '(.changed | not) and [.patches[].result] == ["pending"]' restore -p "$PID"
matches 'in words' '*1 pending*' "$("$SUTURE" restore -p "$PID")"
says 'load' "load $plugin" loaded
until_true 'the patch to go in' state_is applied
says 'new code' 'own 10' 80
step 'restore: nothing to do' 0 '(.changed | not) and [.patches[].result] == ["already"]' restore -p "$PID"

# ---- of two processes one waits ----
step 'revert' 0 '.changed' revert both -p "$PID"
ONE=$PID ONE_TO=$TO ONE_FROM=$FROM
ENVIRONMENT=()
target_with_agent host
rows() { jq -c --argjson one "$ONE" --argjson two "$PID" '[.processes[] | select(.pid == $one or .pid == $two) | .result] | sort' "$OUT"; }
suture apply "$patch" --tree $$
is 'apply to both: exit code' 0 "$RC"
is 'one has it, one waits' '["applied","pending"]' "$(rows)"
suture list --tree $$
is 'and they are told apart' '[["applied"],["pending"]]' "$(jq -c '[.processes[].patches | map(.state)] | sort' "$OUT")"
says 'the one that waits has old code' 'own 10' 70
suture revert both --tree $$
is 'revert in both: exit code' 0 "$RC"
step 'nobody waits any more' 0 '.patches == 0 and .pending == 0' status -p "$PID"
target_end
PID=$ONE TO=$ONE_TO FROM=$ONE_FROM
says 'old code there' 'own 10' 70
target_end
totals
