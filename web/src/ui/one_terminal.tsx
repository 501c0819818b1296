// SPDX-License-Identifier: Apache-2.0
// The frame of a page that shows one terminal of somebody else and nothing more: behind a shared link, or an admin's look.
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { Disposables } from '../base/disposable';
import { listenForWake } from '../net/wake';
import { closeAllTabs, tabs } from '../store/tabs';
import { ContextMenu } from './context_menu';
import { Dialogs } from './dialogs';
import { Logo } from './icons';
import { KeyBar } from './key_bar';
import { followKeyboard, Panes } from './panes';
import { Status } from './status';

interface Props {
	title: string;
	/** Below the title: what may be done here, and who knows. */
	children: ComponentChildren;
	tools?: ComponentChildren;
	pageTitle: string;
	canType: boolean;
}

export function OneTerminal({ title, children, tools, pageTitle, canType }: Props) {
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
		document.title = `${pageTitle} · MiniDocker`;
	}, [pageTitle]);

	return (
		<div class="workspace">
			<header class="top-bar">
				<span class="home">
					<Logo size={22} />
				</span>
				<p class="watch-title">
					{title}
					{children !== false && <small>{children}</small>}
				</p>
				<div class="top-tools">
					<Status />
					{tools}
				</div>
			</header>
			<main class="stage">
				<Panes />
			</main>
			{canType && <KeyBar />}
			<ContextMenu />
			<Dialogs />
		</div>
	);
}
