#!/usr/bin/env bash
# The drop-ins for systemd in docs/examples do what they say: systemd takes them, and their lines, run as
# systemd would run them, put the agent and what is installed into a service. docs/OPERATING.md shows the same lines.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

EXAMPLES=$ROOT/docs/examples/systemd
LIBRARY=/usr/lib/x86_64-linux-gnu/libsuture.so

# Directives, also those that are proposed in comments.
directives() { grep -oE '^#?[A-Z][A-Za-z]+=.*' "$1" | sed 's/^#//'; }
for file in "$EXAMPLES"/*.conf; do
	name=$(basename "$file")
	while read -r line; do
		check "$name in docs/OPERATING.md: $line" grep -qF -- "${line#Environment=}" "$ROOT/docs/OPERATING.md"
	done < <(directives "$file")
done

printf -- '-- systemd takes them\n'
if command -v systemd-analyze >/dev/null 2>&1; then
	for file in "$EXAMPLES"/*.conf; do
		name=$(basename "$file" .conf)
		units=$WORK/units-$name
		mkdir -p "$units/arena.service.d"
		printf '[Unit]\nDescription=x\n[Service]\nType=exec\nExecStart=%s\n' "$ARENA_SERVER" >"$units/arena.service"
		{ grep -E '^(\[|#.*=|[A-Z])' "$file" | grep -vE '^# ' | sed 's/^#//'; } | sed "s|/usr/bin/suture|$SUTURE|" >"$units/arena.service.d/suture.conf"
		# It names what it does not understand, and goes on.
		SYSTEMD_UNIT_PATH=$units: systemd-analyze verify --man=no "$units/arena.service" >"$WORK/verify" 2>&1
		if grep -E 'arena|suture' "$WORK/verify"; then
			fail "systemd-analyze verify: $name"
		else
			pass "systemd-analyze verify: $name"
		fi
	done
	printf 'NoSuch=1\n' >>"$units/arena.service.d/suture.conf"
	SYSTEMD_UNIT_PATH=$units: systemd-analyze verify --man=no "$units/arena.service" >"$WORK/verify" 2>&1
	check "what it would not take is named" grep -q NoSuch "$WORK/verify"
else
	printf 'note  no systemd-analyze here: not asked\n'
fi

printf -- '-- as systemd would run them\n'
build_target_patch startup startup || { totals; exit 1; }
export SUTURE_DIR=$WORK/dir
step "install" 0 '.changed' install "$WORK/startup.so"
# service VAR=VALUE…: the service; then its ExecStartPost= lines, which see $MAINPID
service() {
	# shellcheck disable=SC2034  # target() reads it
	ENVIRONMENT=(LD_PRELOAD= SUTURE_DIR="$SUTURE_DIR" "$@")
	target startup
	says "it runs" other 11
}
post() {
	local line command
	while read -r line; do
		command=${line#*=}
		command=${command#-} command=${command#+}
		command=${command/#\/usr\/bin\/suture /$SUTURE }
		# systemd puts variables in, as words of their own.
		MAINPID=$PID bash -c "$command" >"$WORK/post" 2>&1
		is "$line" 0 $?
	done < <(directives "$1" | grep '^ExecStartPost=')
}
service
says "as it was built" value 2
post "$EXAMPLES/attach.conf"
says "attached, and what is installed applied" value 101
step "it serves" 0 '.patches == 1' status -p "$PID"
target_end
mapfile -t VARIABLES < <(grep '^Environment=' "$EXAMPLES/preload.conf" | sed "s/^Environment=//; s|$LIBRARY|$SUTURE_AGENT|")
is "variables" 1 "${#VARIABLES[@]}"
service "${VARIABLES[@]}"
says "preloaded: in force from main() on" first "101 2"
target_end
# With what is proposed for a service that is not root: %N is the unit's name.
mkdir -m 700 "$WORK/suture-arena"
service "${VARIABLES[@]}" "SUTURE_SOCKET=$WORK/suture-arena/"
until_true "its agent" serves "$PID"
check "its socket" test -S "$WORK/suture-arena/$PID.sock"
target_end
totals
