// SPDX-License-Identifier: Apache-2.0

/**
 * What was typed and not yet handed to a socket, in order, bounded. A piece is kept whole or refused whole: half of a
 * command is worse than none.
 */
export class InputQueue {
	private pieces: Uint8Array[] = [];
	private held = 0;

	constructor(private readonly ceiling: number) {}

	/** Bytes waiting. */
	get size(): number {
		return this.held;
	}

	/** False: it did not fit, and nothing of it was kept. */
	push(bytes: Uint8Array): boolean {
		if (this.held + bytes.length > this.ceiling) return false;
		if (bytes.length > 0) this.pieces.push(bytes.slice());
		this.held += bytes.length;
		return true;
	}

	/** At most `max` bytes from the front, or null when there are none. They are the caller's now: never sent twice. */
	take(max: number): Uint8Array | null {
		if (this.held === 0) return null;
		const out = new Uint8Array(Math.min(max, this.held));
		let at = 0;
		while (at < out.length) {
			const first = this.pieces[0]!;
			const part = first.subarray(0, out.length - at);
			out.set(part, at);
			at += part.length;
			if (part.length === first.length) this.pieces.shift();
			else this.pieces[0] = first.subarray(part.length);
		}
		this.held -= out.length;
		return out;
	}

	clear(): void {
		this.pieces = [];
		this.held = 0;
	}
}
