#!/usr/bin/env bash
# The gate for layouts, sentence by sentence, through the command line: one program in C and one in C++, an
# edit at a time. What live objects would be misread by is refused with both layouts; what can't matter is not.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
need gcc g++ jq diff

# project DIR EXTENSION FLAG…: compiles all of DIR/src
project() {
	local dir=$1 extension=$2 unit driver=gcc objects=()
	shift 2
	[ "$extension" = c ] || driver=g++
	: >"$dir/commands"
	for unit in "$dir"/src/*."$extension"; do
		unit=$(basename "$unit" ".$extension")
		(cd "$dir" && "$driver" "$@" -c "src/$unit.$extension" -o "$unit.o") || die "no $unit.o"
		objects+=("$unit.o")
		jq -n --arg dir "$dir" --arg unit "$unit" --arg command "$driver $*" --arg extension "$extension" \
			'{directory: $dir, command: "\($command) -c src/\($unit).\($extension) -o \($unit).o",
			  file: "src/\($unit).\($extension)", output: "\($unit).o"}' >>"$dir/commands"
	done
	jq -s . "$dir/commands" >"$dir/compile_commands.json"
	(cd "$dir" && "$driver" -Wl,--build-id -o game "${objects[@]}") || die "no game"
	DIR=$dir
}

# edit TEXT EXPECTED COMMAND…: the commands change a copy of src. EXPECTED: "patch FUNCTION…", "nothing", or
# a pattern for "CODE: message"
edit() {
	local text=$1 expected=$2 got
	rm -rf "$WORK/a" "$WORK/b"
	cp -r "$DIR/src" "$WORK/a" && cp -r "$DIR/src" "$WORK/b"
	(cd "$WORK/b" && eval "$3") || die "$text: cannot edit"
	(cd "$WORK" && diff -ru a b) >"$WORK/edit.diff"
	[ -s "$WORK/edit.diff" ] || fail "$text: the edit changes nothing"
	suture build -C "$DIR" --source "$DIR/src" --binary "$DIR/game" -o "$WORK/edit.so" --name edit "$WORK/edit.diff"
	got=$(j 'if .result == "patch" then "patch " + ([.functions[] | select(.kind != "new") | .name] | sort | join(" "))
		elif .result == "nothing" then "nothing"
		else [.refusals[]?, .error // empty | .code + ": " + .message] | join("; ") end' | tr -s ' \n\t' ' ')
	matches "$text" "$expected" "${got% }"
}
layout() { edit "$1" "*LAYOUT_CHANGED: *$2*" "$3"; }

mkdir -p "$WORK/c/src" "$WORK/cpp/src"
cat >"$WORK/c/src/game.h" <<'END'
enum mode { IDLE, WALK, FIGHT };
union cell {
	unsigned word;
	char text[6];
};
struct place {
	short x, y;
};
struct player {
	unsigned char kind;
	unsigned id;
	unsigned short level;
	unsigned long score;
	unsigned low : 5;
	unsigned high : 9;
	enum mode mode;
	union cell cell;
	struct place place;
	int items[4];
	unsigned (*act)(struct player *p, unsigned by);
};
struct unused {
	int a;
};
extern struct player players[3];
unsigned hit(struct player *p, unsigned by);
unsigned heal(struct player *p, unsigned by);
END
cat >"$WORK/c/src/play.c" <<'END'
#include "game.h"
struct player players[3] = {{.kind = 1, .id = 2, .level = 3}, {.act = heal}};
static __attribute__((noinline)) unsigned scaled(unsigned by)
{
	return by * 3;
}
unsigned hit(struct player *p, unsigned by)
{
	p->level += by;
	p->score += scaled(by);
	p->low = by;
	p->mode = WALK;
	return p->level;
}
unsigned heal(struct player *p, unsigned by)
{
	p->cell.word -= by;
	p->items[by & 3]++;
	return p->kind + scaled(by + 1);
}
END
cat >"$WORK/c/src/main.c" <<'END'
#include <stdio.h>
#include "game.h"
int main(void)
{
	printf("%u %u\n", hit(&players[0], 4), heal(&players[1], 2));
	return players[2].place.x;
}
END
project "$WORK/c" c -O1 -g

H=game.h
layout "a field added" 'struct player*' "sed -i 's/unsigned long score;/unsigned long score, spare;/' $H"
matches "both layouts, with offsets and lines" '*score*8*16*game.h:*' "$(j '.refusals[0].message, .refusals[0].file + ":" + (.refusals[0].line | tostring)' | tr -s ' \n' ' ')"
layout "a field removed" 'struct player*' "sed -i '/struct place place;/d' $H; sed -i 's/place.x/kind/' main.c"
layout "fields exchanged" 'struct player*' "sed -i '/unsigned id;/d; s/unsigned long score;/unsigned long score; unsigned id;/' $H"
layout "a field grown" 'struct player*level*' "sed -i 's/unsigned short level/unsigned level/' $H"
layout "a field shrunk in place" 'struct player*' "sed -i 's/unsigned long score/unsigned score/' $H"
layout "a field retyped" 'struct player*id*' "sed -i 's/unsigned id/float id/' $H"
layout "an array longer" 'struct player*items*' "sed -i 's/items.4./items[5]/' $H; sed -i 's/by . 3/by % 5/' play.c"
edit "an array longer by what was padding, in no code" nothing "sed -i 's/items.4./items[5]/' $H"
layout "an enumerator inserted" 'enum mode*' "sed -i 's/IDLE, /IDLE, RUN, /' $H"
layout "enumerators exchanged" 'enum mode*' "sed -i 's/IDLE, WALK/WALK, IDLE/' $H"
layout "a bit-field wider" 'struct player*low*' "sed -i 's/low : 5/low : 7/' $H"
layout "a union grown" '*union cell*' "sed -i 's/text.6./text[12]/' $H"
layout "a union's member retyped" '*union cell*' "sed -i 's/unsigned word/float word/; ' $H"
layout "a structure inside grown" '*struct place*' "sed -i 's/short x, y/short x, y, z/' $H"
layout "resized for one function only" '*union cell*' "sed -i 's/text.6./text[12]/' $H; sed -i 's/by \* 3/by * 4/' play.c"
edit "another signature, called from another file through a declaration" '*heal*' "sed -i 's/heal(struct player \*p, unsigned by)/heal(struct player *p, unsigned long by)/' $H play.c"
edit "a type added" nothing "sed -i 's/^struct unused/struct more {\n\tint b;\n};\nstruct unused/' $H"
edit "a type that nobody uses" nothing "sed -i 's/int a;/int a, b;/' $H"
edit "a type for new code" 'patch heal hit' "sed -i 's/^static __/struct fresh { int a[3]; };\nstatic __/; s/return by \* 3/struct fresh f = {{by, 1}};\n\treturn f.a[by % 3] + by * 5/; ' play.c; sed -i 's/__attribute__((noinline)) //' play.c"
edit "a field renamed" nothing "sed -i 's/level/rank/' $H play.c"
edit "padding used" 'patch hit' "sed -i 's/unsigned char kind;/unsigned char kind, mark;/' $H; sed -i 's/p->mode = WALK;/p->mode = WALK;\n\tp->mark = 1;/' play.c"
edit "an enumerator added behind" 'patch hit' "sed -i 's/FIGHT }/FIGHT, FLY }/' $H; sed -i 's/p->mode = WALK/p->mode = FLY/' play.c"
edit "a typedef for the same type" nothing "sed -i 's/unsigned id;/number id;/; 1i typedef unsigned number;' $H"
edit "parameters of a local function, all callers along" 'patch heal hit *' "sed -i 's/scaled(unsigned by)/scaled(unsigned by, unsigned more)/; s/return by \* 3/return by * 3 + more/; s/scaled(by)/scaled(by, 1)/; s/scaled(by + 1)/scaled(by + 1, 2)/' play.c"
edit "a blank line in the header" nothing "sed -i '1i \\\\' $H"

cat >"$WORK/cpp/src/game.h" <<'END'
struct base {
	int health = 1;
	virtual ~base() {}
	virtual int hit(int by) { return health -= by; }
	virtual int heal(int by) { return health += by; }
};
struct player : base {
	int level = 2;
	static int count;
	int hit(int by) override;
	template <typename T> T twice(T v) { return v + v; }
};
template <typename T> struct box {
	T value;
	int uses;
};
extern box<int> chest;
extern base *everyone[2];
enum class mode : unsigned char { idle, walk };
END
cat >"$WORK/cpp/src/play.cpp" <<'END'
#include "game.h"
int player::count;
box<int> chest;
static mode now = mode::idle;
int player::hit(int by)
{
	count++;
	chest.value += twice(by);
	if (by > 100)
		now = mode::walk;
	return base::hit(by) + level + (now == mode::walk);
}
base *everyone[2] = {new player, new base};
END
cat >"$WORK/cpp/src/main.cpp" <<'END'
#include <cstdio>
#include "game.h"
int main()
{
	for (base *each : everyone)
		std::printf("%d %d\n", each->hit(2), each->heal(1));
	return chest.uses;
}
END
project "$WORK/cpp" cpp -O1 -g -std=c++17

layout "a member of a base class" '*base*' "sed -i 's/int health = 1;/int health = 1, armour = 0;/' $H"
layout "a virtual function inserted" '*base*' "sed -i 's/virtual int hit/virtual int bite(int by) { return by; }\n\tvirtual int hit/' $H"
layout "virtual functions exchanged" '*base*' "sed -i '/virtual int heal/d; s/virtual int hit/virtual int heal(int by) { return health += by; }\n\tvirtual int hit/' $H"
layout "a virtual function added behind" '*base*' "sed -i 's/health += by; }/health += by; }\n\tvirtual int bite(int by) { return by; }/' $H"
layout "a base class added" '*player*' "sed -i 's/struct player : base/struct extra { int more = 0; };\nstruct player : extra, base/' $H"
layout "the order of bases" '*player*' "sed -i 's/struct player : base/struct extra { };\nstruct player : virtual base/' $H"
layout "a template's member" '*box*' "sed -i 's/T value;/T value, last;/' $H"
layout "the type under an enumeration" '*mode*' "sed -i 's/: unsigned char/: int/' $H"
edit "a static member added" nothing "sed -i 's/static int count;/static int count, more;/' $H"
edit "a function added to a class" nothing "sed -i 's/static int count;/static int count;\n\tint own() { return level; }/' $H"
edit "access changed" nothing "sed -i 's/int level = 2;/private:\n\tint level = 2;\npublic:/' $H"
edit "a virtual function's body" 'patch _ZN4base3hitEi*' "sed -i 's/health -= by/health -= by * 2/' $H"
totals
