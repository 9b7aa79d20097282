#!/usr/bin/env bash
# The .deb in a root file system that is made for it: what it depends on comes with it, and it runs
# from there: attach, apply, revert.
. "$(dirname -- "${BASH_SOURCE[0]}")/../e2e/lib.sh"
VERSION=${SUTURE_VERSION:?}
need cpack dpkg-deb mmdebstrap
[ "$(id -u)" -eq 0 ] || skip "a root file system is made by root"

(cd "$WORK" && cpack -G DEB --config "$BUILD_DIR/CPackConfig.cmake" -B "$WORK/packages") >"$WORK/cpack.txt" 2>&1 ||
	{ cat "$WORK/cpack.txt"; exit 1; }
DEB=$(echo "$WORK"/packages/*.deb)
check "one package" test -f "$DEB"
is "its name" suture "$(dpkg-deb -f "$DEB" Package)"
is "its version" "$VERSION" "$(dpkg-deb -f "$DEB" Version)"
depends=$(dpkg-deb -f "$DEB" Depends)
for library in libc6 libelf1 libdw1; do
	matches "it depends on $library" "*$library*" "$depends"
done

# The sources of packages are this system's own.
CLEAN=$WORK/root
mmdebstrap --quiet --mode=root --variant=apt --include="$DEB" --include=procps \
	--hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount bookworm "$CLEAN" >"$WORK/mmdebstrap.txt" 2>&1 || {
	tail -n 20 "$WORK/mmdebstrap.txt"
	grep -qiE 'fail.*fetch|resolve|connection' "$WORK/mmdebstrap.txt" && skip "no Debian packages can be fetched here"
	fail "the package does not install in a clean root"
	totals
	exit 1
}

# ---- in there: a program that nobody prepared is attached to, patched, and patched back -----------

build_target_patch calls calls
cp "$TARGET_BIN/target-calls" "$WORK/calls.so" "$CLEAN/root/"
cat >"$CLEAN/root/scenario.sh" <<'END'
cd /root
mkfifo to from
./target-calls <to >from &
pid=$!
exec 3>to 4<from
ask() { echo "$1" >&3; read -r answer <&4; echo "$1: $answer"; }
suture --version
suture attach $pid -q && echo attached
ask now
suture apply calls.so -p $pid -q && echo applied
ask now
suture revert calls -p $pid -q && echo reverted
ask now
exec 3>&- 4<&-
wait $pid
echo "ended $?"
END
unshare --mount --pid --fork --mount-proc="$CLEAN/proc" chroot "$CLEAN" sh /root/scenario.sh >"$WORK/scenario.txt" 2>&1
is "from install to revert" "suture $VERSION|attached|now: old|applied|now: new|reverted|now: old|ended 0" \
	"$(paste -sd '|' "$WORK/scenario.txt")"
is "manual pages are there" "$(ls "$BUILD_DIR"/docs/man/*.[137] | wc -l)" "$(dpkg-deb -c "$DEB" | grep -cE '/man[137]/.*\.[137](\.gz)?$')"
totals
