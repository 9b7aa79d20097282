# Makes a man page's source (scdoc(5)) from a page of docs/, so that each is written once:
#
#   awk -v title='suture-limits(7)' -v name='suture-limits - what …' -f page.awk LIMITS.md | scdoc
#
# Understands what our pages use: headings, paragraphs, lists of one level, tables, fenced and
# indented code, **bold**, *emphasis*, `code`, [text](link) (the text stays). Lines of one paragraph
# are joined, since scdoc's formatting ends with the line.

# One piece of text, its marks translated and everything else made literal.
function inline(text,   out, i, c, bold, code, emphasis) {
	# links: their text; pages are named in SEE ALSO
	while (match(text, /\[[^][]*\]\([^()]*\)/)) {
		c = substr(text, RSTART + 1, RLENGTH - 1)
		sub(/\]\(.*$/, "", c)
		text = substr(text, 1, RSTART - 1) c substr(text, RSTART + RLENGTH)
	}
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (c == "`") {
			code = !code
			if (!bold && !emphasis)
				out = out "*"
		} else if (!code && substr(text, i, 2) == "**") {
			bold = !bold
			out = out "*"
			i++
		} else if (!code && !bold && c == "*" && (emphasis || substr(text, i + 1, 1) ~ /[A-Za-z]/)) {
			emphasis = !emphasis
			out = out "_"
		} else if (c ~ /[\\*_~<>#.+\[\]|:-]/) {
			out = out "\\" c
		} else {
			out = out c
		}
	}
	return out
}

function flush() {
	if (block == "text")
		print inline(text) "\n"
	else if (block == "item")
		print mark " " inline(text)
	block = text = ""
}

function end_list() { if (listed) print ""; listed = 0 }
function end_table() { if (rows) print ""; rows = 0 }

function table_row(line,   cells, count, i) {
	sub(/^\|/, "", line)
	sub(/\|[ \t]*$/, "", line)
	gsub(/\\\|/, "\001", line)
	count = split(line, cells, "|")
	if (line ~ /^[-| :]+$/)
		return
	for (i = 1; i <= count; i++) {
		gsub(/^[ \t]+|[ \t]+$/, "", cells[i])
		gsub(/\001/, "|", cells[i])
		print (i > 1 ? ":" : rows ? "|" : "[") (rows ? " " : i < count ? "[" : "<") " " inline(cells[i])
	}
	rows++
}

BEGIN { printf "%s\n\n# NAME\n\n%s\n\n# DESCRIPTION\n\n", title, name }

/^```/ {
	flush(); end_list(); end_table()
	fenced = !fenced
	print fenced ? "```" : "```\n"
	next
}
fenced { print; next }

/^    / && block == "" && !rows {       # indented code
	end_list()
	if (!indented)
		print "```"
	indented = 1
	print substr($0, 5)
	next
}
indented && /^[ \t]*$/ { blank++; next }
indented { print "```\n"; indented = blank = 0 }

/^# / { next }                          # the page's own title
/^##+ / {
	flush(); end_list(); end_table()
	deeper = /^###/
	sub(/^#+ /, "")
	gsub(/`/, "")
	print (deeper ? "## " : "# ") (deeper ? $0 : toupper($0)) "\n"
	next
}
/^\|/ { if (!rows) { flush(); end_list() } table_row($0); next }
/^[ \t]*$/ { flush(); end_table(); next }
/^[-*] / || /^[0-9]+\. / {
	flush()
	mark = /^[0-9]/ ? "." : "-"
	sub(/^([-*]|[0-9]+\.) /, "")
	block = "item"
	listed = 1
	text = $0
	next
}
{
	sub(/^[ \t]+/, "")
	if (block == "") {
		end_list()
		block = "text"
		text = $0
	} else {
		text = text " " $0
	}
}
END {
	flush(); end_list(); end_table()
	if (indented)
		print "```\n"
	print "# SEE ALSO\n\n*suture*(1), *suture-build*(1), *libsuture*(3), *suture-authoring*(7), *suture-limits*(7), *suture-handover*(7)"
}
