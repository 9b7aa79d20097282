#!/usr/bin/env bash
# Ways in which build systems compile: unity builds, precompiled headers, wrappers, response files, debug
# information in other forms. What can't be compared is refused in one sentence, before anything is compiled.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
need gcc g++ jq

# project NAME COMMAND: sources, compiled by it ("CC FLAGS"), and a diff to return what is SUM instead
project() {
	local command=$2 unit
	DIR=$WORK/$1
	mkdir -p "$DIR/src" "$DIR/inc/deep"
	cat >"$DIR/src/shop.h" <<-'END'
		#ifndef SHOP_H
		#define SHOP_H
		struct item { int cost; int count; };
		int price(struct item *item);
		static inline int half(int value)
		{
			return value / 2;
		}
		#endif
	END
	cat >"$DIR/src/shop.c" <<-'END'
		#include "shop.h"
		static int sold;
		int price(struct item *item)
		{
			int sum = 0;

			for (int i = 0; i < item->count; i++)
				sum += (item->cost + i) * 13 ^ sum >> 3;
			sold += item->count;
			return half(sum) + sold;
		}
	END
	cat >"$DIR/src/main.c" <<-'END'
		#include "shop.h"
		#include <stdlib.h>
		int main(int count, char **words)
		{
			struct item item = {atoi(words[0]), count};

			return price(&item);
		}
	END
	printf '#include "../../src/shop.h"\n#include <stdio.h>\n' >"$DIR/inc/deep/pre.h"
	printf '#include "%s/src/shop.c"\n#include <%s/src/main.c>\n' "$DIR" "$DIR" >"$DIR/unity.c"
	UNITS=(src/shop.c src/main.c)
	COMMAND=$command
}
link_it() {     # FLAG…: compiles the units and enters their commands
	local unit object objects=() entries=()
	for unit in "${UNITS[@]}"; do
		object=$(basename "$unit").o
		(cd "$DIR" && sh -c "$COMMAND -c $unit -o $object") || { fail "$DIR: $unit does not compile"; return 1; }
		objects+=("$object")
		entries+=("$(jq -n --arg dir "$DIR" --arg command "$COMMAND -c $unit -o $object" --arg file "$unit" \
			--arg output "$object" '{directory: $dir, command: $command, file: $file, output: $output}')")
	done
	(IFS=,; printf '[%s]\n' "${entries[*]}") >"$DIR/compile_commands.json"
	(cd "$DIR" && gcc -Wl,--build-id "$@" -o target-shop "${objects[@]}") || fail "$DIR: no program"
}
edit() {        # FILE SED…: the diff
	mkdir -p "$DIR/a/src" "$DIR/b/src"
	cp "$DIR/$1" "$DIR/a/$1"
	sed "$2" "$DIR/$1" >"$DIR/b/$1"
	(cd "$DIR" && diff -u "a/$1" "b/$1" >fix.diff)
	rm -r "$DIR/a" "$DIR/b"
}
verdict() {     # TEXT PATTERN: result and functions, or refusals
	suture build -C "$DIR" --source "$DIR" --binary "$DIR/target-shop" -o "$DIR/fix.so" --name fix "$DIR/fix.diff"
	matches "$1" "$2" "$(j '[.result, (.functions[]? | .kind + ":" + .name), (.refusals[]?, .error // empty | .code + ": " + .message)] | join(" ")')"
}
source_and_header() {   # TEXT: an edit of the source, and one of what it includes
	edit src/shop.c 's/return half(sum) + sold/return half(sum) + sold + 1000/'
	verdict "$1: the source" 'patch changed:price'
	edit src/shop.h 's,value / 2,value / 2 + 50,'
	verdict "$1: the header" 'patch *:price'
}

# One unit includes the others by absolute paths, as CMake and Meson write it.
project unity 'gcc -O2 -g -fno-inline-functions-called-once -fno-inline-small-functions'
UNITS=(unity.c)
link_it && source_and_header "unity build"
edit src/shop.c 's/return half(sum) + sold/return half(sum) + sold + 1000/'
verdict "unity build once more" 'patch changed:price'
is "unity build: nothing is said to be missing" '' "$(j '.notes[]?')"

# Files that are links into another folder of the tree.
project linked 'gcc -O2 -g'
mkdir "$DIR/real"
mv "$DIR/src/shop.c" "$DIR/src/shop.h" "$DIR/real"
ln -s ../real/shop.c ../real/shop.h "$DIR/src"
link_it && source_and_header "links"

