#!/usr/bin/env bash
# What is compared with the binary before anything is patched: other flags, another compiler, an edited tree,
# another program, symbols that are missing or elsewhere. Each refusal names functions, or what is missing.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
need gcc jq objcopy strip

# project DIR COMPILER COMMAND_FLAGS BUILD_FLAGS: builds with one set of flags, and records the other
project() {
	local dir=$1 compiler=$2 recorded=$3 built=$4 unit
	mkdir -p "$dir"
	cat >"$dir/shop.c" <<-'END'
		int taxed(int value) { return value * 7; }
		static int sold;

		/* What an item costs. */
		int price(int item, int count)
		{
			int sum = 0;

			for (int i = 0; i < count; i++)
				sum += (item + i) * 13 ^ sum >> 3;
			sold += count;
			return sum;
		}
		int total(void) { return sold; }
	END
	cat >"$dir/main.c" <<-'END'
		#include <stdio.h>
		#include <stdlib.h>
		int price(int item, int count);
		int total(void);
		int main(void)
		{
			char line[64];

			while (fgets(line, sizeof(line), stdin)) {
				printf("%d %d\n", price(atoi(line), 9), total());
				fflush(stdout);
			}
			return 0;
		}
	END
	for unit in shop main; do
		# shellcheck disable=SC2086
		(cd "$dir" && "$compiler" $built -c "$unit.c" -o "$unit.o") || die "no $unit.o"
	done
	(cd "$dir" && "$compiler" -Wl,--build-id -o target-shop shop.o main.o -pthread) || die "no program"
	jq -n --arg dir "$dir" --arg flags "$recorded" '[("shop", "main") |
		{directory: $dir, command: "gcc \($flags) -c \(.).c -o \(.).o", file: "\(.).c", output: "\(.).o"}]' \
		>"$dir/compile_commands.json"
	mkdir -p "$dir/a" "$dir/b"
	cp "$dir/shop.c" "$dir/a/"
	sed 's/return sum;/return sum + 1000;/' "$dir/shop.c" >"$dir/b/shop.c"
	(cd "$dir" && diff -u a/shop.c b/shop.c >fix.diff)
	rm -r "$dir/a" "$dir/b"
}

