// ioredis, with its defaults, single or in cluster mode: every family of
// commands, pipelines with and without a transaction, subscriptions, and a
// worker that is killed.  With several nodes, what none has to pass on: the
// test sees whether one does.
'use strict';

const assert = require('node:assert');
const Redis = require('ioredis');
const [mode, port] = process.argv.slice(2);

const nodesOf = (r) => r.isCluster ? r.nodes('master') : [r];

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
	for (const node of nodesOf(r))
		for await (const names of node.scanStream({ count: 1 }))
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
	const next = (event) => new Promise((done) =>
	    s.once(event, (...words) => done(words)));
	await s.subscribe('news', '__keyspace@0__:watched');
	let heard = next('message');
	assert.equal(await r.publish('news', 'hello'), 1);
	assert.deepEqual(await heard, ['news', 'hello']);
	heard = next('message');
	assert.equal(await r.hset('watched', 'f', 'v'), 1);
	assert.deepEqual(await heard, ['__keyspace@0__:watched', 'hset']);
	await s.psubscribe('n*');
	heard = next('pmessage');
	assert.equal(await r.publish('nobody', 'there'), 1);
	assert.deepEqual(await heard, ['n*', 'nobody', 'there']);
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

// Names of every node.
async function everywhere(r) {
	for (let i = 0; i < 100; i++) {
		assert.equal(await r.set(`string:${i}`, i), 'OK');
		assert.equal(await r.hset(`hash:${i}`, 'f', i), 1);
	}
	for (let i = 0; i < 100; i++) {
		assert.equal(await r.getdel(`string:${i}`), `${i}`);
		assert.deepEqual({ ...await r.hgetall(`hash:${i}`) },
		    { f: `${i}` });
		assert.equal(await r.del(`hash:${i}`), 1);
	}
}

// What these leave, without what all nodes have to be asked for.
async function forget(r) {
	for (const name of ['h', 's', '{t}n', '{t}h', 'piped', 'watched'])
		await r.del(name);
}

const onNodes = [hashes, strings, keys, pipelines, subscriptions, everywhere,
    forget];
const all = [(r) => r.flushall(), hashes, strings, keys, server, pipelines,
    subscriptions, everywhere, reconnect];
const modes = {
	single: [() => new Redis(port), all],
	cluster: [() => new Redis.Cluster([port]), all],
	nodes: [() => new Redis.Cluster([port]), onNodes],
};

async function main() {
	const [connect, parts] = modes[mode];
	const r = connect();
	r.on('error', () => {});
	for (const part of parts)
		await part(r);
	r.disconnect();
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
