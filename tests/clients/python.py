"""redis-py, with its defaults: every family of commands, some of which it does
not know by name, pipelines with and without a transaction, subscriptions, and a
worker that is killed."""

import os
import signal
import sys
import time

import redis

r = redis.Redis(port=int(sys.argv[1]), decode_responses=True)


def expect(got, wanted):
    assert got == wanted, f"{got!r}, and not {wanted!r}"


def hashes():
    expect(r.hset("h", mapping={"a": 1, "b": 2}), 2)
    expect(r.hget("h", "a"), "1")
    expect(r.hgetall("h"), {"a": "1", "b": "2"})
    expect(r.hmget("h", "a", "x"), ["1", None])
    expect(r.hincrby("h", "a", 41), 42)
    expect(r.hincrbyfloat("h", "f", 0.25), 0.25)
    expect(dict(r.hscan_iter("h", match="[ab]")), {"a": "42", "b": "2"})
    expect(r.hsetnx("h", "a", 0), 0)
    expect(r.hdel("h", "f", "x"), 1)
    expect(sorted(r.hkeys("h")), ["a", "b"])
    expect(r.hexists("h", "a"), True)
    assert r.hrandfield("h") in ("a", "b")


def expiry():
    ask = r.execute_command
    expect(ask("HEXPIRE", "h", 100, "NX", "FIELDS", 2, "a", "x"), [1, -2])
    left, none = ask("HTTL", "h", "FIELDS", 2, "a", "b")
    assert 90 < left <= 100 and none == -1
    expect(ask("HEXPIRE", "h", 200, "NX", "FIELDS", 1, "a"), [0])
    expect(ask("HPERSIST", "h", "FIELDS", 2, "a", "b"), [1, -1])
    expect(ask("HSETEX", "h", "EX", 100, "FIELDS", 2, "c", 3, "d", 4), 1)
    expect(ask("HGETEX", "h", "PERSIST", "FIELDS", 2, "c", "x"), ["3", None])
    expect(ask("HTTL", "h", "FIELDS", 1, "c"), [-1])
    assert 90 < ask("HTTL", "h", "FIELDS", 1, "d")[0] <= 100
    expect(ask("HGETDEL", "h", "FIELDS", 3, "c", "d", "x"), ["3", "4", None])
    expect(ask("HSETEX", "h", "PX", 1, "FIELDS", 1, "soon", "gone"), 1)
    deadline = time.monotonic() + 10
    while r.hexists("h", "soon") and time.monotonic() < deadline:
        pass
    expect(sorted(r.hgetall("h")), ["a", "b"])


def strings():
    expect(r.set("s", "v", ex=100, nx=True), True)
    expect(r.set("s", "w", nx=True), None)
    assert 90 < r.ttl("s") <= 100
    expect(r.get("s"), "v")
    expect(r.append("s", "w"), 2)
    expect(r.getrange("s", 0, 0), "v")
    expect(r.mset({"n": 1, "m": 2}), True)
    expect(r.mget("n", "m", "x"), ["1", "2", None])
    expect(r.incrby("n", 9), 10)
    expect(r.incrbyfloat("m", 0.5), 2.5)
    expect(r.getdel("m"), "2.5")


def keys():
    expect(sorted(r.scan_iter(count=2)), ["h", "n", "s"])
    expect(r.type("h"), "hash")
    expect(r.exists("h", "s", "x"), 2)
    expect(r.persist("s"), True)
    expect(r.expire("n", 0), True)
    expect(sorted(r.keys("*")), ["h", "s"])
    expect(r.rename("h", "{h}2"), True)
    expect(r.copy("{h}2", "h"), True)
    expect(r.dbsize(), 3)


def server():
    expect(r.ping(), True)
    expect(r.echo("x"), "x")
    assert r.info()["redis_version"].startswith("7.")
    assert "maxmemory" in r.config_get("maxmemory")
    expect(r.client_setname("tester"), True)
    expect(r.client_getname(), "tester")
    assert any(c["name"] == "tester" for c in r.client_list())
    assert r.time()[0] > 1
    for wrong in (lambda: r.incr("h"), lambda: r.execute_command("NOSUCH")):
        try:
            wrong()
        except redis.ResponseError:
            continue
        raise AssertionError("no error")


def pipelines():
    with r.pipeline(transaction=False) as p:
        for i in range(1000):
            p.hset("piped", f"f{i}", i)
        expect(p.hlen("piped").execute()[-1], 1000)
    with r.pipeline() as p:
        p.watch("{t}n")
        p.multi()
        p.incr("{t}n")
        p.hset("{t}h", "f", "v")
        expect(p.execute(), [1, 1])
    with r.pipeline() as p:
        p.watch("{t}n")
        r.incr("{t}n")
        p.multi()
        p.incr("{t}n")
        try:
            p.execute()
        except redis.WatchError:
            return
        raise AssertionError("WATCH has not seen the change")


def next_message(s):
    deadline = time.monotonic() + 10
    message = None
    while message is None and time.monotonic() < deadline:
        message = s.get_message(timeout=1)
    return message


def subscriptions():
    with r.pubsub(ignore_subscribe_messages=True) as s:
        s.subscribe("news")
        while s.get_message(timeout=5) is not None:
            pass
        expect(r.publish("news", "hello"), 1)
        expect(next_message(s)["data"], "hello")
        s.psubscribe("n*")
        s.unsubscribe("news")
        while s.get_message(timeout=1) is not None:
            pass
        r.transaction(lambda p: p.publish("nobody", "there"))
        message = next_message(s)
        expect((message["type"], message["pattern"], message["channel"],
                message["data"]), ("pmessage", "n*", "nobody", "there"))


def reconnect():
    pid = r.info("server")["kvd_worker_pid"]
    os.kill(int(pid), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            expect(r.hlen("piped"), 1000)
            return
        except redis.ConnectionError:
            continue
    raise AssertionError("no reconnect")


r.flushall()
for part in (hashes, expiry, strings, keys, server, pipelines, subscriptions,
             reconnect):
    part()
