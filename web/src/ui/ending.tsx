// SPDX-License-Identifier: Apache-2.0
// What the page says when a shell has ended: how, why, and what to do now.
import { useEffect, useRef } from 'preact/hooks';
import type { Exit } from '../net/codec';
import { active, closeTab, replaceTab, tabs, type Tab } from '../store/tabs';

function describe(exit: Exit): string {
	if (exit.signal !== null) return `Ended by signal ${exit.signal}.`;
	if (exit.code === null) return '';
	return exit.code === 0 ? 'Exit status 0.' : `Exit status ${exit.code}.`;
}

function words(tab: Tab): { title: string; text: string } | null {
	const state = tab.state.value;
	if (state.phase === 'gone') {
		return { title: 'This terminal is gone', text: 'It was closed, or its workspace restarted.' };
	}
	if (state.phase !== 'exited') return null;
	const status = describe(state.exit);
	const { reason } = state.exit;
	const text = reason === '' || reason === 'exit' ? status : `${capital(reason)} ${status}`;
	return { title: 'The shell has ended', text: text.trim() };
}

function capital(sentence: string): string {
	const text = sentence.charAt(0).toUpperCase() + sentence.slice(1);
	return /[.!?]$/.test(text) ? text : `${text}.`;
}

export function Ending({ tab }: { tab: Tab }) {
	const said = words(tab);
	const button = useRef<HTMLButtonElement>(null);
	const ended = said !== null;

	useEffect(() => {
		if (ended && active.value === tab) button.current?.focus();
	}, [ended, tab]);

	if (said === null) return null;
	return (
		<div class="ending" role="alertdialog" aria-label={said.title}>
			<div>
				<strong>{said.title}</strong>
				<p>{said.text}</p>
			</div>
			<div class="buttons">
				{tabs.value.length > 1 && (
					<button onClick={() => void closeTab(tab)}>Close the tab</button>
				)}
				<button ref={button} class="primary" onClick={() => void replaceTab(tab)}>
					New shell
				</button>
			</div>
		</div>
	);
}
