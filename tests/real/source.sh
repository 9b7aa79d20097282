# Debian's source packages, for the tests of real programs; sourced, never run. Uses lib.sh.
# shellcheck shell=bash

# The machine's own Debian sources with "deb" turned into "deb-src", in a configuration of our own:
# nothing of the machine's apt is changed, and no root is needed. Only entries of the running release.
private_apt() {     # FOLDER, made anew
	local apt=$1 codename file
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	[ -n "$codename" ] || skip "not a Debian release: /etc/os-release names no codename"
	rm -rf "$apt"
	mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -r "$file" ] || continue
		awk -v code="$codename" '/^deb(-src)?[ \t]/ {
			sub(/^deb(-src)?/, "deb-src")
			suite = $2 ~ /^\[/ ? "" : $3
			if (suite == "") { i = 2; while (i < NF && $i !~ /\]$/) i++; suite = $(i + 2) }
			if (suite == code || index(suite, code "-") == 1) print
		}' "$file"
	done | sort -u >"$apt/parts/one-line.list"
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -r "$file" ] || continue
		# one stanza at a time; comments inside would end up in the middle of fields, so they go
		sed '/^#/d' "$file" | awk -v code="$codename" 'BEGIN { RS = ""; FS = "\n" } {
			keep = off = 0
			for (i = 1; i <= NF; i++) {
				if (tolower($i) ~ /^enabled:[ \t]*no/) off = 1
				if (tolower($i) !~ /^suites:/) continue
				n = split($i, s, /[ \t]+/)
				for (j = 2; j <= n; j++) if (s[j] == code || index(s[j], code "-") == 1) keep = 1
			}
			if (!keep || off) next
			for (i = 1; i <= NF; i++) { sub(/^[Tt]ypes:.*/, "Types: deb-src", $i); print $i }
			print ""
		}'
	done >"$apt/parts/stanzas.sources"
	[ -s "$apt/parts/one-line.list" ] || [ -s "$apt/parts/stanzas.sources" ] ||
		skip "no apt sources of Debian $codename on this machine"
	APT=(-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/parts"
		-o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=
		-o Acquire::Retries=5 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30)
}

# fetch_source PACKAGE VERSION FOLDER [FILE]: VERSION is upstream's. Puts the package's files into FOLDER, all
# or none. With FILE a failure is none when that file came: of some packages a mirror has no more than the
# upstream archive. That each file is Debian's, apt has checked.
fetch_source() {
	local package=$1 version=$2 folder=$3 file=${4:-} log=$WORK/apt.log full
	say "$package: fetching Debian's sources"
	private_apt "$folder.apt"
	timeout 300 apt-get "${APT[@]}" update >"$log" 2>&1 ||
		{ tail -n 5 "$log" >&2; skip "no network, or no source packages: apt-get update failed"; }
	full=$(apt-cache "${APT[@]}" showsrc --only-source "$package" 2>>"$log" |
		sed -nE "s/^Version: (([0-9]+:)?$version-.*)/\\1/p" | sort -V | tail -n 1)
	[ -n "$full" ] || { grep -i -m5 -E '^(err|w:|e:)' "$log" >&2
		skip "Debian's sources here hold no $package $version (no network, or another release)"; }
	rm -rf "$folder.new"
	mkdir -p "$folder.new"
	if ! (cd "$folder.new" && timeout 300 apt-get "${APT[@]}" source --download-only "$package=$full") >>"$log" 2>&1; then
		if [ -z "$file" ] || [ ! -s "$folder.new/$file" ]; then
			tail -n 5 "$log" >&2
			skip "download of $package $full failed"
		fi
	fi
	rm -rf "$folder"
	mv "$folder.new" "$folder"
	rm -rf "$folder.apt"     # 10 MB that the next run has no use for
}
