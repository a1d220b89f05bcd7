// node-redis, with its defaults: every family of commands, a pipeline, a
// transaction, subscriptions, a worker that is killed, and a cluster.
'use strict';

const assert = require('node:assert');
const redis = require('redis');
const [port, clusterPort] = process.argv.slice(2).map(Number);

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
	assert.equal(await r.ping(), 'PONG');
	assert.match(await r.info('server'), /redis_version:7/);
	assert.equal(await r.clientSetName('tester'), 'OK');
	assert.equal(await r.clientGetName(), 'tester');
	assert.deepEqual(await r.mGet(['s', 'x']), ['vw', null]);
	const found = [];
	for await (const names of r.scanIterator({ COUNT: 1 }))
		found.push(...names);
	assert.deepEqual([...new Set(found)].sort(), ['h', 's']);
	await assert.rejects(r.sendCommand(['NOSUCH']), /unknown command/);
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
	const heard = new Promise((done) => { tell = done; });
	await s.subscribe('news', tell);
	assert.equal(await r.publish('news', 'hello'), 1);
	assert.equal(await heard, 'hello');
	const matched = new Promise((done) => { tell = done; });
	await s.pSubscribe('n*', (...words) => tell(words));
	assert.equal(await r.publish('nobody', 'there'), 1);
	assert.deepEqual(await matched, ['there', 'nobody']);
	await s.unsubscribe('news');
	assert.equal(await r.publish('news', 'again'), 1);
	s.destroy();
}

async function reconnect(r) {
	const info = await r.info('server');
	const closed = new Promise((done) => r.once('reconnecting', done));
	process.kill(Number(/kvd_worker_pid:(\d+)/.exec(info)[1]), 'SIGKILL');
	await closed;
	assert.equal(await r.hLen('piped'), 1000);
}

async function main() {
	const r = redis.createClient({ socket: { port } });
	const c = redis.createCluster({ rootNodes: [{ socket:
	    { host: '127.0.0.1', port: clusterPort } }] });
	r.on('error', () => {});
	await r.connect();
	await r.flushAll();
	for (const part of [hashes, strings, keys, server, pipelines,
	    subscriptions, reconnect])
		await part(r);
	r.destroy();
	await c.connect();
	for (const name of ['h', 's', 'n'])
		await c.del(name);
	for (const part of [hashes, strings, keys])
		await part(c);
	c.destroy();
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
