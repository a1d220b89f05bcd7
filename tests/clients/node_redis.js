// node-redis, with its defaults, single or in cluster mode: every family of
// commands, a pipeline, a transaction, subscriptions, and a worker that is
// killed.  With several nodes, what none has to pass on: the test sees whether
// one does.
'use strict';

const assert = require('node:assert');
const redis = require('redis');
const [mode, port] = process.argv.slice(2);

const nodesOf = (r) => Promise.all(r.masters?.map((m) => r.nodeClient(m)) ??
    [r]);

async function hashes(r) {
	assert.equal(await r.hSet('h', { a: 1, b: 2 }), 2);
	assert.equal(await r.hGet('h', 'a'), '1');
	assert.deepEqual({ ...await r.hGetAll('h') }, { a: '1', b: '2' });
	assert.deepEqual(await r.hmGet('h', ['a', 'x']), ['1', null]);
	assert.equal(await r.hIncrBy('h', 'a', 41), 42);
	assert.equal(Number(await r.hIncrByFloat('h', 'f', 0.25)), 0.25);
	assert.equal((await r.hScan('h', '0')).entries.length, 3);
	assert.equal(await r.hDel('h', ['f', 'x']), 1);
	assert.deepEqual((await r.hKeys('h')).sort(), ['a', 'b']);
}

// Of fields; what answers to several fields has one answer for each.
async function expiry(r) {
	assert.deepEqual(await r.hExpire('h', ['a', 'x'], 100), [1, -2]);
	const [left, none] = await r.hTTL('h', ['a', 'b']);
	assert.ok(left > 90 && none === -1);
	assert.deepEqual(await r.hPersist('h', ['a', 'b']), [1, -1]);
	assert.equal(await r.hSetEx('h', { c: 3, d: 4 },
	    { expiration: { type: 'EX', value: 100 } }), 1);
	assert.deepEqual(await r.hGetEx('h', ['c', 'x'],
	    { expiration: 'PERSIST' }), ['3', null]);
	assert.deepEqual(await r.hTTL('h', 'c'), [-1]);
	assert.deepEqual(await r.hGetDel('h', ['c', 'd', 'x']), ['3', '4', null]);
	assert.equal(await r.hLen('h'), 2);
}

async function strings(r) {
	assert.equal(await r.set('s', 'v', { EX: 100, NX: true }), 'OK');
	assert.equal(await r.set('s', 'w', { NX: true }), null);
	assert.ok(await r.ttl('s') > 90);
	assert.equal(await r.append('s', 'w'), 2);
	assert.equal(await r.get('s'), 'vw');
	assert.equal(await r.incrBy('n', 9), 9);
	assert.equal(await r.getDel('n'), '9');
}

async function keys(r) {
	assert.equal(await r.type('h'), 'hash');
	assert.equal(await r.exists('h'), 1);
	assert.equal(Number(await r.persist('s')), 1);
	assert.equal(await r.rename('h', '{h}2'), 'OK');
	assert.equal(Number(await r.copy('{h}2', 'h')), 1);
	assert.equal(await r.unlink('{h}2'), 1);
	await assert.rejects(r.incr('h'), /WRONGTYPE/);
}

async function server(r) {
	const nodes = await nodesOf(r);
	assert.equal(await r.ping(), 'PONG');
	assert.match(await r.info('server'), /redis_version:7/);
	assert.equal(await r.clientSetName('tester'), 'OK');
	assert.equal(await r.clientGetName(), 'tester');
	assert.deepEqual(await r.mGet(['s', 'x']), ['vw', null]);
	assert.deepEqual((await r.keys('*')).sort(), ['h', 's']);
	const found = [];
	for (const node of nodes)
		for await (const names of node.scanIterator({ COUNT: 1 }))
			found.push(...names);
	assert.deepEqual([...new Set(found)].sort(), ['h', 's']);
	await assert.rejects(nodes[0].sendCommand(['NOSUCH']), /unknown command/);
}

async function pipelines(r) {
	const all = [];
	for (let i = 0; i < 1000; i++)
		all.push(r.hSet('piped', `f${i}`, i));
	assert.deepEqual(await Promise.all(all), Array(1000).fill(1));
	assert.deepEqual(await r.multi().incr('{t}n').hSet('{t}h', 'f', 'v').exec(),
	    [1, 1]);
}

async function subscriptions(r) {
	const s = await r.duplicate().connect();
	let tell;
	const next = () => new Promise((done) => { tell = done; });
	const listener = (...words) => tell(words);
	await s.subscribe(['news', '__keyspace@0__:watched'], listener);
	let heard = next();
	assert.equal(await r.publish('news', 'hello'), 1);
	assert.deepEqual(await heard, ['hello', 'news']);
	heard = next();
	assert.equal(await r.hSet('watched', 'f', 'v'), 1);
	assert.deepEqual(await heard, ['hset', '__keyspace@0__:watched']);
	await s.pSubscribe('n*', listener);
	heard = next();
	assert.equal(await r.publish('nobody', 'there'), 1);
	assert.deepEqual(await heard, ['there', 'nobody']);
	await s.unsubscribe('news');
	assert.equal(await r.publish('news', 'again'), 1);
	s.destroy();
}

async function reconnect(r) {
	const info = await r.info('server');
	const closed = new Promise((done) =>
	    r.once(r.masters ? 'node-reconnecting' : 'reconnecting', done));
	process.kill(Number(/kvd_worker_pid:(\d+)/.exec(info)[1]), 'SIGKILL');
	await closed;
	assert.equal(await r.hLen('piped'), 1000);
}

// Names of every node.
async function everywhere(r) {
	const names = Array.from(Array(100).keys(), (i) => `string:${i}`);
	for (const name of names) {
		assert.equal(await r.set(name, name), 'OK');
		assert.equal(await r.hSet(`hash:${name}`, 'f', name), 1);
	}
	assert.deepEqual(await r.mGet(names), names);
	for (const name of names) {
		assert.equal(await r.getDel(name), name);
		assert.equal(await r.hGet(`hash:${name}`, 'f'), name);
	}
	assert.equal(await r.del(names.map((name) => `hash:${name}`)), 100);
}

// What these leave, without what all nodes have to be asked for.
async function forget(r) {
	for (const name of ['h', 's', '{t}n', '{t}h', 'piped', 'watched'])
		await r.del(name);
}

const cluster = () => redis.createCluster({
	rootNodes: [{ socket: { host: '127.0.0.1', port } }] });
const onNodes = [hashes, expiry, strings, keys, pipelines, subscriptions,
    everywhere, forget];
const all = [(r) => r.flushAll(), hashes, expiry, strings, keys, server,
    pipelines, subscriptions, everywhere, reconnect];
const modes = {
	single: [() => redis.createClient({ socket: { port } }), all],
	cluster: [cluster, all],
	nodes: [cluster, onNodes],
};

async function main() {
	const [create, parts] = modes[mode];
	const r = create();
	r.on('error', () => {});
	await r.connect();
	for (const part of parts)
		await part(r);
	r.destroy();
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
