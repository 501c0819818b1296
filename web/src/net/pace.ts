// SPDX-License-Identifier: Apache-2.0

export const mostAhead = 256 * 1024;
export const leastAhead = 16 * 1024;
const slow = 50;
const quick = 10;

/**
 * How many bytes may be on their way to the screen. What is ahead of it when a person types ctrl-C is shown before the
 * prompt, so a page that shows slowly lets less come: what it can show in about 50 ms.
 */
export class Pace {
	private ahead = mostAhead;

	/** Bytes, for the server. */
	get window(): number {
		return this.ahead;
	}

	/** After how many bytes shown the server is to hear of it. */
	get step(): number {
		return this.ahead / 8;
	}

	/** Bytes were on the screen `ms` after they had come. */
	shown(ms: number): void {
		if (ms > slow) this.ahead = Math.max(leastAhead, this.ahead / 2);
		else if (ms < quick) this.ahead = Math.min(mostAhead, this.ahead * 2);
	}
}
