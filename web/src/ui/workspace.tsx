// SPDX-License-Identifier: Apache-2.0
import { useEffect } from 'preact/hooks';
import { Disposables, listen } from '../base/disposable';
import { listenForWake } from '../net/wake';
import { me, page } from '../store/app';
import { handleKey } from '../store/commands';
import { dialog } from '../store/dialogs';
import { active, closeAllTabs, openTabs, refreshIfStale, tabs } from '../store/tabs';
import { fontsReady } from '../term/view';
import { ContextMenu } from './context_menu';
import { Dialogs } from './dialogs';
import { KeyBar } from './key_bar';
import { followKeyboard, Panes } from './panes';
import { Recordings } from './recordings';
import { TopBar } from './top_bar';
import { Users } from './users';
import { Wall } from './wall';

/** Whose tabs are on the page: another person who logs in here must not get them. */
let owner = '';

async function begin(username: string): Promise<void> {
	if (owner !== username) closeAllTabs();
	owner = username;
	await fontsReady();
	await openTabs();
}

/** The shortcuts also work while the focus is on the page and in no field. */
function shortcut(event: KeyboardEvent): void {
	const tab = active.value;
	const inField = event.target instanceof HTMLElement && event.target.matches('input, textarea');
	if (event.defaultPrevented || tab === null || dialog.value !== null || inField) return;
	if (handleKey(event, tab)) event.preventDefault();
}

function useWorkspace(username: string): void {
	useEffect(() => {
		const disposables = new Disposables();
		void begin(username);
		disposables.add(listenForWake(() => tabs.value.map((t) => t.session)));
		followKeyboard(disposables);
		disposables.add(listen(document, 'visibilitychange', refreshIfStale));
		disposables.add(listen(document, 'keydown', shortcut));
		return () => disposables.dispose();
	}, [username]);
}

export function Workspace() {
	const username = me.value?.username ?? '';
	useWorkspace(username);
	const label = active.value?.label.value ?? '';

	useEffect(() => {
		document.title = label === '' ? 'MiniDocker' : `${label} · MiniDocker`;
	}, [label]);

	return (
		<div class="workspace">
			<TopBar />
			<main class="stage">
				{page.value === 'terminals' && <h1 class="offscreen">Terminals</h1>}
				<Panes />
				{page.value === 'users' && <Users />}
				{page.value === 'recordings' && <Recordings />}
				{page.value === 'wall' && <Wall />}
			</main>
			{page.value === 'terminals' && <KeyBar />}
			<ContextMenu />
			<Dialogs />
		</div>
	);
}
