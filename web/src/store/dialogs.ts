// SPDX-License-Identifier: Apache-2.0
// Which dialog is open, with what it is about. One at a time.
import { signal } from '@preact/signals';
import type { Link } from '../term/links';
import type { PasteRisk } from '../term/paste';
import type { Tab } from './tabs';

export type DialogState =
	| { kind: 'settings' }
	| { kind: 'shortcuts' }
	| { kind: 'workspace' }
	| { kind: 'password' }
	| { kind: 'share'; tab: Tab }
	| { kind: 'paste-box'; tab: Tab }
	| { kind: 'paste-warning'; tab: Tab; text: string; risk: PasteRisk }
	| { kind: 'link'; link: Link }
	| { kind: 'close-terminal'; tab: Tab };

export const dialog = signal<DialogState | null>(null);
/** The search bar of the active terminal. */
export const searching = signal(false);
/** The tab whose name is being written. */
export const renaming = signal<Tab | null>(null);
/** The menu behind the person's name. */
export const menuOpen = signal(false);
export const contextMenu = signal<{ tab: Tab; x: number; y: number } | null>(null);

export function closeDialog(): void {
	dialog.value = null;
}
