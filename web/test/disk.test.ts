// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { diskWarning } from '../src/store/disk';

const gib = 1024 ** 3;

describe('the disk', () => {
	it('is no matter below 80 %, or without a limit', () => {
		expect(diskWarning({ used: 0.79 * gib, limit: gib })).toBeNull();
		expect(diskWarning({ used: gib, limit: null })).toBeNull();
		expect(diskWarning(null)).toBeNull();
	});

	it('is told of from 80 % on, and when it is full', () => {
		expect(diskWarning({ used: 1.64 * gib, limit: 2 * gib })).toMatch(/^The disk is 82 % full: 1\.64 \w+ of 2 \w+$/);
		expect(diskWarning({ used: 2 * gib, limit: 2 * gib })).toMatch(/^The disk is full: 2 /);
	});
});
