// SPDX-License-Identifier: Apache-2.0
import type { CSSProperties } from 'preact';
import { useEffect } from 'preact/hooks';
import { Disposables, listen, onDispose } from '../base/disposable';
import { listenForWake } from '../net/wake';
import { me, page } from '../store/app';
import { handleKey } from '../store/commands';
import { dialog } from '../store/dialogs';
import { active, closeAllTabs, openTabs, refresh, shown, split, splitRatio, tabs } from '../store/tabs';
import type { Tab } from '../store/tabs';
import { fontsReady } from '../term/view';
import { ContextMenu } from './context_menu';
import { Dialogs } from './dialogs';
import { KeyBar } from './key_bar';
import { Pane } from './pane';
import { SplitHandle } from './split_handle';
import { TopBar } from './top_bar';
import { Users } from './users';

/** Whose tabs are on the page: another person who logs in here must not get them. */
let owner = '';

async function begin(username: string): Promise<void> {
	if (owner !== username) closeAllTabs();
	owner = username;
	await fontsReady();
	await openTabs();
}

/** The height that the on-screen keyboard leaves. */
function followKeyboard(disposables: Disposables): void {
	const viewport = window.visualViewport;
	if (viewport === null) return;
	const update = (): void => {
		document.documentElement.style.setProperty('--height', `${viewport.height}px`);
		window.scrollTo(0, 0);
	};
	update();
	disposables.add(listen(viewport, 'resize', update));
}

/** The shortcuts also work while the focus is on the page and in no field. */
function shortcut(event: KeyboardEvent): void {
	const tab = active.value;
	const inField = event.target instanceof HTMLElement && event.target.matches('input, textarea');
	if (event.defaultPrevented || tab === null || dialog.value !== null || inField) return;
	if (handleKey(event, tab)) event.preventDefault();
}

const refreshEvery = 15_000;

function useWorkspace(username: string): void {
	useEffect(() => {
		const disposables = new Disposables();
		void begin(username);
		disposables.add(listenForWake(() => tabs.value.map((t) => t.session)));
		followKeyboard(disposables);
		const look = (): void => {
			if (document.visibilityState === 'visible') void refresh();
		};
		const timer = setInterval(look, refreshEvery);
		disposables.add(onDispose(() => clearInterval(timer)));
		disposables.add(listen(document, 'visibilitychange', look));
		disposables.add(listen(document, 'keydown', shortcut));
		return () => disposables.dispose();
	}, [username]);
}

/** Where the pane at `index` of `count` stands, in parts of the whole. */
function place(index: number, count: number): CSSProperties {
	if (count < 2) return { inset: '0' };
	const at = `${splitRatio.value * 100}%`;
	const rest = `${(1 - splitRatio.value) * 100}%`;
	if (split.value === 'right') {
		return index === 0 ? { inset: '0', right: rest } : { inset: '0', left: at };
	}
	return index === 0 ? { inset: '0', bottom: rest } : { inset: '0', top: at };
}

function Panes() {
	const visible = shown.value;
	// A tab that was never shown has no pane: its terminal is not even connected.
	const made = tabs.value.filter((t) => visible.includes(t) || t.state.value.phase !== 'closed');
	return (
		<div class={visible.length > 1 ? 'panes two' : 'panes'}>
			{made.map((tab: Tab) => {
				const index = visible.indexOf(tab);
				return (
					<Pane
						key={tab.key}
						tab={tab}
						visible={index >= 0}
						focused={active.value === tab}
						style={place(index, visible.length)}
					/>
				);
			})}
			{visible.length > 1 && <SplitHandle />}
		</div>
	);
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
				<Panes />
				{page.value === 'users' && <Users />}
			</main>
			<KeyBar />
			<ContextMenu />
			<Dialogs />
		</div>
	);
}
