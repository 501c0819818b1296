// SPDX-License-Identifier: Apache-2.0
// One terminal on the page: its screen, and what is said over it.
import { useSignalEffect } from '@preact/signals';
import type { CSSProperties } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { ringBell } from '../term/bell';
import { TerminalView, type ViewHooks } from '../term/view';
import { config } from '../store/app';
import { clipboardFromProgram, handleKey, paste } from '../store/commands';
import { contextMenu, dialog, searching } from '../store/dialogs';
import { take } from '../store/modifiers';
import { settings, themeNow } from '../store/settings';
import type { Settings } from '../store/settings_model';
import { activate, active, type Tab } from '../store/tabs';
import { Banners } from './banners';
import { Ending } from './ending';
import { LinkStatus } from './link_status';
import { SearchBar } from './search_bar';

function hooksOf(tab: Tab, host: HTMLElement): ViewHooks {
	return {
		onKey: (event) => handleKey(event, tab),
		onPaste: (text) => paste(tab, text),
		onClipboardWrite: clipboardFromProgram,
		onLink: (link) => (dialog.value = { kind: 'link', link }),
		onTitle: (title) => (tab.title.value = title),
		onBell: () => {
			tab.stirred('bell');
			ringBell(settings.value.bell, host);
		},
		onFocus: () => {
			if (active.value !== tab) activate(tab);
		},
		onSelection: () => undefined,
		onForeignSize: (size) => (tab.foreignSize.value = size),
		takeModifiers: take,
	};
}

/** What was chosen, as far as this server allows it. */
function settingsHere(): Settings {
	return { ...settings.value, images: settings.value.images && config.value.images };
}

/** Makes the view with the element, and connects when it is first shown. */
function useView(tab: Tab, visible: boolean) {
	const host = useRef<HTMLDivElement>(null);

	useEffect(() => {
		if (host.current === null) return;
		const hooks = hooksOf(tab, host.current);
		const view = new TerminalView(host.current, tab.session, settingsHere(), themeNow(), hooks);
		tab.view = view;
		tab.session.begin();
		return () => {
			tab.view = null;
			view.dispose();
		};
	}, [tab]);

	useEffect(() => {
		tab.view?.setVisible(visible);
		if (visible && active.value === tab) tab.view?.focus();
	}, [tab, visible]);

	useSignalEffect(() => {
		const chosen = settingsHere();
		const theme = themeNow();
		tab.view?.apply(chosen, theme);
	});

	return host;
}

function openMenu(event: MouseEvent, tab: Tab): void {
	// With shift the browser's own menu; where a program has the mouse, the click is the program's.
	if (event.shiftKey || tab.view?.mouseIsTaken === true) return;
	event.preventDefault();
	contextMenu.value = { tab, x: event.clientX, y: event.clientY };
}

interface Props {
	tab: Tab;
	visible: boolean;
	focused: boolean;
	style: CSSProperties;
}

export function Pane({ tab, visible, focused, style }: Props) {
	const host = useView(tab, visible);
	const foreign = tab.foreignSize.value;
	const state = tab.state.value;
	const readOnly = state.phase === 'live' && state.readOnly;

	return (
		<section
			id={`pane-${tab.key}`}
			class={focused ? 'pane focused' : 'pane'}
			hidden={!visible}
			style={style}
			aria-label={tab.label.value}
			role="tabpanel"
			data-terminal={tab.terminal.value ?? ''}
			data-phase={state.phase}
		>
			<Banners tab={tab} />
			<div class="pane-body">
				<div class="terminal" ref={host} onContextMenu={(e) => openMenu(e, tab)} />
				{foreign !== null && (
					<p class="size-note">
						{foreign.cols}×{foreign.rows}, set by another window.
						{!readOnly && ' Type here to use this one’s.'}
					</p>
				)}
				<LinkStatus tab={tab} />
				<Ending tab={tab} />
				{focused && searching.value && <SearchBar tab={tab} />}
			</div>
		</section>
	);
}
