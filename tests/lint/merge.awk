# Merge what the author wrote (old) with what clang-format made of it (new):
# reads the groups of a diff, prints the lines to keep.  See tests/lint/format.
#
#	= first last			lines of old that are equal but for the
#					width of blanks
#	! old-first old-last new-first new-last

function indent(line)
{
	match(line, /^[ \t]*/)
	return substr(line, 1, RLENGTH)
}

function columns(line,	i, n)
{
	for (i = 1; i <= length(line); i++)
		n = substr(line, i, 1) == "\t" ? n + 8 - n % 8 : n + 1
	return n
}

# Without a comment or a backslash at the end.
function code(line)
{
	sub(/[ \t]*(\/\*.*|\\)$/, "", line)
	return line
}

# The text of some lines without their breaks.
function joined(which, first, last,	i, s, line)
{
	for (i = first; i <= last; i++) {
		line = text[which, i]
		sub(/[ \t]*\\$/, "", line)
		s = s " " line
	}
	gsub(/[ \t]+/, " ", s)
	gsub(/\( /, "(", s)
	gsub(/\{ /, "{", s)
	gsub(/ \}/, "}", s)
	gsub(/ ->/, "->", s)
	return s
}

# One statement, continued by four columns, or by four behind tabs.
function is_continued(which, first, last,	i, head, more)
{
	head = indent(text[which, first])
	for (i = first + 1; i <= last; i++) {
		more = indent(text[which, i])
		if (more == head && head ~ /    $/)
			continue
		if (index(more, head) != 1)
			return 0
		if (substr(more, length(head) + 1) !~ /^\t*    $/)
			return 0
	}
	return 1
}

# Rows that all end in a comma, but for the last.
function is_list(which, first, last,	i)
{
	for (i = first; i < last; i++)
		if (code(text[which, i]) !~ /,$/)
			return 0
	return code(text[which, last]) !~ /[;{}]$/
}

# From an opening brace that is not a block's, or down to the closing one.
function is_initialiser(first, last,	i)
{
	if (code(text["old", first]) ~ /(=|^enum.*|\)|return) ?\{$/ &&
	    code(text["old", first]) !~ /\) \{$/)
		return 1
	for (i = first; i < last; i++)
		if (code(text["old", i]) ~ /;$/)
			return 0
	return code(text["old", last]) ~ /\};?$/
}

# The return type on its own line, which clang-format misses where a name is
# a keyword of C++.
function is_definition(first, last)
{
	return last > first && text["old", first + 1] ~ /^[a-z0-9_]+\(/
}

# Is the author's layout of a statement as good as that of clang-format?
function is_good(of, ol, nf, nl,	i)
{
	if (of > ol || joined("old", of, ol) != joined("new", nf, nl))
		return 0
	for (i = of; i <= ol; i++)
		if (columns(text["old", i]) > 80)
			return 0
	if (of == ol && text["old", of] !~ /^\t*    [^ ]/)
		return is_continued("new", nf, nl) || is_list("new", nf, nl)
	if (text["old", of] ~ /^#/ || is_list("old", of, ol) ||
	    is_initialiser(of, ol) || is_definition(of, ol))
		return 1
	return is_continued("old", of, ol) && (nf == nl ||
	    !is_head(text["new", nf]) || depth(text["new", nf]) > 0)
}

# Parentheses that are left open.
function depth(line)
{
	line = code(line)
	return gsub(/\(/, "", line) - gsub(/\)/, "", line)
}

# Of a statement that has a body.
function is_head(line)
{
	return line ~ /^[ \t]*(\} )?(if|else|for|while|do|switch|case|[A-Z_]*FOREACH)/
}

# Where the statement, or the head of one, that begins here ends.
function end_of(which, first, last,	head, open)
{
	head = is_head(text[which, first])
	for (; first < last; first++) {
		open += depth(text[which, first])
		if (text[which, first] ~ /^#.*[^\\]$/ || head && open <= 0 ||
		    code(text[which, first]) ~ /(;|\) \{|else \{|do \{|^[ \t]*\})$/)
			break
	}
	return first
}

function count(which, first, last,	n)
{
	for (; first <= last; n++)
		first = end_of(which, first, last) + 1
	return n
}

function keep(which, first, last)
{
	for (; first <= last; first++)
		print text[which, first]
}

function choose(of, ol, nf, nl)
{
	if (is_good(of, ol, nf, nl))
		keep("old", of, ol)
	else
		keep("new", nf, nl)
}

BEGIN {
	while ((getline line <old) > 0)
		text["old", ++o] = line
	while ((getline line <new) > 0)
		text["new", ++n] = line
}

$1 == "=" { keep("old", $2, $3) }
$1 == "!" {
	of = $2
	nf = $4
	if (count("old", of, $3) == count("new", nf, $5))
		while (of <= $3) {
			ol = end_of("old", of, $3)
			nl = end_of("new", nf, $5)
			choose(of, ol, nf, nl)
			of = ol + 1
			nf = nl + 1
		}
	else
		choose(of, $3, nf, $5)
}
