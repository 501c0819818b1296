// SPDX-License-Identifier: Apache-2.0

/**
 * What was typed, in order and bounded: first what was sent and may have to be sent again, then what waits. Each byte has
 * an offset in this page's stream of input; a server that counts says up to where the bytes have arrived. A piece is kept
 * whole or refused whole: half of a command is worse than none.
 */
export class InputQueue {
	private pieces: Uint8Array[] = [];
	/** Offset of the first byte that is kept. */
	private base = 0;
	/** How many of the kept bytes were sent. */
	private sent = 0;
	private waiting = 0;

	constructor(private readonly ceiling: number) {}

	/** Bytes waiting to be sent. */
	get size(): number {
		return this.waiting;
	}

	/** Bytes that were sent and of which nobody has said yet that they arrived. */
	get unconfirmed(): number {
		return this.sent;
	}

	/** All bytes before this offset have arrived. */
	get confirmed(): number {
		return this.base;
	}

	/** False: it did not fit, and nothing of it was kept. */
	push(bytes: Uint8Array): boolean {
		if (this.waiting + bytes.length > this.ceiling) return false;
		if (bytes.length > 0) this.pieces.push(bytes.slice());
		this.waiting += bytes.length;
		return true;
	}

	/** At most `max` of the waiting bytes, which count as sent now, or null when there are none. */
	take(max: number): Uint8Array | null {
		if (this.waiting === 0) return null;
		const out = new Uint8Array(Math.min(max, this.waiting));
		let skip = this.sent;
		let at = 0;
		for (const piece of this.pieces) {
			if (skip >= piece.length) {
				skip -= piece.length;
				continue;
			}
			const part = piece.subarray(skip, skip + out.length - at);
			skip = 0;
			out.set(part, at);
			at += part.length;
			if (at === out.length) break;
		}
		this.sent += out.length;
		this.waiting -= out.length;
		return out;
	}

	/** The bytes before `offset` have arrived: they are forgotten. False, and nothing is changed, if those were never sent. */
	confirm(offset: number): boolean {
		let gone = offset - this.base;
		if (gone < 0 || gone > this.sent) return false;
		this.base = offset;
		this.sent -= gone;
		while (gone > 0) {
			const first = this.pieces[0]!;
			if (first.length > gone) {
				this.pieces[0] = first.subarray(gone);
				return true;
			}
			gone -= first.length;
			this.pieces.shift();
		}
		return true;
	}

	/** What was sent and not confirmed has not arrived: it waits again. */
	rewind(): void {
		this.waiting += this.sent;
		this.sent = 0;
	}

	/** Forgets what was sent, arrived or not; the stream goes on at `offset`. */
	settle(offset = this.base + this.sent): void {
		this.confirm(this.base + this.sent);
		this.base = offset;
	}

	clear(): void {
		this.pieces = [];
		this.sent = 0;
		this.waiting = 0;
	}
}
