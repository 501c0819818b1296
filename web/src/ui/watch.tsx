// SPDX-License-Identifier: Apache-2.0
// The page behind a shared link: one terminal of somebody else, to look at or to type in.
import { useEffect, useRef } from 'preact/hooks';
import { Disposables } from '../base/disposable';
import { listenForWake } from '../net/wake';
import { watchedLink } from '../store/app';
import { active, closeAllTabs, openLinkTab, tabs } from '../store/tabs';
import { fontsReady } from '../term/view';
import { ContextMenu } from './context_menu';
import { Dialogs } from './dialogs';
import { Logo } from './icons';
import { KeyBar } from './key_bar';
import { followKeyboard, Panes } from './panes';
import { Status } from './status';

export function Watch() {
	useEffect(() => {
		const disposables = new Disposables();
		void fontsReady().then(() => openLinkTab(watchedLink.value));
		disposables.add(listenForWake(() => tabs.value.map((t) => t.session)));
		followKeyboard(disposables);
		return () => {
			disposables.dispose();
			closeAllTabs();
		};
	}, []);

	const state = active.value?.state.value;
	// What the link allows, as the last hello said; a break changes nothing.
	const may = useRef<'look' | 'type' | null>(null);
	if (state?.phase === 'live') may.current = state.readOnly ? 'look' : 'type';
	else if (state?.phase === 'unauthorized') may.current = null;
	const title = active.value?.label.value ?? '';

	useEffect(() => {
		document.title = `${title} · shared · MiniDocker`;
	}, [title]);

	return (
		<div class="workspace">
			<header class="top-bar">
				<span class="home">
					<Logo size={22} />
				</span>
				<p class="watch-title">
					{title}
					{may.current !== null && (
						<small>
							{may.current === 'look' ? 'Shared with you, to look at' : 'Shared with you: you can type'}
						</small>
					)}
				</p>
				<div class="top-tools">
					<Status />
				</div>
			</header>
			<main class="stage">
				<Panes />
			</main>
			{may.current === 'type' && <KeyBar />}
			<ContextMenu />
			<Dialogs />
		</div>
	);
}
