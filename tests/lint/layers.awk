# Who may include whom: reads C files, complains about includes that go the
# wrong way.  shm/ and proto/ are leaves, and what of libkv reads locally sees
# both; kv sees of libkv its public header alone; inside server/ an include
# points downward, and roles are strangers to each other.

# Whose file of server/ this is: "config_parse.c" lives where "config" does.
function owner_of(path,	name)
{
	name = path
	sub(/^server\//, "", name)
	sub(/\..*/, "", name)
	while (!(name in floor) && name ~ /_/)
		sub(/_[^_]*$/, "", name)
	if (!(name in floor))
		bad(path " is on no floor: give it one in tests/lint/layers.awk")
	return name
}

function floor_of(path)
{
	return floor[owner_of(path)]
}

function on(number, names,	list, i)
{
	for (i = split(names, list); i > 0; i--)
		floor[list[i]] = number
}

function bad(what)
{
	if (!((FILENAME, what) in told))
		printf "%s:%d: %s\n", FILENAME, FNR, what
	told[FILENAME, what] = 1
	status = 1
}

function folder(path)
{
	sub(/\/[^\/]*$/, "", path)
	return path
}

# May a file of this folder include that path?
function is_allowed(from, path)
{
	if (from == "shm" || from == "proto")
		return folder(path) == from
	if (FILENAME ~ /^proto\/client\/kv_/)
		return path ~ /^proto\/client\/kv(_[a-z0-9_]*)?\.(h|def)$/
	if (FILENAME ~ /^proto\/client\/map/ && folder(path) == "shm")
		return 1
	if (from == "proto/client")
		return folder(path) ~ /^proto(\/client)?$/ &&
		    path !~ /^proto\/client\/kv_/
	if (from == "server")
		return folder(path) ~ /^(shm|proto|server)$/
	return 1
}

BEGIN {
	ROLES = 4
	on(5, "kvd")
	on(ROLES, "master worker cleaner walwriter cluster admin")
	on(3, "conn accept listen")
	on(2, "command redis info debug stream subscribe link channel")
	on(2, "keyspace tracking")
	on(1, "store strays session shard_names")
	on(0, "role config route options log daemon privileges notify pidfile")
	on(0, "children control instance reload clock inbuf peer restart")
	on(0, "upgrade lastwords crash poison process wake agreed live roster")
	on(0, "event")
}

/^#[ \t]*include[ \t]*"/ {
	path = $0
	gsub(/^[^"]*"|".*$/, "", path)
	from = folder(FILENAME)
	if (path !~ /\//)
		bad("\"" path "\" is not relative to the root")
	else if (!is_allowed(from, path))
		bad(from " must not include " path)
	if (from != "server" || folder(path) != "server")
		next
	here = floor_of(FILENAME)
	there = floor_of(path)
	if (there > here)
		bad(path " is above us")
	else if (there == ROLES && here == ROLES &&
	    owner_of(FILENAME) != owner_of(path))
		bad("a role includes another: " path)
}

END { exit status }
