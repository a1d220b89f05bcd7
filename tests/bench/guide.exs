# The key-value server of the guide "Mix and OTP", as a peer: a task for each
# connection, lines read one by one, a table of ETS that leads from the name of
# a bucket to its process, an agent with a map.  It speaks kvd's text.
#
#	elixir guide.exs PORT

defmodule Bucket do
  use Agent

  def start_link(_), do: Agent.start_link(fn -> %{} end)
  def get(bucket, key), do: Agent.get(bucket, &Map.get(&1, key))
  def put(bucket, key, value), do: Agent.update(bucket, &Map.put(&1, key, value))
end

defmodule Buckets do
  use GenServer

  def start_link(_), do: GenServer.start_link(__MODULE__, :ok, name: __MODULE__)
  def create(name), do: GenServer.call(__MODULE__, {:create, name})

  def find(name) do
    case :ets.lookup(__MODULE__, name) do
      [{^name, bucket}] -> {:ok, bucket}
      [] -> :error
    end
  end

  @impl true
  def init(:ok), do: {:ok, :ets.new(__MODULE__, [:named_table, read_concurrency: true])}

  @impl true
  def handle_call({:create, name}, _from, table) do
    if find(name) == :error do
      {:ok, bucket} = DynamicSupervisor.start_child(Buckets.Supervisor, Bucket)
      :ets.insert(table, {name, bucket})
    end

    {:reply, :ok, table}
  end
end

defmodule Server do
  def listen(port) do
    {:ok, socket} =
      :gen_tcp.listen(port, [:binary, packet: :line, active: false, reuseaddr: true])

    accept(socket)
  end

  defp accept(socket) do
    {:ok, client} = :gen_tcp.accept(socket)
    {:ok, pid} = Task.Supervisor.start_child(Server.Tasks, fn -> serve(client) end)
    :ok = :gen_tcp.controlling_process(client, pid)
    accept(socket)
  end

  defp serve(client) do
    with {:ok, line} <- :gen_tcp.recv(client, 0),
         :ok <- :gen_tcp.send(client, answer(String.split(line))),
         do: serve(client)
  end

  defp answer(["CREATE", name]) do
    :ok = Buckets.create(name)
    "OK\r\n"
  end

  defp answer(["GET", name, key]), do: with_bucket(name, &[Bucket.get(&1, key) || "", "\r\nOK\r\n"])

  defp answer(["PUT", name, key, value]) do
    with_bucket(name, fn bucket ->
      :ok = Bucket.put(bucket, key, value)
      "OK\r\n"
    end)
  end

  defp answer(_), do: "UNKNOWN COMMAND\r\n"

  defp with_bucket(name, fun) do
    case Buckets.find(name) do
      {:ok, bucket} -> fun.(bucket)
      :error -> "NOT FOUND\r\n"
    end
  end
end

[port] = System.argv()

{:ok, _} =
  Supervisor.start_link(
    [
      {DynamicSupervisor, name: Buckets.Supervisor},
      Buckets,
      {Task.Supervisor, name: Server.Tasks}
    ],
    strategy: :one_for_all
  )

Server.listen(String.to_integer(port))
