// SPDX-License-Identifier: Apache-2.0
// Output without a character that is cut in two. xterm.js drops some of those whose bytes come in two writes (where one of
// those before the cut is 0x80, as in "…"), so the beginning of a character is held back until the rest of it is there.

const none = new Uint8Array(0);

/** How many bytes at the end are the beginning of a character. */
export function cutCharacter(bytes: Uint8Array): number {
	for (let back = 1; back <= 3 && back <= bytes.length; back++) {
		const byte = bytes[bytes.length - back]!;
		if (byte < 0x80) return 0;
		if (byte < 0xc0) continue;
		const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
		return length > back ? back : 0;
	}
	return 0;
}

export class WholeCharacters {
	private held = none;

	/** What can be written now: what was held back before, and `bytes` up to its last whole character. */
	take(bytes: Uint8Array): Uint8Array {
		let all = bytes;
		if (this.held.length > 0) {
			all = new Uint8Array(this.held.length + bytes.length);
			all.set(this.held);
			all.set(bytes, this.held.length);
		}
		const cut = cutCharacter(all);
		this.held = cut > 0 ? all.slice(all.length - cut) : none;
		return cut > 0 ? all.subarray(0, all.length - cut) : all;
	}
}
