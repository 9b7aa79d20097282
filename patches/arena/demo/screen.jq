# The upper part of the demo's screen from the players' status: a map of room 0, figures, two strips.
# Arguments: $style (blocks or ascii), $applied (yes or no), $columns.

def blocks: $style == "blocks";
def ms: . / 100 | round / 10 | "\(.)" | if test("[.]") then . else . + ".0" end + " ms";
def pad($n): . + (" " * ([$n - length, 0] | max));
def color($code): if blocks then "\u001b[\($code)m\(.)\u001b[0m" else . end;

# ---- the map: two of its rows in one line ----

def cells: # a room's map as rows of # . and o for players
	[.positions[] | select(.room == 0) | {key: "\(.x),\(.y)", value: true}] | from_entries;
def cell($players; $x; $y; $rows):
	if $players["\($x),\($y)"] then "o" else ($rows[$y] // "")[$x:$x + 1] end;
def shade: if . == "o" then "226" elif . == "#" then "240" else "234" end;
def pair($top; $bottom):
	if blocks then "\u001b[38;5;\($top | shade);48;5;\($bottom | shade)m▀"
	elif $top == "o" or $bottom == "o" then "o"
	elif $top == "#" or $bottom == "#" then "#"
	else "." end;
def map_lines:
	cells as $players | .map as $rows | ($rows[0] | length) as $width
	| [range(0; $rows | length; 2) as $y
		| ([range(0; $width) as $x
			| pair(cell($players; $x; $y; $rows); cell($players; $x; $y + 1; $rows))] | add)
		+ (if blocks then "\u001b[0m" else "" end)];

# ---- figures beside it ----

def figures:
	[ "\(.players) players, \(.lost) lost",
	  "\(.requests) answers, \(.wrong) wrong",
	  "",
	  "answer in   \(.latency_us.p50 | ms), 99 %: \(.latency_us.p99 | ms)",
	  "longest gap \(.tick.server_gap_since_reset_us | ms) between ticks",
	  "",
	  "patch       " + (if $applied == "yes" then ("applied" | color("1;32")) else "none" end),
	  "the cheat   " + (if .exploit.present == true then ("works" | color("31"))
		elif .exploit.present == false then ("fails" | color("32")) else "-" end) ];

# ---- strips: a bar for an eighth of a second, as many as there is room for ----

def bar($low; $high):
	((. - $low) / ($high - $low) * 8 | floor | if . < 0 then 0 elif . > 7 then 7 else . end) as $i
	| if blocks then "▁▂▃▄▅▆▇█"[$i:$i + 1] else "_.:-=+*#"[$i:$i + 1] end;
def strip($name; $low; $high; values):
	[values][-([$columns - 26, 8] | max):] as $all
	| ($name | pad(10)) + (($all | map(bar($low; $high)) | add // "") | color("36"))
		+ "  max " + ($all | max // 0 | ms);

map_lines as $map | figures as $figures
| ($columns - 2 | if . > 78 then 78 else . end) as $rule
| ([range(0; $map | length) as $i | " " + $map[$i] + "  " + ($figures[$i] // "")]
	+ [ strip(" answers"; 0; 20000; .strip[].latency_us),
	    strip(" ticks"; 40000; 120000; .strip[].gap_us),
	    ((if blocks then "─" else "-" end) * $rule | color("2")) ])[]
