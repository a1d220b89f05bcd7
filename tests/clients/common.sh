# What the clients of a shell have in common.
# shellcheck shell=bash
set -u

: "${KVD_PORT:?}" "${tmp:?}"

need()				# a program
{
	command -v "$1" >/dev/null && return
	echo "skipped: $1 is not installed"
	exit 77
}

fail()
{
	echo "$*"
	exit 1
}

# What the command says holds these words.
says()				# words, command ...
{
	local words=$1 out
	shift
	out=$("$@" 2>&1) || fail "$*: $out"
	[[ $out == *"$words"* ]] || fail "$*: $out, and not $words"
}

# And is this, to the last byte.
is()				# text, command ...
{
	local text=$1 out
	shift
	out=$("$@" 2>&1) || fail "$*: $out"
	[ "$out" = "$text" ] || fail "$*: $out, and not $text"
}

find_python()			# with redis-py, of Debian's if it has that; sets python
{
	for python in /usr/bin/python3 python3; do
		"$python" -c 'import redis' 2>/dev/null && return
	done
	return 1
}

need_npm()			# a package, of those that run has installed
{
	need node
	export NODE_PATH=${KVD_NPM:-}/node_modules
	[ -d "$NODE_PATH/$1" ] && return
	echo "skipped: $1 is not installed: npm could not"
	exit 77
}
