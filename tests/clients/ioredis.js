// ioredis, with its defaults: every family of commands, pipelines with and
// without a transaction, subscriptions, a worker that is killed, and a cluster.
'use strict';

const assert = require('node:assert');
const Redis = require('ioredis');
const [port, clusterPort] = process.argv.slice(2).map(Number);

async function hashes(r) {
	assert.equal(await r.hset('h', 'a', 1, 'b', 2), 2);
	assert.equal(await r.hget('h', 'a'), '1');
	assert.deepEqual({ ...await r.hgetall('h') }, { a: '1', b: '2' });
	assert.deepEqual(await r.hmget('h', 'a', 'x'), ['1', null]);
	assert.equal(await r.hincrby('h', 'a', 41), 42);
	assert.equal(Number(await r.hincrbyfloat('h', 'f', 0.25)), 0.25);
	assert.equal((await r.hscan('h', 0, 'MATCH', '[ab]'))[0], '0');
	assert.equal(await r.hdel('h', 'f', 'x'), 1);
	assert.deepEqual((await r.hkeys('h')).sort(), ['a', 'b']);
}

async function strings(r) {
	assert.equal(await r.set('s', 'v', 'EX', 100, 'NX'), 'OK');
	assert.equal(await r.set('s', 'w', 'NX'), null);
	assert.ok(await r.ttl('s') > 90);
	assert.equal(await r.append('s', 'w'), 2);
	assert.equal(await r.get('s'), 'vw');
	assert.equal(await r.incrby('n', 9), 9);
	assert.equal(await r.getdel('n'), '9');
}

async function keys(r) {
	assert.equal(await r.type('h'), 'hash');
	assert.equal(await r.exists('h'), 1);
	assert.equal(await r.persist('s'), 1);
	assert.equal(await r.rename('h', '{h}2'), 'OK');
	assert.equal(await r.copy('{h}2', 'h'), 1);
	assert.equal(await r.unlink('{h}2'), 1);
	await assert.rejects(r.incr('h'), /WRONGTYPE/);
}

async function server(r) {
	assert.equal(await r.ping(), 'PONG');
	assert.match(await r.info('server'), /redis_version:7/);
	assert.equal(await r.client('SETNAME', 'tester'), 'OK');
	assert.equal(await r.client('GETNAME'), 'tester');
	assert.deepEqual((await r.mget('s', 'x')), ['vw', null]);
	assert.deepEqual((await r.keys('*')).sort(), ['h', 's']);
	const found = [];
	for await (const names of r.scanStream({ count: 1 }))
		found.push(...names);
	assert.deepEqual([...new Set(found)].sort(), ['h', 's']);
	await assert.rejects(r.call('NOSUCH'), /unknown command/);
}

async function pipelines(r) {
	const p = r.pipeline();
	for (let i = 0; i < 1000; i++)
		p.hset('piped', `f${i}`, i);
	assert.equal((await p.hlen('piped').exec())[1000][1], 1000);
	assert.deepEqual(await r.multi().incr('{t}n').hset('{t}h', 'f', 'v').exec(),
	    [[null, 1], [null, 1]]);
}

async function subscriptions(r) {
	const s = r.duplicate();
	const heard = new Promise((done) => s.on('message', (_, m) => done(m)));
	await s.subscribe('news');
	assert.equal(await r.publish('news', 'hello'), 1);
	assert.equal(await heard, 'hello');
	const matched = new Promise((done) =>
	    s.on('pmessage', (...words) => done(words)));
	await s.psubscribe('n*', '__keyspace@0__:watched');
	assert.equal(await r.publish('nobody', 'there'), 1);
	assert.deepEqual(await matched, ['n*', 'nobody', 'there']);
	await s.unsubscribe('news');
	assert.equal(await r.publish('news', 'again'), 1);
	s.disconnect();
}

async function reconnect(r) {
	const info = await r.info('server');
	const closed = new Promise((done) => r.once('close', done));
	process.kill(Number(/kvd_worker_pid:(\d+)/.exec(info)[1]), 'SIGKILL');
	await closed;
	assert.equal(await r.hlen('piped'), 1000);
}

async function main() {
	const r = new Redis(port);
	const c = new Redis.Cluster([clusterPort]);
	r.on('error', () => {});
	await r.flushall();
	for (const part of [hashes, strings, keys, server, pipelines,
	    subscriptions, reconnect])
		await part(r);
	r.disconnect();
	for (const name of ['h', 's', 'n'])
		await c.del(name);
	for (const part of [hashes, strings, keys])
		await part(c);
	c.disconnect();
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
