// SPDX-License-Identifier: Apache-2.0
// What goes between the terminal and the person: pastes, clipboard, links, titles, keys, sizes.
import { describe, expect, it } from 'vitest';
import { capital, formatBytes, formatDuration, formatLatency, plainTitle } from '../src/base/text';
import { defaults, parseSettings } from '../src/store/settings_model';
import { fit, least, shrink } from '../src/term/geometry';
import { commandOf, shortcuts, tabOf, withModifiers } from '../src/term/keys';
import { parseLink } from '../src/term/links';
import { parseOsc52 } from '../src/term/osc52';
import { asOneLine, cleanPaste, judgePaste, wrapBracketed } from '../src/term/paste';

describe('a paste', () => {
	it('sends a carriage return for each end of line', () => {
		expect(cleanPaste('a\nb\r\nc\rd')).toBe('a\rb\rc\rd');
	});

	it('can hold no escape sequence, so none that ends a bracketed paste', () => {
		const wrapped = wrapBracketed(cleanPaste('x\x1b[201~\nrm -rf /\n\x9b201~\x03'));
		expect(wrapped).toBe('\x1b[200~x[201~\rrm -rf /\r201~\x1b[201~');
	});

	it('of several lines is shown first, unless the program knows pastes', () => {
		expect(judgePaste('one', false)).toBeNull();
		expect(judgePaste('one\n', false)).toEqual({ lines: 2, hidden: 0 });
		expect(judgePaste('one\r\ntwo', true)).toBeNull();
	});

	it('with invisible characters is always shown first', () => {
		expect(judgePaste('a\x1bb\x07', true)).toEqual({ lines: 1, hidden: 2 });
	});

	it('becomes one line', () => {
		expect(asOneLine('  make \\\n\n\tall\r\n')).toBe('make \\ all');
	});
});

describe('OSC 52', () => {
	it('writes UTF-8', () => {
		expect(parseOsc52('c;Z3LDvG4=')).toBe('grün');
	});

	it.each([
		['a query', 'c;?'],
		['nothing', 'c;'],
		['no selection', 'Z3LDvG4='],
		['no base64', 'c;***'],
		['no UTF-8', 'c;/w=='],
		['too much', `c;${'A'.repeat(2 << 20)}`],
	])('refuses %s', (_, data) => {
		expect(parseOsc52(data)).toBeNull();
	});
});

describe('a link', () => {
	it('shows where it really leads', () => {
		expect(parseLink('https://bank.example@evil.example/x')?.origin).toBe('https://evil.example');
	});

	it.each(['javascript:alert(1)', 'file:///etc/passwd', 'data:text/html,x', 'no address'])(
		'%s is none',
		(text) => expect(parseLink(text)).toBeNull(),
	);
});

describe('a title', () => {
	it('is one line of plain text', () => {
		expect(plainTitle(' a\u001b[31m\n\u202ecod.exe\u200b ')).toBe('a[31mcod.exe');
	});

	it('is cut between characters', () => {
		expect(plainTitle('😀'.repeat(10), 4)).toBe('😀😀😀…');
	});
});

describe('keys', () => {
	const key = (code: string, more: object = {}) => ({
		code,
		ctrlKey: true,
		shiftKey: true,
		altKey: false,
		metaKey: false,
		...more,
	});

	it('have one command each', () => {
		expect(new Set(shortcuts.map((s) => s.code)).size).toBe(shortcuts.length);
	});

	it('belong to the page only with ctrl and shift', () => {
		expect(commandOf(key('KeyF'))).toBe('search');
		expect(commandOf(key('KeyF', { shiftKey: false }))).toBeNull();
		expect(commandOf(key('KeyF', { altKey: true }))).toBeNull();
		expect(tabOf(key('Digit3'))).toBe(2);
		expect(tabOf(key('Digit0'))).toBeNull();
	});

	it('take ctrl and alt from the key bar', () => {
		expect(withModifiers('c', { ctrl: true, alt: false })).toBe('\x03');
		expect(withModifiers('[', { ctrl: true, alt: false })).toBe('\x1b');
		expect(withModifiers('x', { ctrl: false, alt: true })).toBe('\x1bx');
		expect(withModifiers('\x1b[D', { ctrl: true, alt: false })).toBe('\x1b[1;5D');
		expect(withModifiers('\x1bOA', { ctrl: true, alt: true })).toBe('\x1b[1;7A');
		expect(withModifiers('_', { ctrl: true, alt: false })).toBe('\x1f');
		for (const letter of ['ü', 'ß', 'ſ', '5', '{']) {
			expect(withModifiers(letter, { ctrl: true, alt: false })).toBe(letter);
		}
	});
});

describe('sizes', () => {
	const cell = { width: 8, height: 16 };

	it('fit whole cells, and never none', () => {
		expect(fit({ width: 645, height: 399 }, cell)).toEqual({ rows: 24, cols: 80 });
		expect(fit({ width: 5, height: 5 }, cell)).toEqual(least);
		expect(fit({ width: 20000, height: 20000 }, cell)).toEqual({ rows: 512, cols: 1024 });
		expect(fit({ width: 0, height: 0 }, cell)).toBeNull();
	});

	it('of others are shown whole by smaller text, never by larger', () => {
		const room = { width: 640, height: 384 };
		expect(shrink({ rows: 24, cols: 80 }, room, cell, 14)).toBe(14);
		expect(shrink({ rows: 24, cols: 160 }, room, cell, 14)).toBe(7);
		expect(shrink({ rows: 10, cols: 20 }, room, cell, 14)).toBe(14);
	});
});

describe('figures for people', () => {
	it.each([
		[0, '0 B'],
		[999, '999 B'],
		[100 * 1024 ** 2, '100 MiB'],
		[1024 ** 3, '1 GiB'],
		[1.5 * 1024 ** 2, '1.5 MiB'],
	])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

	it('times and sentences', () => {
		expect(formatLatency(0.4)).toBe('<1 ms');
		expect(formatLatency(1500)).toBe('1.5 s');
		expect(formatDuration(3700)).toBe('1 h 1 min');
		expect(formatDuration(3600)).toBe('1 h');
		expect(formatDuration(86400)).toBe('1 d');
		expect(capital('exited with code 2')).toBe('Exited with code 2.');
	});
});

describe('stored settings', () => {
	it.each([null, '{', '[]', '3', '{"theme":7,"fontSize":"x","bell":"loud"}'])(
		'%s give the defaults',
		(text) => expect(parseSettings(text)).toEqual(defaults),
	);

	it('keep what is valid and stay within bounds', () => {
		expect(parseSettings('{"theme":"light","fontSize":500,"later":1}')).toEqual({
			...defaults,
			theme: 'light',
			fontSize: 32,
		});
	});
});
