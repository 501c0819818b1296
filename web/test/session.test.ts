// SPDX-License-Identifier: Apache-2.0
import { beforeEach, describe, expect, it } from 'vitest';
import {
	ackEvery,
	answerWithin,
	blockedText,
	echoWithin,
	inputWindow,
	pingEvery,
	probeWithin,
	Session,
} from '../src/net/session';
import { mostAhead } from '../src/net/pace';
import { FakeNet } from './fakes';

const size = { rows: 24, cols: 80 };
const keys = (text: string): Uint8Array => new TextEncoder().encode(text);
const hello = (more: object = {}): object => ({
	type: 'hello',
	terminal: '1',
	offset: 0,
	...size,
	snapshot: 0,
	...more,
});

let net: FakeNet;
let session: Session;
let shown: string;
let dones: (() => void)[];

beforeEach(() => {
	net = new FakeNet();
	session = new Session(net, '1', size);
	shown = '';
	dones = [];
	session.onOutput.on(({ bytes, done }) => {
		shown += new TextDecoder().decode(bytes);
		dones.push(done);
	});
});

function goLive(more: object = {}): void {
	session.connect();
	net.last.text(hello(more));
}

describe('connecting', () => {
	it('tries no more when the server says by a code of its own that it never will', () => {
		session.connect();
		net.last.end(4001, 'no pictures');
		expect(session.state).toEqual({ phase: 'refused', code: 4001 });
		net.clock.advance(60_000);
		session.wake();
		expect(net.sockets).toHaveLength(1);
	});

	it('names the terminal and the size, and no offset while it has no screen', () => {
		session.connect();
		expect(net.last.query).toEqual({ terminal: '1', rows: '24', cols: '80', input: '1', taken: '0' });
		expect(session.state.phase).toBe('connecting');
	});

	it('tells a size that came while it was connecting, once, and no size twice', () => {
		const sizes = (): unknown[] => net.last.texts('resize');
		session.connect();
		session.resize({ rows: 30, cols: 46 });
		expect(sizes()).toEqual([]);
		net.last.text(hello());
		expect(sizes()).toEqual([{ type: 'resize', rows: 30, cols: 46 }]);
		session.resize({ rows: 30, cols: 46 });
		net.last.text(hello());
		expect(sizes()).toHaveLength(1);
		session.resize(size);
		expect(sizes()).toHaveLength(2);
	});

	it('learns the id of the first terminal from the hello, and asks for it from then on', () => {
		session = new Session(net, null, size);
		goLive({ terminal: 'a7' });
		expect(session.terminal).toBe('a7');
		net.last.end();
		session.wake();
		expect(net.last.query['terminal']).toBe('a7');
	});

	it('gives up a server that accepts and says nothing', () => {
		session.connect();
		const first = net.last;
		net.clock.advance(10_000);
		expect(first.closed).toBe(true);
		expect(session.state.phase).toBe('waiting');
	});
});

describe('resuming', () => {
	it('asks for the first byte it does not have; a snapshot has no offsets', () => {
		goLive({ offset: 100, snapshot: 4 });
		net.last.bytes('SNAPab');
		net.last.bytes('c');
		expect(shown).toBe('SNAPabc');
		net.last.end();
		net.clock.advance(250);
		expect(net.last.query['from']).toBe('103');
		net.last.text(hello({ offset: 103, snapshot: undefined, resume: true }));
		net.last.bytes('def');
		expect(shown).toBe('SNAPabcdef');
	});

	it('shows no byte twice when the server begins earlier', () => {
		goLive();
		net.last.bytes('abc');
		net.last.end();
		session.wake();
		net.last.text(hello({ offset: 1, snapshot: undefined }));
		net.last.bytes('b');
		net.last.bytes('cd');
		expect(shown).toBe('abcd');
	});

	it('asks for a snapshot when bytes are missing', () => {
		goLive();
		net.last.bytes('abc');
		net.last.end();
		session.wake();
		net.last.text(hello({ offset: 9, snapshot: undefined }));
		session.wake();
		expect(net.last.query['from']).toBeUndefined();
	});

	it('asks for a snapshot for a new screen, and still knows the terminal', () => {
		goLive({ offset: 500 });
		net.last.bytes('abc');
		session.begin();
		expect(net.sockets).toHaveLength(2);
		expect(net.last.query['from']).toBeUndefined();
		net.last.text(hello({ offset: 503 }));
		expect(session.state.phase).toBe('live');
		session.begin();
		net.last.text(hello({ offset: 20 }));
		expect(session.state.phase).toBe('gone');
	});

	it('takes a snapshot in the middle of a connection', () => {
		goLive();
		net.last.bytes('abc');
		net.last.text(hello({ offset: 5000, snapshot: 2 }));
		net.last.bytes('S!x');
		net.last.end();
		session.wake();
		expect(net.last.query['from']).toBe('5001');
	});
});

