# The table of tests/bench/scaling, which says what is computed.

BEGIN {
	FS = "\t"
}

# The best of the rounds: what else the machine does only takes away.
$2 + 0 > rate[$1] {
	rate[$1] = $2 + 0
}

# Speed-up of n workers with `hold' in one of `places' locks and `think'
# outside; fills in simulated[1..n].
function simulate(n, think, hold, places,	i, wait, queued, alone)
{
	queued = 0
	for (i = 1; i <= n; i++) {
		wait = hold * (1 + queued / places)
		simulated[i] = i / (think + wait)
		queued = simulated[i] * wait
	}
	alone = simulated[1]
	for (i = 1; i <= n; i++)
		simulated[i] /= alone
}

# The sigma that fits what has been simulated: n / speed-up - 1 is a line
# through nothing, of n - 1.
function contention(n,	i, xy, xx)
{
	for (i = 2; i <= n; i++) {
		xy += (i - 1) * (i / simulated[i] - 1)
		xx += (i - 1) ^ 2
	}
	return xy / xx
}

# What the machine leaves to processes that have nothing in common but it.
function machine(what)
{
	return rate[what all " apart"] / (processors * rate[what ", 1 process"])
}

# The kappa that they show beyond that and sigma when they share an arena.
function coherency(what, left, sigma,	n, k)
{
	n = processors
	k = (n * left * rate[what ", 1 process"] / rate[what all] - 1 - \
	    sigma * (n - 1)) / (n * (n - 1))
	return k > 0 ? k : 0
}

function speed_up(n, sigma, kappa)
{
	return n / (1 + sigma * (n - 1) + kappa * n * (n - 1))
}

function column(name, sigma, kappa)
{
	names[++columns] = name
	s[columns] = sigma
	k[columns] = kappa
}

END {
	all = sprintf(", %d processes", processors)
	reads = "shm get"
	writes = "shm put in runs of 16"
	hot = "shm put in one bucket in runs of 16"
	hold = 1e6 / rate[hot ", 1 process"]
	# The wire is no part of what contends for memory in contend.
	share = hold / (wire_us + hold)
	column("reads", 0, coherency(reads, machine(reads), 0) * share)
	simulate(64, wire_us, hold, shards)
	sigma = contention(64)
	column("writes", sigma, coherency(writes, machine(writes), 0) * share)
	simulate(64, wire_us, hold, 1)
	column("writes of one bucket", contention(64),
	    coherency(hot, machine(writes), 1) * share)
	printf "%d processes that share nothing: %.2f reads of one, %.2f " \
	    "writes\n", processors, processors * machine(reads),
	    processors * machine(writes)
	printf "a put holds a lock for %.2f us, the wire takes %.2f us\n\n",
	    hold, wire_us
	printf "| workers |"
	for (c = 1; c <= columns; c++)
		printf " %s |", names[c]
	printf "\n|---:|"
	for (c = 1; c <= columns; c++)
		printf "---:|"
	printf "\n"
	for (n = 1; n <= 64; n *= 2) {
		printf "| %d |", n
		for (c = 1; c <= columns; c++)
			printf " %.1f |", speed_up(n, s[c], k[c])
		printf "\n"
	}
	printf "\n"
	for (c = 1; c <= columns; c++)
		printf "%s: sigma %.4f, kappa %.6f\n", names[c], s[c], k[c]
}
