# Seeds one fault of the list: writes the sources it changes below the folder
# `out`, and prints their names.  The list is told in the list.  A text that
# is not there exactly once is an error, so the list cannot rot unnoticed.

function fail(what)
{
	print name ": " what >"/dev/stderr"
	failed = 1
	exit 1
}

function read_source(path,	line, text)
{
	while ((getline line <path) > 0)
		text = text line "\n"
	close(path)
	if (text == "")
		fail("no such source: " path)
	return text
}

# What stands in the list as one change: `old` becomes `new`.
function replace(	text, at, rest)
{
	if (old == "" && new == "")
		return
	if (old == "" || path == "")
		fail("a change of nothing")
	text = source[path]
	at = index(text, old)
	rest = substr(text, at + length(old))
	if (at == 0 || index(rest, old) != 0)
		fail("not there exactly once in " path ":\n" old)
	source[path] = substr(text, 1, at - 1) new rest
	old = new = ""
}

/^#/ { next }
/^$/ { inside = 0 }
/^[a-z]/ { inside = $1 == name; found += inside }
!inside { next }
/^@ / {
	replace()
	path = $2
	if (!(path in source))
		source[path] = read_source(path)
}
/^-/ {
	if (new != "")
		replace()
	old = old substr($0, 2) "\n"
}
/^\+/ { new = new substr($0, 2) "\n" }

END {
	if (failed)
		exit 1
	if (found != 1)
		fail("not on the list exactly once")
	replace()
	for (path in source) {
		target = out "/" path
		if (system("mkdir -p " out "/shm") != 0)
			exit 1
		printf "%s", source[path] >target
		print path
	}
}
