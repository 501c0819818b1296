// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { encodeAck, encodeResize, parseServerMessage } from '../src/net/codec';

const parse = (value: unknown) => parseServerMessage(JSON.stringify(value));

describe('parseServerMessage', () => {
	it('reads a hello that resumes and one with a snapshot', () => {
		const hello = { type: 'hello', terminal: '7', offset: 12, rows: 24, cols: 80 };
		expect(parse({ ...hello, life: '18446744073709551615', input: 7, input_new: true })).toMatchObject({
			life: '18446744073709551615',
			input: 7,
			inputNew: true,
		});
		expect(parse({ ...hello, resume: true })).toEqual({
			life: null,
			input: null,
			inputNew: false,
			type: 'hello',
			terminal: '7',
			offset: 12,
			rows: 24,
			cols: 80,
			readOnly: false,
			snapshot: null,
			recorded: false,
			mayRecord: false,
		});
		expect(parse({ ...hello, read_only: true, snapshot: 900 })).toMatchObject({
			readOnly: true,
			snapshot: 900,
		});
	});

	it('takes a number for a terminal id', () => {
		expect(parse({ type: 'hello', terminal: 3, offset: 0, rows: 1, cols: 1 })).toMatchObject({
			terminal: '3',
		});
	});

	it.each([
		['not json', '{'],
		['an array', '[]'],
		['null', 'null'],
		['an unknown type', '{"type":"later"}'],
		['a type from Object.prototype', '{"type":"constructor"}'],
		['a hello without its offset', '{"type":"hello","terminal":"1","rows":1,"cols":1}'],
		['a negative offset', '{"type":"hello","terminal":"1","offset":-1,"rows":1,"cols":1}'],
		['a size of nothing', '{"type":"size","rows":0,"cols":80}'],
		['a size beyond reason', '{"type":"size","rows":24,"cols":1e9}'],
		['presence without a list', '{"type":"presence","clients":3}'],
	])('refuses %s', (_, text) => {
		expect(parseServerMessage(text)).toBeNull();
	});

	it('tells an admin from other clients, and what a notice says of a recording', () => {
		const clients = [
			{ name: 'root', read_only: true, self: false, admin: true, wall: true },
			{ name: 'alice' },
		];
		expect(parse({ type: 'presence', clients })).toEqual({
			type: 'presence',
			clients: [
				{ name: 'root', readOnly: true, self: false, admin: true, wall: true },
				{ name: 'alice', readOnly: false, self: false, admin: false, wall: false },
			],
		});
		const notice = { type: 'notice', kind: 'recording', text: 'x' };
		expect(parse({ ...notice, recorded: false })).toEqual({ ...notice, recorded: false });
		expect(parse({ ...notice, recorded: 'yes' })).toEqual(notice);
	});

	it('reads an exit by code and by signal', () => {
		expect(parse({ type: 'exit', code: 2, signal: 0, reason: '' })).toEqual({
			type: 'exit',
			code: 2,
			signal: null,
			cause: 'ended',
			reason: '',
		});
		expect(parse({ type: 'exit', code: 137, signal: 9, reason: 'killed' })).toMatchObject({
			signal: '9',
			reason: 'killed',
		});
	});
});

describe('what the page sends', () => {
	it('names the size and the offset', () => {
		expect(encodeResize({ rows: 24, cols: 80 })).toBe('{"type":"resize","rows":24,"cols":80}');
		expect(encodeAck(5, 9)).toBe('{"type":"ack","offset":5,"window":9}');
	});
});
