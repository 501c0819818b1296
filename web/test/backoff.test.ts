// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { Backoff } from '../src/net/backoff';

it('doubles from 0.25 to 8 seconds and stays there', () => {
	const backoff = new Backoff(() => 0.5);
	const delays = Array.from({ length: 8 }, () => backoff.next());
	expect(delays).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
});

it('spreads by a quarter to both sides', () => {
	expect(new Backoff(() => 0).next()).toBe(188);
	expect(new Backoff(() => 1).next()).toBe(313);
});

it('begins anew after a success', () => {
	const backoff = new Backoff(() => 0.5);
	backoff.next();
	backoff.next();
	backoff.reset();
	expect(backoff.next()).toBe(250);
});
