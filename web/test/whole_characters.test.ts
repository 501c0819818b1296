// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { Terminal } from '@xterm/headless';
import { cutCharacter, WholeCharacters } from '../src/term/whole_characters';

const text = 'a…b─c漢🐀é\u0080x';
const bytes = new TextEncoder().encode(text);

function shown(pieces: Uint8Array[]): Promise<string> {
	const terminal = new Terminal({ cols: 40, rows: 2, allowProposedApi: true });
	for (const piece of pieces.slice(0, -1)) terminal.write(piece);
	return new Promise((resolve) => {
		terminal.write(pieces.at(-1)!, () => resolve(terminal.buffer.active.getLine(0)!.translateToString(true)));
	});
}

describe('output that is cut anywhere', () => {
	it('is the same when it is put together again', () => {
		for (let cut = 0; cut <= bytes.length; cut++) {
			const whole = new WholeCharacters();
			const pieces = [whole.take(bytes.subarray(0, cut)), whole.take(bytes.subarray(cut))];
			expect(Buffer.concat(pieces).toString()).toBe(text);
			expect(Buffer.from(pieces[0]!).toString()).not.toContain('\ufffd');
		}
	});

	it('shows all of its characters in xterm.js, cut into single bytes too', async () => {
		const expected = await shown([bytes]);
		const whole = new WholeCharacters();
		expect(await shown(Array.from(bytes, (byte) => whole.take(Uint8Array.of(byte))))).toBe(expected);
	});

	it('holds nothing back that will not become a character', () => {
		expect(cutCharacter(Uint8Array.of(0x61, 0x80, 0x80, 0x80))).toBe(0);
		expect(cutCharacter(Uint8Array.of(0xe2, 0x61))).toBe(0);
		expect(cutCharacter(Uint8Array.of())).toBe(0);
		expect(cutCharacter(Uint8Array.of(0xf0, 0x9f))).toBe(2);
	});
});
