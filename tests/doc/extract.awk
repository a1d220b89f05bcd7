# Cut the transcripts out of README.md or an mdoc page: each becomes a file
# DIR/NNN whose first line is "FILE:LINE KIND ARGUMENTS", the rest its text.
# What is not marked must not look like a transcript.  See README.md here.

function bad(what)
{
	printf "%s:%d: %s\n", FILENAME, FNR, what | "cat >&2"
	status = 1
}

function begin(head)
{
	kind = head
	text = ""
	where = FILENAME ":" FNR
	inside = 1
}

function end(	file)
{
	inside = 0
	if (kind == "")
		return
	if (kind !~ /^(console|console background|console nodes|telnet|file [^ ]+)$/) {
		bad("unknown kind of transcript: " kind)
		return
	}
	file = sprintf("%s/%03d", dir, ++blocks)
	printf "%s %s\n%s", where, kind, text >file
	close(file)
}

function add(line)
{
	if (kind == "" && line ~ /^ *\$ /)
		bad("a transcript without a mark: " line)
	text = text line "\n"
}

# The few escapes that a transcript in a page may need.
function unescape(line,	out, at, name)
{
	if (line ~ /^\./)
		bad("a macro inside a transcript: " line)
	while ((at = index(line, "\\")) > 0) {
		out = out substr(line, 1, at - 1)
		line = substr(line, at + 1)
		name = substr(line, 1, line ~ /^\(/ ? 3 : 1)
		line = substr(line, length(name) + 1)
		if (!(name in escapes))
			bad("unknown escape: \\" name)
		out = out escapes[name]
	}
	return out line
}

BEGIN {
	escapes["e"] = escapes["(rs"] = "\\"
	escapes["&"] = ""
	escapes["-"] = "-"
	escapes["(aq"] = "'"
	escapes["(dq"] = "\""
	escapes["(ga"] = "`"
	escapes["(ha"] = "^"
	escapes["(ti"] = "~"
}

FILENAME ~ /\.md$/ && /^ *```/ {
	if (inside)
		end()
	else {
		sub(/^ *```/, "")
		begin($0 ~ /^(console|telnet|file )/ ? $0 : "")
	}
	next
}
FILENAME !~ /\.md$/ && /^\.\\" transcript: / {
	mark = substr($0, 17)
	next
}
FILENAME !~ /\.md$/ && /^\.Bd / {
	begin(mark)
	mark = ""
	next
}
FILENAME !~ /\.md$/ && /^\.Ed/ {
	end()
	next
}
mark != "" { bad("no .Bd follows the mark") ; mark = "" }
inside && FILENAME !~ /\.md$/ && kind != "" {
	if ($0 !~ /^\.\\"/)
		add(unescape($0))
	next
}
inside { add($0) ; next }
/^\.D[1l] \$ / { bad("a transcript without a mark: " $0) }

END {
	if (inside)
		bad("a block without an end")
	exit status
}
