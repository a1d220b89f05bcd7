"""redis-py in cluster mode, and a node of two: hashes and strings of both,
which none has to pass on: the test sees whether one does."""

import sys

from redis.cluster import RedisCluster

r = RedisCluster(host="127.0.0.1", port=int(sys.argv[1]),
                 decode_responses=True)
strings = [f"string:{i}" for i in range(100)]
hashes = [f"hash:{i}" for i in range(100)]


def expect(got, wanted):
    assert got == wanted, f"{got!r}, and not {wanted!r}"


expect(len(r.get_primaries()), 2)
for name in strings:
    expect(r.set(name, "40", nx=True), True)
    expect(r.incrby(name, 2), 42)
for name in hashes:
    expect(r.hset(name, mapping={"name": name, "n": 40}), 2)
    expect(r.hincrby(name, "n", 2), 42)
for name in hashes:
    expect(r.hgetall(name), {"name": name, "n": "42"})
expect(r.mget_nonatomic(strings), ["42"] * 100)
expect(r.exists(*strings, *hashes, "none"), 200)
with r.pipeline() as p:
    for name in strings:
        p.get(name)
    expect(p.execute(), ["42"] * 100)
for name in strings + hashes:
    expect(r.delete(name), 1)
