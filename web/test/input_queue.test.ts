// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { InputQueue } from '../src/net/input_queue';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

it('gives the bytes back in order, in pieces of the wanted size, once', () => {
	const queue = new InputQueue(100);
	queue.push(bytes(1, 2, 3));
	queue.push(bytes(4));
	queue.push(bytes(5, 6));
	expect([...queue.take(4)!]).toEqual([1, 2, 3, 4]);
	expect(queue.size).toBe(2);
	expect([...queue.take(4)!]).toEqual([5, 6]);
	expect(queue.take(4)).toBeNull();
});

it('keeps a copy: the caller may reuse its buffer', () => {
	const queue = new InputQueue(10);
	const mine = bytes(1);
	queue.push(mine);
	mine[0] = 9;
	expect([...queue.take(1)!]).toEqual([1]);
});

it('refuses a piece that does not fit, whole', () => {
	const queue = new InputQueue(4);
	expect(queue.push(bytes(1, 2, 3))).toBe(true);
	expect(queue.push(bytes(4, 5))).toBe(false);
	expect(queue.push(bytes(4))).toBe(true);
	expect([...queue.take(10)!]).toEqual([1, 2, 3, 4]);
});

it('keeps what was sent until it is confirmed, and gives it again after a rewind', () => {
	const queue = new InputQueue(100);
	queue.push(bytes(1, 2, 3));
	queue.push(bytes(4, 5));
	queue.take(4);
	expect([queue.size, queue.unconfirmed, queue.confirmed]).toEqual([1, 4, 0]);
	expect(queue.confirm(2)).toBe(true);
	expect([queue.size, queue.unconfirmed, queue.confirmed]).toEqual([1, 2, 2]);
	queue.rewind();
	expect([queue.size, queue.unconfirmed]).toEqual([3, 0]);
	expect([...queue.take(10)!]).toEqual([3, 4, 5]);
	expect(queue.confirm(5)).toBe(true);
	queue.rewind();
	expect(queue.take(10)).toBeNull();
});

it('confirms nothing that was not sent', () => {
	const queue = new InputQueue(100);
	queue.push(bytes(1, 2, 3));
	queue.take(1);
	expect(queue.confirm(2)).toBe(false);
	expect(queue.confirm(-1)).toBe(false);
	expect(queue.unconfirmed).toBe(1);
});

it('settles: what was sent is forgotten, and what waits goes on at the given offset', () => {
	const queue = new InputQueue(100);
	queue.push(bytes(1, 2, 3));
	queue.take(2);
	queue.settle(50);
	expect([queue.size, queue.unconfirmed, queue.confirmed]).toEqual([1, 0, 50]);
	expect([...queue.take(10)!]).toEqual([3]);
	expect(queue.confirm(51)).toBe(true);
});

it('forgets on clear', () => {
	const queue = new InputQueue(4);
	queue.push(bytes(1));
	queue.clear();
	expect(queue.size).toBe(0);
	expect(queue.take(1)).toBeNull();
});
