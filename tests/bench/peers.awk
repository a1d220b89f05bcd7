# The tables of tests/bench/peers: reads "figure TAB number" lines, of which
# each figure has one for each round, and takes their medians.

BEGIN {
	FS = "\t"
	label = sprintf("%g M keys", keys / 1e6)
}

{
	n[$1]++
	value[$1, n[$1]] = $2 + 0
	if (!($1 in median))
		order[++figures] = $1
	median[$1] = 0
}

function sort(name,	i, j, x)
{
	for (i = 2; i <= n[name]; i++) {
		x = value[name, i]
		for (j = i - 1; j > 0 && value[name, j] > x; j--)
			value[name, j + 1] = value[name, j]
		value[name, j + 1] = x
	}
}

function find_medians(	i, name, h)
{
	for (i = 1; i <= figures; i++) {
		name = order[i]
		sort(name)
		h = int((n[name] + 1) / 2)
		median[name] = (value[name, h] + \
		    value[name, n[name] + 1 - h]) / 2
	}
}

function cell(name, format)
{
	return name in median ? sprintf(format, median[name]) : ""
}

function print_costs(	i, who)
{
	print "| CPU of the server for a request, us; requests/s | 1 | 16 " \
	    "| 64 | 1 | 16 | 64 |"
	print "|---|---:|---:|---:|---:|---:|---:|"
	for (i = 1; i <= figures; i++) {
		if (order[i] !~ / 1 us$/)
			continue
		who = order[i]
		sub(/ 1 us$/, "", who)
		printf "| %s | %s | %s | %s | %s | %s | %s |\n", who,
		    cell(who " 1 us", "%.2f"), cell(who " 16 us", "%.2f"),
		    cell(who " 64 us", "%.2f"), cell(who " 1 rate", "%.0f"),
		    cell(who " 16 rate", "%.0f"), cell(who " 64 rate", "%.0f")
	}
	print ""
}

function print_latencies(	i, who)
{
	printf "| latency at %d requests/s, us | p50 | p99 | p99.9 | max |\n",
	    rate
	print "|---|---:|---:|---:|---:|"
	for (i = 1; i <= figures; i++) {
		if (order[i] !~ / p50$/)
			continue
		who = order[i]
		sub(/ p50$/, "", who)
		printf "| %s | %s | %s | %s | %s |\n", who,
		    cell(who " p50", "%.0f"), cell(who " p99", "%.0f"),
		    cell(who " p99.9", "%.0f"), cell(who " max", "%.0f")
	}
	print ""
}

function number(x)
{
	return sprintf(x >= 10000 ? "%.0f" : "%.4g", x)
}

function print_in_process(	i)
{
	print "| in process | |"
	print "|---|---:|"
	for (i = 1; i <= figures; i++)
		if (order[i] ~ /^(shm|local|LMDB|memory)/)
			printf "| %s | %s |\n", order[i],
			    number(median[order[i]])
	print ""
}

# An aim is reached if x is at most, or at least, that much.
function verdict(x, sense, aim,	off)
{
	off = 100 * (sense == "at most" ? x / aim - 1 : 1 - x / aim)
	if (off <= 0)
		return sprintf("reached, by %.0f %%", -off)
	return sprintf("missed by %.0f %%", off)
}

# A figure against another one, or against a number if that has no name.
function aim(what, name, other, format, sense, limit, scale,	x)
{
	if (!(name in median) || (other != "" && !(other in median))) {
		printf "| %s | not measured | %s %s | |\n", what, sense,
		    sprintf(format, limit)
		return
	}
	x = median[name] / (other == "" ? scale : median[other])
	printf "| %s | %s | %s %s | %s |\n", what, sprintf(format, x), sense,
	    sprintf(format, limit), verdict(x, sense, limit)
}

function cost(what, name, other, limit)
{
	aim("CPU: " what, name " us", other " us", "%.2f", "at most", limit)
}

# Of both the best of the same turns, see local.c.
function local(what, limit)
{
	aim("local " what ", of LMDB, " label, "local " what ", " label,
	    "local LMDB get, " label, "%.2f", "at least", limit)
}

function print_aims()
{
	print "| | | aim | |"
	print "|---|---:|---:|---|"
	cost("HGET, of the floor, pipeline 1", "kvd HGET 1",
	    "floor anything 1", 1.15)
	cost("GET of text, of the floor, pipeline 1", "kvd GET of text 1",
	    "floor anything 1", 1.15)
	cost("HGET, of Redis, 16", "kvd HGET 16", "redis HGET 16", 0.45)
	cost("HSET, of Redis, 16", "kvd HSET 16", "redis HSET 16", 0.45)
	cost("GET of text, of Redis's HGET, 16", "kvd GET of text 16",
	    "redis HGET 16", 0.45)
	cost("PUT of text, of Redis's HSET, 16", "kvd PUT of text 16",
	    "redis HSET 16", 0.45)
	cost("HGET, of Redis, 64", "kvd HGET 64", "redis HGET 64", 0.20)
	cost("GET of text, of memcached's get, 16", "kvd GET of text 16",
	    "memcached get 16", 0.15)
	aim("GET of text, of the guide's in Elixir, 16, times as many",
	    "elixir GET of text 16 us", "kvd GET of text 16 us", "%.1f",
	    "at least", 30)
	aim("GET of text, of the guide's in Elixir, 64, times as many",
	    "elixir GET of text 64 us", "kvd GET of text 64 us", "%.1f",
	    "at least", 30)
	cost("HGET, " many " keys, of 10000, 16", "many HGET 16",
	    "kvd HGET 16", 1.5)
	cost("HSET, " many " keys, of 10000, 16", "many HSET 16",
	    "kvd HSET 16", 1.5)
	local("get", 3)
	local("mget of 16", 8)
	local("mget of 64", 8)
	print_contention()
	print_memory()
}

# With one processor there is nothing to compare.
function print_contention(	two)
{
	two = sprintf(", %d processes", processors)
	aim("get, " processors " processes, of one", "shm get" two,
	    "shm get, 1 process", "%.2f", "at least", 0.95 * processors)
	aim("put, " processors " processes, of one", "shm put" two,
	    "shm put, 1 process", "%.2f", "at least", 0.95 * processors)
	aim("put in one bucket in runs of 16, all processes, M/s",
	    "shm put in one bucket in runs of 16" two, "", "%.2f",
	    "at least", 3, 1e6)
}

function print_memory()
{
	aim("bytes a key, " label, "shm memory, " label, "", "%.1f",
	    "at most", 40, 1)
	aim("bytes a key, " label ", each overwritten 10 times",
	    "shm memory, overwritten, " label, "", "%.1f", "at most", 40, 1)
	aim("bytes a key, " many " keys", "memory, many keys", "", "%.1f",
	    "at most", 40, 1)
	aim("bytes a key, 7 keys in each of " buckets " buckets",
	    "shm memory, 7 keys a bucket", "", "%.1f", "at most", 64, 1)
	aim("longest put while the index grows, ms of its own",
	    "shm put, longest while growing, " label, "", "%.2f", "at most",
	    1, 1)
	aim("longest put while cleaned, ms of its own",
	    "shm put, longest while cleaned, " label, "", "%.2f", "at most",
	    1, 1)
}

END {
	find_medians()
	print_costs()
	print_latencies()
	print_in_process()
	print_aims()
}
