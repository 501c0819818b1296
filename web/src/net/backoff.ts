// SPDX-License-Identifier: Apache-2.0

export const firstDelay = 250;
export const lastDelay = 8000;

/** Delays of 0.25 s doubling to 8 s, each within +-25 %, so that a server that comes back isn't met by all at once. */
export class Backoff {
	private attempt = 0;

	constructor(private readonly random: () => number) {}

	/** Milliseconds to wait before the next try. */
	next(): number {
		const base = Math.min(lastDelay, firstDelay * 2 ** this.attempt);
		if (base < lastDelay) this.attempt++;
		return Math.round(base * (0.75 + 0.5 * this.random()));
	}

	reset(): void {
		this.attempt = 0;
	}
}