describe('typing', () => {
	it('sends at once when connected', () => {
		goLive();
		session.send(keys('ls\r'));
		expect(net.last.typed).toBe('ls\r');
	});

	it('keeps what is typed while away and sends it once', () => {
		goLive();
		net.last.end();
		session.send(keys('echo '));
		session.send(keys('hi\r'));
		expect(session.held).toBe(8);
		net.clock.advance(250);
		net.last.text(hello({ snapshot: undefined }));
		expect(net.last.typed).toBe('echo hi\r');
		net.last.end();
		session.wake();
		net.last.text(hello({ snapshot: undefined }));
		expect(net.last.typed).toBe('');
	});

	it('never sends to another terminal', () => {
		goLive();
		net.last.end();
		session.send(keys('rm -rf x\r'));
		session.wake();
		net.last.text(hello({ terminal: '2' }));
		expect(session.state.phase).toBe('gone');
		expect(net.last.typed).toBe('');
	});

	it('knows another terminal of the same id by its offset, which went back', () => {
		goLive({ offset: 500 });
		net.last.end();
		session.send(keys('rm -rf x\r'));
		session.wake();
		net.last.text(hello({ offset: 30 }));
		expect(session.state.phase).toBe('gone');
		expect(net.last.typed).toBe('');
	});

	it('holds the keys while the network is doubtful, and sends them after an answer', () => {
		goLive();
		net.last.text({ type: 'pong' });
		session.doubt();
		session.send(keys('a'));
		expect(net.last.typed).toBe('');
		net.last.text({ type: 'pong' });
		expect(net.last.typed).toBe('a');
	});

	it('reconnects when the doubt is not answered', () => {
		goLive();
		net.last.text({ type: 'pong' });
		session.doubt();
		session.send(keys('a'));
		net.clock.advance(probeWithin);
		expect(session.state.phase).toBe('waiting');
		net.clock.advance(250);
		net.last.text(hello({ snapshot: undefined }));
		expect(net.last.typed).toBe('a');
	});

	it('doubts a line that answers no key, and says that those may be lost', () => {
		let unsure = 0;
		session.onUnsure.on(() => unsure++);
		goLive();
		net.last.text({ type: 'pong' });
		net.clock.advance(10);
		session.send(keys('a'));
		net.clock.advance(echoWithin);
		session.send(keys('b'));
		expect(net.last.typed).toBe('a');
		net.clock.advance(probeWithin);
		expect(session.state.phase).toBe('waiting');
		expect(unsure).toBe(1);
		session.wake();
		net.last.text(hello({ snapshot: undefined }));
		expect(net.last.typed).toBe('b');
	});

	it('does not doubt a line that echoes', () => {
		goLive();
		net.last.text({ type: 'pong' });
		net.clock.advance(10);
		session.send(keys('a'));
		net.clock.advance(5);
		net.last.bytes('a');
		net.clock.advance(echoWithin + probeWithin);
		expect(session.state).toMatchObject({ phase: 'live', suspect: false });
		net.clock.advance(pingEvery);
		expect(net.last.texts('ping')).toHaveLength(2);
	});

	it('sends nothing where it may only look', () => {
		goLive({ read_only: true });
		session.send(keys('x'));
		expect(net.last.typed).toBe('');
		expect(session.held).toBe(0);
	});

	it('waits for a socket that does not drain', () => {
		goLive();
		net.last.bufferedAmount = 1024 * 1024;
		session.send(keys('x'));
		expect(net.last.typed).toBe('');
		net.last.bufferedAmount = 0;
		net.clock.advance(20);
		expect(net.last.typed).toBe('x');
	});

	it('says when no more can be kept', () => {
		let refused = 0;
		session.onRefused.on((n) => (refused += n));
		session.send(new Uint8Array(2 * 1024 * 1024));
		expect(refused).toBe(2 * 1024 * 1024);
	});
});

