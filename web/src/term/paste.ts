// SPDX-License-Identifier: Apache-2.0
// What is pasted, made safe and judged. Pure.

/** Control characters but tab, line feed and carriage return. ESC among them: a pasted "end of paste" can't be forged. */
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

/** Text as it is sent: no control characters, and a carriage return for each end of line, as the enter key gives. */
export function cleanPaste(text: string): string {
	return text.replace(controls, '').replace(/\r\n?|\n/g, '\r');
}

export function wrapBracketed(clean: string): string {
	return `\x1b[200~${clean}\x1b[201~`;
}

export interface PasteRisk {
	lines: number;
	/** How many characters cleanPaste() would drop. */
	hidden: number;
}

/** Why a person should see the text first, or null. With bracketed paste the program knows a paste from typing. */
export function judgePaste(text: string, bracketed: boolean): PasteRisk | null {
	const hidden = (text.match(controls) ?? []).length;
	const body = text.replace(/\r\n?/g, '\n');
	const lines = body.split('\n').length;
	const risky = bracketed ? false : lines > 1;
	return risky || hidden > 0 ? { lines, hidden } : null;
}

/** All lines as one, so that nothing is run before a person presses enter. */
export function asOneLine(text: string): string {
	return text
		.split(/\r\n?|\n/)
		.map((line) => line.trim())
		.filter((line) => line !== '')
		.join(' ');
}
