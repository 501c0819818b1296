// SPDX-License-Identifier: Apache-2.0
// The page's own shortcuts and the keys of the key bar, as tables. All shortcuts have ctrl and shift, which programs in a
// terminal can't tell from ctrl alone: nothing is taken away from them.

export type Command =
	| 'copy'
	| 'new-tab'
	| 'close-tab'
	| 'next-tab'
	| 'previous-tab'
	| 'split-right'
	| 'split-down'
	| 'other-pane'
	| 'search'
	| 'paste-box'
	| 'larger'
	| 'smaller'
	| 'normal-size'
	| 'menu'
	| 'help';

export interface Shortcut {
	command: Command;
	/** KeyboardEvent.code: the place on the keyboard, whatever the layout. */
	code: string;
	keys: string;
	text: string;
}

export const shortcuts: Shortcut[] = [
	{ command: 'new-tab', code: 'Enter', keys: 'Enter', text: 'New terminal' },
	{ command: 'close-tab', code: 'KeyX', keys: 'X', text: 'Close this terminal' },
	{ command: 'next-tab', code: 'ArrowRight', keys: '→', text: 'Next terminal' },
	{ command: 'previous-tab', code: 'ArrowLeft', keys: '←', text: 'Previous terminal' },
	{ command: 'split-right', code: 'KeyD', keys: 'D', text: 'Split to the right' },
	{ command: 'split-down', code: 'KeyE', keys: 'E', text: 'Split downwards' },
	{ command: 'other-pane', code: 'KeyO', keys: 'O', text: 'Go to the other half' },
	{ command: 'copy', code: 'KeyC', keys: 'C', text: 'Copy the selection' },
	{ command: 'paste-box', code: 'KeyB', keys: 'B', text: 'Paste through a box' },
	{ command: 'search', code: 'KeyF', keys: 'F', text: 'Search' },
	{ command: 'larger', code: 'Equal', keys: '+', text: 'Larger text' },
	{ command: 'smaller', code: 'Minus', keys: '−', text: 'Smaller text' },
	{ command: 'normal-size', code: 'Digit0', keys: '0', text: 'Normal text size' },
	{ command: 'menu', code: 'KeyM', keys: 'M', text: 'The menu' },
	{ command: 'help', code: 'Slash', keys: '?', text: 'This list' },
];

type KeyPress = Pick<KeyboardEvent, 'ctrlKey' | 'shiftKey' | 'altKey' | 'metaKey' | 'code'>;

const commands = new Map(shortcuts.map((s) => [s.code, s.command]));

export function commandOf(e: KeyPress): Command | null {
	if (!e.ctrlKey || !e.shiftKey || e.altKey || e.metaKey) return null;
	return commands.get(e.code) ?? null;
}

/** ctrl-shift-1..9: the position of a tab, from 0; else null. */
export function tabOf(e: KeyPress): number | null {
	if (!e.ctrlKey || !e.shiftKey || e.altKey || e.metaKey) return null;
	const digit = /^Digit([1-9])$/.exec(e.code)?.[1];
	return digit === undefined ? null : Number(digit) - 1;
}

export interface BarKey {
	label: string;
	name: string;
	/** Sent as it is; with `application`, that instead when the program asked for application cursor keys. */
	send: string;
	application?: string;
}

export const barKeys: BarKey[] = [
	{ label: 'esc', name: 'Escape', send: '\x1b' },
	{ label: 'tab', name: 'Tab', send: '\t' },
	{ label: '←', name: 'Left', send: '\x1b[D', application: '\x1bOD' },
	{ label: '↓', name: 'Down', send: '\x1b[B', application: '\x1bOB' },
	{ label: '↑', name: 'Up', send: '\x1b[A', application: '\x1bOA' },
	{ label: '→', name: 'Right', send: '\x1b[C', application: '\x1bOC' },
	{ label: '/', name: 'Slash', send: '/' },
	{ label: '-', name: 'Minus', send: '-' },
	{ label: '|', name: 'Pipe', send: '|' },
	{ label: '~', name: 'Tilde', send: '~' },
	{ label: 'home', name: 'Home', send: '\x1b[H', application: '\x1bOH' },
	{ label: 'end', name: 'End', send: '\x1b[F', application: '\x1bOF' },
	{ label: 'pgup', name: 'Page up', send: '\x1b[5~' },
	{ label: 'pgdn', name: 'Page down', send: '\x1b[6~' },
];

export interface Modifiers {
	ctrl: boolean;
	alt: boolean;
}

/** What the next key gives while ctrl or alt of the key bar is held. */
export function withModifiers(data: string, held: Modifiers): string {
	let out = data;
	const arrow = /^\x1b(?:\[|O)([A-DHF])$/.exec(data)?.[1];
	if (arrow !== undefined && (held.ctrl || held.alt)) {
		const modifier = 1 + (held.alt ? 2 : 0) + (held.ctrl ? 4 : 0);
		return `\x1b[1;${modifier}${arrow}`;
	}
	if (held.ctrl && out.length === 1) {
		if (/[@-_a-z]/.test(out)) out = String.fromCharCode(out.charCodeAt(0) & 0x1f);
		else if (out === ' ') out = '\0';
		else if (out === '?') out = '\x7f';
	}
	return held.alt ? `\x1b${out}` : out;
}
