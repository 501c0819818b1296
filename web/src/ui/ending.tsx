// SPDX-License-Identifier: Apache-2.0
// What the page says when a shell has ended: how, why, and what to do now.
import { useEffect, useRef } from 'preact/hooks';
import { capital, formatBytes } from '../base/text';
import type { Exit } from '../net/codec';
import { screen } from '../store/app';
import { active, closeTab, replaceTab, tabs, type Tab } from '../store/tabs';

const titles: Record<string, string> = {
	closed: 'This terminal was closed',
	stopped: 'The workspace was stopped',
	init: 'The workspace has ended',
	memory: 'The memory limit ended the shell',
	failed: 'The shell could not be started',
	restarted: 'The workspace was restarted',
};

/** What was typed for a shell that is no more went to no other. */
function unsentText(bytes: number): string {
	return bytes > 0 ? ` ${formatBytes(bytes)} typed meanwhile were sent nowhere.` : '';
}

function describe(exit: Exit): string {
	if (exit.reason !== '') return capital(exit.reason);
	if (exit.signal !== null) return `Ended by signal ${exit.signal}.`;
	return exit.code === null ? '' : `Exit status ${exit.code}.`;
}

function words(tab: Tab): { title: string; text: string } | null {
	const state = tab.state.value;
	if (screen.value === 'watch' && state.phase === 'unauthorized') {
		return { title: 'This link is not valid', text: 'It has expired, was taken back, or a part of it is missing.' };
	}
	if (state.phase === 'gone') {
		return { title: 'This terminal is gone', text: `It was closed, or its workspace restarted.${unsentText(state.unsent)}` };
	}
	if (state.phase !== 'exited') return null;
	const { exit, unsent } = state;
	const text = describe(exit) + unsentText(unsent);
	return { title: titles[exit.cause] ?? 'The shell has ended', text };
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
			{tab.own && (
				<div class="buttons">
					{tabs.value.length > 1 && (
						<button onClick={() => void closeTab(tab)}>Close the tab</button>
					)}
					<button ref={button} class="primary" onClick={() => void replaceTab(tab)}>
						New shell
					</button>
				</div>
			)}
		</div>
	);
}
