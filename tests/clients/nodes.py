"""redis-py, with its defaults, and a node of two: commands about many names,
wherever they are, beside those that are there already."""

import sys

import redis

r = redis.Redis(port=int(sys.argv[1]), decode_responses=True)
names = [f"many:{i}" for i in range(100)]


def expect(got, wanted):
    assert got == wanted, f"{got!r}, and not {wanted!r}"


before = r.dbsize()
expect(r.mset({name: i for i, name in enumerate(names)}), True)
expect(r.mget(names), [str(i) for i in range(100)])
expect(r.mget(names[7], "none", names[3]), ["7", None, "3"])
expect(r.exists("none", *names), 100)
expect(r.touch(*names), 100)
expect(r.dbsize(), before + 100)
expect(sorted(r.keys("many:*")), sorted(names))
expect(sorted(r.scan_iter("many:*", count=7)), sorted(names))
expect(sorted(r.scan_iter("many:*", _type="string")), sorted(names))
assert r.randomkey() is not None
with r.pipeline(transaction=False) as p:
    p.mget(names[:2]).dbsize().incr(names[0]).delete(*names[50:])
    expect(p.execute(), [["0", "1"], before + 100, 1, 50])
try:
    r.msetnx({name: 0 for name in names})
    raise AssertionError("they were all in one place")
except redis.ResponseError:
    pass
expect(r.unlink(*names), 50)
r.hset("hash", mapping={f"f{i}": i for i in range(1000)})
expect(len(dict(r.hscan_iter("hash", count=20))), 1000)
expect(r.delete("hash"), 1)
expect(r.dbsize(), before)