built() {       # DIR [BINARY]: the build; its refusals in one line in SAID
	suture build -C "$1" --source "$1" --binary "${2:-$1/target-shop}" -o "$1/fix.so" --name fix "$1/fix.diff"
	SAID=$(j '[.refusals[]?, .error // empty | .code + ": " + .message + " | " + (.next // "")] | join("; ")')
}
refused() {     # TEXT DIR PATTERN [BINARY]
	rm -f "$2/fix.so"
	built "$2" "${4:-}"
	is "$1: exit code" 4 "$RC"
	matches "$1" "$3" "$SAID"
	check "$1: no file" test ! -e "$2/fix.so"
}
objects_gone() { rm -f "$1"/*.o; }

project "$WORK/good" gcc '-O2 -g' '-O2 -g'
built "$WORK/good"
is "the right flags" 'patch price' "$(j '.result + " " + ([.functions[].name] | join(" "))')"

project "$WORK/level" gcc '-O3' '-O2'
refused "-O3 for -O2" "$WORK/level" 'VERIFY_MISMATCH: *shop.c*price*'
objects_gone "$WORK/level"
refused "-O3 for -O2, objects gone" "$WORK/level" 'VERIFY_MISMATCH: *functions of shop.c differ from target-shop*price*flags and compiler*'

# All of a unit differs, and with these flags it is longer than what the program has left.
project "$WORK/longer" gcc '-O0 -fstack-protector-all -mno-red-zone' '-Os'
objects_gone "$WORK/longer"
refused "every function differs" "$WORK/longer" 'VERIFY_MISMATCH: 3 of 3 functions of shop.c differ from target-shop: taxed, price, total*flags and compiler*'

if command -v clang >/dev/null; then
	project "$WORK/compiler" clang '-O2' '-O2'
	refused "clang's program, gcc's commands" "$WORK/compiler" 'VERIFY_MISMATCH: *shop.c*price*'
fi
for other in gcc-11 gcc-13; do
	command -v "$other" >/dev/null || continue
	project "$WORK/$other" "$other" '-O2' '-O2'
	built "$WORK/$other"
	# Two versions may agree on so little code: what is verified then is the same code.
	[ "$RC" -eq 0 ] || matches "$other's program" 'VERIFY_MISMATCH: *' "$SAID"
done

project "$WORK/edited" gcc '-O2' '-O2'
sed -i 's/value \* 7/value * 9/' "$WORK/edited/shop.c"
refused "one constant edited in the tree" "$WORK/edited" 'VERIFY_MISMATCH: *taxed*'

# Production flags without -g: V is compiled as they say, the debug information is our own business.
project "$WORK/plain" gcc '-O2' '-O2'
objects_gone "$WORK/plain"
built "$WORK/plain"
is "without -g" 'patch price' "$(j '.result + " " + ([.functions[].name] | join(" "))')"

# Another program: nothing of the file is in it.
cat >"$WORK/other.c" <<-'END'
	int main(int count, char **words) { return count + words[0][0]; }
END
gcc -O2 -Wl,--build-id -o "$WORK/other" "$WORK/other.c" || die "no other program"
refused "a foreign binary" "$WORK/good" 'VERIFY_MISMATCH: no function of shop.c is in other*name the binary*' "$WORK/other"
refused "no program at all" "$WORK/good" '*fix.diff*' "$WORK/good/fix.diff"
gcc -O2 -Wl,--build-id=none -o "$WORK/nameless" "$WORK/good/shop.o" "$WORK/good/main.o" || die "no nameless program"
refused "no build-id" "$WORK/good" 'BAD_INPUT: *no build-id*--build-id*' "$WORK/nameless"

# Symbols: none, beside it by .gnu_debuglink, and where distributions put them.
project "$WORK/stripped" gcc '-O2 -g' '-O2 -g'
objcopy --only-keep-debug "$WORK/stripped/target-shop" "$WORK/shop.debug"
strip "$WORK/stripped/target-shop"
refused "stripped" "$WORK/stripped" 'BAD_INPUT: *target-shop has no symbol table, and no debug file was found*'
mkdir "$WORK/stripped/.debug"
cp "$WORK/shop.debug" "$WORK/stripped/.debug/target-shop.debug"
(cd "$WORK/stripped/.debug" && objcopy --add-gnu-debuglink=target-shop.debug ../target-shop) || die "no debug link"
built "$WORK/stripped"
is "stripped, with a debug link" 'patch price' "$(j '.result + " " + ([.functions[].name] | join(" "))')"
# shellcheck disable=SC2034  # for target()
TARGET_BIN=$WORK/stripped
target_with_agent shop
says "before" 3 '831 0'
step "apply to the stripped program" 0 '.changed' apply "$WORK/stripped/fix.so" -p "$PID"
says "after" 3 '1831 9'
target_end

id=$(readelf -n "$WORK/stripped/target-shop" | awk '/Build ID/ { print $3 }')
place=/usr/lib/debug/.build-id/${id:0:2}
if [ "$(id -u)" -eq 0 ] && mkdir -p "$place" 2>/dev/null; then
	rm -r "$WORK/stripped/.debug"
	cp "$WORK/shop.debug" "$place/${id:2}.debug"
	built "$WORK/stripped"
	rm -f "$place/${id:2}.debug"
	rmdir --ignore-fail-on-non-empty -p "$place" 2>/dev/null
	is "stripped, symbols by build-id" 'patch price' "$(j '.result + " " + ([.functions[].name] | join(" "))')"
	# Another build's symbols are worse than none.
	mkdir "$WORK/stripped/.debug"
	objcopy --only-keep-debug "$WORK/level/target-shop" "$WORK/stripped/.debug/target-shop.debug"
	refused "another build's symbols" "$WORK/stripped" 'BUILD_ID: *debug file of another build*'
fi

# -flto: in the commands, and where only the binary shows it.
project "$WORK/lto" gcc '-O2 -flto' '-O2 -flto'
refused "-flto in the commands" "$WORK/lto" 'UNSUPPORTED: *shop.c is compiled with -flto*build the server without -flto*'
project "$WORK/hidden" gcc '-O2' '-O2 -flto'
refused "-flto in the binary alone" "$WORK/hidden" '*-flto*'
totals
