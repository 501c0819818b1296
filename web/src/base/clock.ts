// SPDX-License-Identifier: Apache-2.0
import { onDispose, type Disposable } from './disposable';

/** Time as the session sees it, so that tests can hold it still. */
export interface Clock {
	/** Milliseconds, never going back. */
	now(): number;
	after(ms: number, run: () => void): Disposable;
	random(): number;
}

export const realClock: Clock = {
	now: () => performance.now(),
	after(ms, run) {
		const id = setTimeout(run, ms);
		return onDispose(() => clearTimeout(id));
	},
	random: () => Math.random(),
};