# Precompiled headers: gcc tells nobody what was in one.
project gch 'gcc -O2 -g -MMD -include inc/deep/pre.h'
gcc -O2 -g -x c-header -c "$DIR/inc/deep/pre.h" -o "$DIR/inc/deep/pre.h.gch" || fail "no precompiled header"
link_it && source_and_header "gcc, -include"
jq --arg dir "$DIR" '. + [{directory: $dir, file: "inc/deep/pre.h", output: "inc/deep/pre.h.gch",
	command: "gcc -O2 -g -x c-header -c inc/deep/pre.h -o inc/deep/pre.h.gch"}]' "$DIR/compile_commands.json" >"$DIR/more.json" &&
	mv "$DIR/more.json" "$DIR/compile_commands.json"
verdict "gcc, with the header's own command" 'patch *:price'
project first 'gcc -O2 -g -MMD -Iinc'
sed -i '1i #include "deep/pre.h"' "$DIR/src/shop.c"
gcc -O2 -g -x c-header -c "$DIR/inc/deep/pre.h" -o "$DIR/inc/deep/pre.h.gch" || fail "no precompiled header"
link_it && source_and_header "gcc, the first include"
# Meson keeps it in a folder of the build, away from its header, and includes it by that folder.
project apart 'gcc -O2 -g -MMD -Iparts -fpch-preprocess -include pre.h'
mkdir "$DIR/parts"
gcc -O2 -g -x c-header -c "$DIR/inc/deep/pre.h" -o "$DIR/parts/pre.h.gch" || fail "no precompiled header"
link_it
jq --arg dir "$DIR" '. + [{directory: $dir, file: "inc/deep/pre.h", output: "parts/pre.h.gch",
	command: "gcc -O2 -g -x c-header -c inc/deep/pre.h -o parts/pre.h.gch"}]' "$DIR/compile_commands.json" >"$DIR/more.json" &&
	mv "$DIR/more.json" "$DIR/compile_commands.json"
source_and_header "gcc, as Meson has it"
# A class with its vtable elsewhere is only described in it as far as the release build wanted it.
project derived 'g++ -O2 -g -MMD -include inc/deep/pre.h'
sed -i 's/^struct item.*/#include <stdexcept>\n&\nstruct failure : std::runtime_error {\n\tusing runtime_error::runtime_error;\n\tint code = 7;\n};/' \
	"$DIR/src/shop.h"
sed -i 's/^sold +=/if (sum == 99)\n\t\tthrow failure("odd");\n&/' "$DIR/src/shop.c"
g++ -O2 -g -x c++-header -c "$DIR/inc/deep/pre.h" -o "$DIR/inc/deep/pre.h.gch" || fail "no precompiled header"
link_it -Wl,--no-as-needed -lstdc++
edit src/shop.c 's/sum == 99/sum == 98/'
verdict "a class that the precompiled header has" 'patch changed:_Z5price*'
edit src/shop.h 's/int code = 7;/int kind = 1; &/'
verdict "its layout" 'refused *LAYOUT_CHANGED: struct failure*'

if command -v clang >/dev/null; then
	project pch 'clang -O2 -g -MMD -Xclang -include-pch -Xclang inc/deep/pre.h.pch -Xclang -include -Xclang inc/deep/pre.h'
	clang -O2 -g -x c-header "$DIR/inc/deep/pre.h" -o "$DIR/inc/deep/pre.h.pch" || fail "no precompiled header"
	link_it && source_and_header "clang, as CMake has it"
	sed -i 's,-Xclang -include-pch.*pre.h -c,-include-pch inc/deep/pre.h.pch -c,' "$DIR/compile_commands.json"
	source_and_header "clang, -include-pch"
	cp "$DIR/inc/deep/pre.h.pch" "$DIR/other.pch"
	sed -i 's,inc/deep/pre.h.pch,other.pch,' "$DIR/compile_commands.json"
	verdict "clang, of another name" 'refused UNSUPPORTED: * precompiled header, which holds headers as they were*'
	edit src/shop.c 's/return half(sum) + sold/return half(sum) + sold + 1000/'
	verdict "clang, of another name, the source" 'patch changed:price'
fi

# What stands before the compiler, and options in a file.
project wrapped 'SHOP=1 env TWICE=2 nice -n 1 gcc @"opt ions.rsp"'
printf '%s\n' '-O2 "-DWORDS=a b"' >"$DIR/opt ions.rsp"
link_it && source_and_header "wrappers and a response file"

