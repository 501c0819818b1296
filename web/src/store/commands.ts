// SPDX-License-Identifier: Apache-2.0
// What a person can do with a terminal, by whatever way: a shortcut, a menu, the key bar.
import { copyText, readText } from '../term/clipboard';
import { commandOf, tabOf, type Command } from '../term/keys';
import { judgePaste } from '../term/paste';
import { dialog, menuOpen, searching } from './dialogs';
import { change, settings } from './settings';
import { clampFont, defaults } from './settings_model';
import * as tabs from './tabs';
import type { Tab } from './tabs';
import { toast } from './toasts';

export async function copySelection(tab: Tab): Promise<void> {
	const text = tab.view?.selection ?? '';
	if (text === '') return;
	if (!(await copyText(text))) toast('error', 'The browser did not let this page copy.');
	tab.view?.focus();
}

/** Sends a paste, after showing it where it could do harm. */
export function paste(tab: Tab, text: string): void {
	const { view } = tab;
	if (view === null || text === '') return;
	const risk = judgePaste(text, view.bracketedPaste);
	if (risk !== null && settings.value.warnMultiLine) {
		dialog.value = { kind: 'paste-warning', tab, text, risk };
	} else {
		view.paste(text);
	}
}

/** Pastes from the clipboard, or opens the box where the browser does not let the page read it. */
export async function pasteFromClipboard(tab: Tab): Promise<void> {
	const text = await readText();
	if (text === null) dialog.value = { kind: 'paste-box', tab };
	else paste(tab, text);
}

/** A program set the clipboard (OSC 52): done if the person allowed that, else offered. */
export function clipboardFromProgram(text: string): void {
	const write = async (): Promise<void> => {
		if (await copyText(text)) return;
		toast('info', 'A program set the clipboard.', {
			label: 'Copy',
			run: () => void copyText(text),
		});
	};
	if (settings.value.clipboardWrite) {
		void write();
		return;
	}
	toast('info', 'A program wants to write to your clipboard.', {
		label: 'Allow',
		run: () => {
			change({ clipboardWrite: true });
			void write();
		},
	});
}

export function askToClose(tab: Tab): void {
	if (tab.alive) dialog.value = { kind: 'close-terminal', tab };
	else void tabs.closeTab(tab);
}

function resizeFont(by: number): void {
	change({ fontSize: clampFont(settings.value.fontSize + by) });
}

const runners: Record<Command, (tab: Tab) => void> = {
	copy: (tab) => void copySelection(tab),
	'new-tab': () => void tabs.newTab(),
	'close-tab': askToClose,
	'next-tab': () => tabs.step(1),
	'previous-tab': () => tabs.step(-1),
	'split-right': () => void tabs.splitTab('right'),
	'split-down': () => void tabs.splitTab('down'),
	'other-pane': () => tabs.otherPane(),
	search: () => (searching.value = true),
	'paste-box': (tab) => (dialog.value = { kind: 'paste-box', tab }),
	larger: () => resizeFont(1),
	smaller: () => resizeFont(-1),
	'normal-size': () => change({ fontSize: defaults.fontSize }),
	menu: () => (menuOpen.value = true),
	help: () => (dialog.value = { kind: 'shortcuts' }),
};

/** True: the key press was the page's own. */
export function handleKey(event: KeyboardEvent, tab: Tab): boolean {
	const command = commandOf(event);
	if (command !== null) {
		runners[command](tab);
		return true;
	}
	const position = tabOf(event);
	if (position !== null) tabs.activateAt(position);
	return position !== null;
}
