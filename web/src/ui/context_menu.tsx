// SPDX-License-Identifier: Apache-2.0
import { copySelection, pasteFromClipboard } from '../store/commands';
import { contextMenu, dialog, searching } from '../store/dialogs';
import { Menu } from './menu';

export function ContextMenu() {
	const open = contextMenu.value;
	if (open === null) return null;
	const { tab, x, y } = open;
	const { view } = tab;
	const nothing = (view?.selection ?? '') === '';

	function close(): void {
		contextMenu.value = null;
		view?.focus();
	}

	return (
		<Menu
			key={`${x},${y}`}
			label="Terminal"
			at={{ x, y }}
			onClose={close}
			items={[
				{
					label: 'Copy',
					keys: 'ctrl shift C',
					disabled: nothing,
					run: () => void copySelection(tab),
				},
				{ label: 'Paste', keys: 'ctrl shift V', run: () => void pasteFromClipboard(tab) },
				{
					label: 'Paste through a box…',
					keys: 'ctrl shift B',
					run: () => (dialog.value = { kind: 'paste-box', tab }),
				},
				'line',
				{ label: 'Select all', run: () => view?.selectAll() },
				{ label: 'Search…', keys: 'ctrl shift F', run: () => (searching.value = true) },
				{ label: 'Clear the scrollback', run: () => view?.clearScrollback() },
			]}
		/>
	);
}
