// SPDX-License-Identifier: Apache-2.0
// An admin at somebody's terminal, in a browser tab of its own: to look, or, when asked for, to help.
import { useEffect, useState } from 'preact/hooks';
import { Disposables } from '../base/disposable';
import { listenForWake } from '../net/wake';
import { lookedAt } from '../store/app';
import { active, closeAllTabs, openLookTab, tabs } from '../store/tabs';
import { fontsReady } from '../term/view';
import { ContextMenu } from './context_menu';
import { Dialogs } from './dialogs';
import { Logo } from './icons';
import { KeyBar } from './key_bar';
import { followKeyboard, Panes } from './panes';
import { Status } from './status';

export function Look() {
	const { user, terminal } = lookedAt.value!;
	const [control, setControl] = useState(false);
	const title = active.value?.label.value ?? '';

	useEffect(() => void fontsReady().then(() => openLookTab(user, terminal, control)), [control]);

	useEffect(() => {
		const disposables = new Disposables();
		disposables.add(listenForWake(() => tabs.value.map((t) => t.session)));
		followKeyboard(disposables);
		return () => {
			disposables.dispose();
			closeAllTabs();
		};
	}, []);

	useEffect(() => {
		document.title = `${user}: ${title} · MiniDocker`;
	}, [title]);

	return (
		<div class="workspace">
			<header class="top-bar">
				<span class="home">
					<Logo size={22} />
				</span>
				<p class="watch-title">
					{user}: {title}
					<small>
						{control ? 'You can type here' : 'You look only'}. {user} sees that you are here
						<span class="wide-only">, and it is logged</span>.
					</small>
				</p>
				<div class="top-tools">
					<Status />
					<button
						class="small"
						title={control ? 'Type no more' : 'Type in this terminal, too'}
						onClick={() => setControl(!control)}
					>
						{control ? 'Only look' : 'Help'}
					</button>
				</div>
			</header>
			<main class="stage">
				<Panes />
			</main>
			{control && <KeyBar />}
			<ContextMenu />
			<Dialogs />
		</div>
	);
}
