# shellcheck shell=bash
# The servers that are compared, each bound to one core and with a port of its
# own: start and stop them.  They are ended by their process ids, and what
# they leave is removed, however the script that reads this ends.

: "${OUT:=build/prod}"
: "${KVD_BIN:=$OUT/kvd}"
: "${STEP_SECONDS:=120}"	# no single step may take longer

dir=$(mktemp -d)
declare -A address pid
instances=()			# of kvd
servers=()			# those that run, in the order of their start

# The first processor is the client's, if there are two.
client_core=0
server_core=$(($(nproc) > 1 ? 1 : 0))

# Any port that is free; the daemon of that name has its own elsewhere.
new_port()
{
	address[$1]=127.0.0.1:$(env -u KV_SERVER "$OUT/tests/bench/scale" port)
	servers+=("$1")
}

load()
{
	timeout "$STEP_SECONDS" taskset -c "$client_core" \
	    "$OUT/tests/bench/load" "$@"
}

# start_kvd SERVER MEMORY
start_kvd()
{
	local instance=bench-$1-$$
	new_port "$1"
	instances+=("$instance")
	cat >"$dir/$1.conf" <<-END
		memory $2
		workers 1
		log { to "$dir/log" }
	END
	taskset -c "$server_core" "$KVD_BIN" -c "$dir/$1.conf" -N "$instance" \
	    -p "$dir/$1.pid" -l "${address[$1]}"
	pid[$1]=$(cat "$dir/$1.pid")
}

# start_other SERVER COMMAND ARGUMENT ...: "PORT" is where its port stands
start_other()
{
	local server=$1 argument arguments=()
	shift
	new_port "$server"
	for argument; do
		arguments+=("${argument/PORT/${address[$server]##*:}}")
	done
	taskset -c "$server_core" "${arguments[@]}" >"$dir/$server.log" 2>&1 &
	pid[$server]=$!
}

start_redis()
{
	start_other redis redis-server --port PORT --bind 127.0.0.1 \
	    --save '' --appendonly no --dir "$dir"
}

start_memcached()
{
	start_other memcached memcached -l 127.0.0.1 -p PORT -U 0 -t 1 \
	    -m 1024 -u "$(id -un)"
}

# In its favour: it does not wait for work by spinning.
start_elixir()
{
	start_other elixir elixir --erl '+S 1:1 +sbwt none' \
	    "$(dirname "${BASH_SOURCE[0]}")/guide.exs" PORT
}

start_floor()
{
	start_other floor "$OUT/tests/bench/floor" PORT
}

# Everything that works for a server: it, and what it has started.
processes_of()
{
	echo "${pid[$1]}"
	cat "/proc/${pid[$1]}/task/${pid[$1]}/children"
}

# A child of this shell stays as a zombie until it is waited for.
end_one()
{
	local tries
	kill -TERM "$1" 2>/dev/null || return 0
	for ((tries = 0; tries < 1000; tries++)); do
		[[ $(ps -o stat= -p "$1") = [!Z]* ]] || break
		sleep 0.01
	done
	kill -KILL "$1" 2>/dev/null || true
}

end_servers()
{
	local server instance
	for server in "${servers[@]}"; do
		[ -z "${pid[$server]-}" ] || end_one "${pid[$server]}"
	done
	wait
	for instance in "${instances[@]}"; do
		rm -f "/dev/shm/kvd.$instance"
	done
	rm -rf "$dir"
}
set -E
trap 'echo "failed (status $?): $BASH_COMMAND" >&2' ERR
trap end_servers EXIT
trap 'exit 1' HUP INT TERM