# A compiler by another name takes the options that it knows.
if command -v clang >/dev/null; then
	printf '#!/bin/sh\nexec clang -fno-strict-aliasing "$@"\n' >"$WORK/compile"
	chmod +x "$WORK/compile"
	ln -s "$(command -v clang)" "$WORK/cc"
	project script "$WORK/compile -O2 -g"
	link_it && source_and_header "a script that is clang"
	project named "$WORK/cc -O2 -g"
	link_it && source_and_header "a cc that is clang"
	# Counts of calls, with relocations for the linker alone: what clang knows from a profile.
	project counted 'clang -O2 -g'
	printf '__asm__(".cg_profile price, price, 7");\n' >>"$DIR/src/shop.c"
	link_it && source_and_header "counts of calls"
fi

# Layouts are seen in whatever form production has its debug information.
for flags in '-g -gsplit-dwarf' '-g -fdebug-types-section' '-gdwarf-2 -gstrict-dwarf' '-g1 -gz' '-g -ffile-prefix-map=/='; do
	project "layout${flags//[^a-z0-9]/}" "gcc -O2 $flags"
	link_it
	edit src/shop.h 's/int cost; int count;/int count; int cost;/'
	verdict "layout, $flags" 'refused *LAYOUT_CHANGED: struct item changes layout*c*o*unt 4->0*'
done

# A new function has no place in the compiler's list of prepared entries: nobody looks for it there.
project prepared 'gcc -O2 -fpatchable-function-entry=16,11'
link_it
edit src/shop.c 's/^static int sold;/&\n__attribute__((noinline)) static int twice(int of) { return of * 2; }/; s/return half(sum)/return twice(sum)/'
verdict "prepared entries" 'patch changed:price new:twice'
project unloaded 'gcc -O2'
for way in -static -static-pie; do
	link_it "$way"
	edit src/shop.c 's/return half(sum)/return 1 + half(sum)/'
	verdict "linked with $way" 'refused UNSUPPORTED: target-shop is linked statically: *'
done

# lld gives one place to constants that are the same: one that changes is another one from now on.
if command -v ld.lld >/dev/null && command -v clang >/dev/null; then
	for name in steps strides; do
		project "folded-$name" 'clang -O2 -ffunction-sections -fdata-sections'
		cat >>"$DIR/src/shop.c" <<-'END'
			static const int steps[5] = {11, 22, 33, 44, 55};
			int step(int which)
			{
				return steps[which];
			}
		END
		sed "s/steps/$name/; s/\<step\>/stride/; s/\[which\]/[which] + 1/" "$DIR/src/shop.c" |
			sed '1,/^}/d' >"$DIR/src/stride.c"
		UNITS+=(src/stride.c)
		link_it -fuse-ld=lld -Wl,--icf=all
		is "$name: in one place" 2 "$(nm "$DIR/target-shop" | grep " r $name\| r steps" | cut -d' ' -f1 | uniq -c | awk '{ print $1 }')"
		edit src/shop.c 's/44, 55/44, 66/'
		verdict "$name lies where steps does" 'patch changed:step'
	done
else
	printf 'note  no lld, or no clang, here\n'
fi

# One sentence each.
refused() {     # OPTION
	project "refused${1//[^a-z0-9]/}" "gcc -O2 $1"
	(link_it -Wl,--unresolved-symbols=ignore-all) 2>/dev/null || return
	edit src/shop.c 's/return half/return 1 + half/'
	verdict "$1" "refused UNSUPPORTED: src/shop.c is compiled with $1: *"
}
refused -fsanitize=address
refused -fsanitize=undefined
refused --coverage
refused -mcmodel=large
project trapping 'gcc -O2 -fsanitize=undefined -fsanitize-undefined-trap-on-error'
link_it && source_and_header "checks that trap"
project module 'g++ -std=c++20 -fmodules-ts'
printf '%s\n' 'export module shop;' 'export int price(int value)' '{' '	return value * 3;' '}' >"$DIR/src/shop.cc"
printf '%s\n' 'import shop;' 'int sell(int count)' '{' '	return price(count);' '}' 'int main(int count, char **) { return sell(count); }' \
	>"$DIR/src/main.cc"
UNITS=(src/shop.cc src/main.cc)
if link_it; then
	edit src/shop.cc 's/value \* 3/value * 4/'
	verdict "a module" 'refused UNSUPPORTED: src/shop.cc is the interface of a C++20 module*'
	edit src/main.cc 's/return price(count)/return price(count) + 1/'
	verdict "who imports it" 'patch changed:_Z4selli*'
fi

# What configure makes a source from.
project configured 'gcc -O2'
cp "$DIR/src/shop.c" "$DIR/src/shop.c.in"
link_it
edit src/shop.c.in 's/return half(sum)/return 1 + half(sum)/'
verdict "what a source is made from" 'refused UNSUPPORTED: src/shop.c.in is not compiled itself, but shop.c is made from it*'

totals