describe('typing to a server that counts', () => {
	const counting = (input: number, more: object = {}): object =>
		hello({ snapshot: undefined, life: '77', input, ...more });
	let unsure: number;

	beforeEach(() => {
		unsure = 0;
		session.onUnsure.on(() => unsure++);
		session.connect();
		net.last.text(hello({ life: '77', input: 0, input_new: true }));
	});

	function reconnect(message: object): void {
		net.last.end();
		session.wake();
		net.last.text(message);
	}

	it('names its stream, the life and what is known to have arrived', () => {
		session.send(keys('abc'));
		net.last.text({ type: 'taken', input: 2 });
		net.last.end();
		session.wake();
		expect(net.last.query).toMatchObject({ input: '1', taken: '2', life: '77' });
	});

	it('sends again what did not arrive, and only that', () => {
		session.send(keys('echo '));
		session.send(keys('hello\r'));
		reconnect(counting(7));
		expect(net.last.typed).toBe('llo\r');
		reconnect(counting(9));
		expect(net.last.typed).toBe('o\r');
		reconnect(counting(11));
		expect(net.last.typed).toBe('');
		expect(unsure).toBe(0);
	});

	it('sends what was typed while away behind what is sent again', () => {
		session.send(keys('abc'));
		net.last.end();
		session.send(keys('def'));
		session.wake();
		net.last.text(counting(1));
		expect(net.last.typed).toBe('bcdef');
	});

	it('does not send again in the middle of a connection', () => {
		session.send(keys('abc'));
		net.last.text(hello({ offset: 9, snapshot: 0, life: '77', input: 0 }));
		expect(net.last.typed).toBe('abc');
	});

	it('says that keys may be lost when the terminal has forgotten its stream', () => {
		session.send(keys('abc'));
		net.last.text({ type: 'taken', input: 1 });
		reconnect(counting(1, { input_new: true }));
		expect(net.last.typed).toBe('');
		expect(unsure).toBe(1);
		session.send(keys('d'));
		reconnect(counting(1));
		expect(net.last.typed).toBe('d');
	});

	it('says so too when the next server does not count', () => {
		session.send(keys('abc'));
		reconnect(counting(0, { input: undefined }));
		expect(net.last.typed).toBe('');
		expect(unsure).toBe(1);
	});

	it('believes no count of bytes that it never sent', () => {
		session.send(keys('abc'));
		net.last.text({ type: 'taken', input: 4 });
		reconnect(counting(9));
		expect(net.last.typed).toBe('');
		expect(unsure).toBe(1);
	});

	it('has at most a window on its way', () => {
		session.send(new Uint8Array(inputWindow + 100));
		expect(net.last.typed).toHaveLength(inputWindow);
		net.last.text({ type: 'taken', input: 60 });
		expect(net.last.typed).toHaveLength(inputWindow + 60);
	});

	it('sends nothing to a shell of another life, and says how much that was', () => {
		net.last.end();
		session.send(keys('rm -rf x\r'));
		session.wake();
		net.last.text(hello({ life: '78', input: 0, input_new: true, offset: 5000 }));
		expect(session.state).toMatchObject({ phase: 'gone', unsent: 9 });
		expect(net.last.typed).toBe('');
	});

	it('ends when the server says that the workspace began another life', () => {
		net.last.end();
		session.send(keys('ls\r'));
		session.wake();
		net.last.text({ type: 'exit', code: null, cause: 'restarted', reason: 'started anew' });
		expect(session.state).toMatchObject({ phase: 'exited', exit: { cause: 'restarted' }, unsent: 3 });
	});
});

describe('acknowledging', () => {
	it('counts the bytes that were shown, not those that came', () => {
		goLive();
		net.last.bytes('x'.repeat(ackEvery));
		expect(net.last.texts('ack')).toEqual([]);
		dones[0]!();
		expect(net.last.texts('ack')).toEqual([{ type: 'ack', offset: ackEvery, window: mostAhead }]);
	});

	it('lets less come while the screen is slow, and more again when it keeps up', () => {
		goLive();
		const windows: unknown[] = [];
		for (const ms of [200, 200, 200, 200, 200, 30, 1, 1]) {
			net.last.bytes('x'.repeat(ackEvery));
			net.clock.advance(ms);
			dones.pop()!();
			windows.push(net.last.texts('ack').at(-1)!['window']);
		}
		const kib = windows.map((w) => (w as number) / 1024);
		expect(kib).toEqual([128, 64, 32, 16, 16, 16, 32, 64]);
	});

	it('ignores what is shown late, of a stream before a snapshot', () => {
		goLive();
		net.last.bytes('x'.repeat(ackEvery));
		net.last.text(hello({ offset: 10, snapshot: 0 }));
		dones[0]!();
		expect(net.last.texts('ack')).toEqual([]);
	});
});

describe('the heartbeat', () => {
	it('measures the latency', () => {
		const seen: number[] = [];
		session.onLatency.on((ms) => seen.push(ms));
		goLive();
		net.clock.advance(7);
		net.last.text({ type: 'pong' });
		expect(seen).toEqual([7]);
		net.clock.advance(pingEvery);
		expect(net.last.texts('ping')).toHaveLength(2);
	});

	it('takes a silent connection for dead', () => {
		goLive();
		net.clock.advance(answerWithin);
		expect(session.state.phase).toBe('waiting');
	});

	it('does not take a flood for silence', () => {
		goLive();
		for (let i = 0; i < 5; i++) {
			net.clock.advance(answerWithin - 1);
			net.last.bytes('y\n');
		}
		expect(session.state.phase).toBe('live');
	});

	it('tries at once when something wakes it', () => {
		goLive();
		net.last.end();
		const before = net.sockets.length;
		session.wake();
		expect(net.sockets.length).toBe(before + 1);
		net.clock.advance(300);
		expect(net.sockets.length).toBe(before + 1);
	});
});

describe('the end', () => {
	it('stays ended after an exit, and keeps nothing for another shell', () => {
		goLive();
		net.last.text({ type: 'exit', code: 3, reason: '' });
		session.send(keys('x'));
		session.wake();
		net.clock.advance(60_000);
		expect(session.state).toMatchObject({ phase: 'exited', exit: { code: 3 } });
		expect(session.held).toBe(0);
		expect(net.sockets).toHaveLength(1);
	});

	it('says that a login is needed, and goes on with the kept keys after it', async () => {
		net.diagnosis = 'unauthorized';
		goLive();
		net.last.end(1008);
		session.send(keys('k'));
		await Promise.resolve();
		expect(session.state.phase).toBe('unauthorized');
		session.retry();
		net.last.text(hello({ snapshot: undefined }));
		expect(net.last.typed).toBe('k');
	});

	it('keeps trying when the server failed, and tells what it said', () => {
		session.connect();
		net.last.end(1011, 'the disk is full');
		expect(session.state).toMatchObject({ phase: 'waiting', why: 'the disk is full' });
		net.clock.advance(400);
		expect(net.sockets).toHaveLength(2);
	});

	it('says that a proxy may be in the way when only WebSockets are refused, again and again', async () => {
		net.diagnosis = 'reachable';
		session.connect();
		for (let i = 0; i < 3; i++) {
			expect(session.state).toMatchObject({ phase: 'connecting' });
			net.last.end();
			await Promise.resolve();
			const why = i < 2 ? '' : blockedText;
			expect(session.state).toMatchObject({ phase: 'waiting', why });
			session.wake();
		}
		net.last.text(hello());
		expect(session.state.phase).toBe('live');
	});

	it('says that the terminal is gone', async () => {
		net.diagnosis = 'gone';
		session.connect();
		net.last.end();
		await Promise.resolve();
		expect(session.state.phase).toBe('gone');
	});

	it('leaves no socket and no timer when disposed', () => {
		goLive();
		session.dispose();
		expect(net.last.closed).toBe(true);
		net.clock.advance(120_000);
		expect(net.sockets).toHaveLength(1);
	});
});
