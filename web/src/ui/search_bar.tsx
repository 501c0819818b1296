// SPDX-License-Identifier: Apache-2.0
import type { ISearchOptions } from '@xterm/addon-search';
import { useEffect, useRef, useState } from 'preact/hooks';
import { searching } from '../store/dialogs';
import { themeNow } from '../store/settings';
import type { Tab } from '../store/tabs';
import { CloseIcon, DownIcon, UpIcon } from './icons';

type Decorations = NonNullable<ISearchOptions['decorations']>;

const decorations: Record<'dark' | 'light', Decorations> = {
	dark: {
		matchBackground: '#5a4a1c',
		matchOverviewRuler: '#8a7430',
		activeMatchBackground: '#b07a1e',
		activeMatchColorOverviewRuler: '#ffdc8c',
	},
	light: {
		matchBackground: '#fbe6a4',
		matchOverviewRuler: '#d8b44a',
		activeMatchBackground: '#ffc04a',
		activeMatchColorOverviewRuler: '#a46a00',
	},
};

/** Searches the tab's scrollback; what was found, as "2 of 17". */
function useSearch(tab: Tab) {
	const [found, setFound] = useState('');
	const [caseSensitive, setCaseSensitive] = useState(false);
	const [regex, setRegex] = useState(false);
	const text = useRef<HTMLInputElement>(null);

	useEffect(() => {
		const search = tab.view?.search;
		text.current?.focus();
		const listening = search?.onDidChangeResults(({ resultIndex, resultCount }) => {
			const term = text.current?.value ?? '';
			const position = resultIndex >= 0 ? `${resultIndex + 1} of ` : '';
			setFound(term === '' ? '' : resultCount === 0 ? 'none' : `${position}${resultCount}`);
		});
		return () => {
			listening?.dispose();
			search?.clearDecorations();
		};
	}, [tab]);

	function find(direction: 'next' | 'previous', incremental = false): void {
		const term = text.current?.value ?? '';
		const options: ISearchOptions = {
			caseSensitive,
			regex,
			incremental,
			decorations: decorations[themeNow()],
		};
		try {
			if (direction === 'next') tab.view?.search.findNext(term, options);
			else tab.view?.search.findPrevious(term, options);
		} catch {
			setFound('not a pattern');
		}
	}

	useEffect(() => find('previous'), [caseSensitive, regex]);

	return { found, text, find, caseSensitive, setCaseSensitive, regex, setRegex };
}

export function SearchBar({ tab }: { tab: Tab }) {
	const s = useSearch(tab);

	function close(): void {
		searching.value = false;
		tab.view?.focus();
	}

	function onKey(event: KeyboardEvent): void {
		if (event.key === 'Escape') close();
		else if (event.key === 'Enter') s.find(event.shiftKey ? 'next' : 'previous');
		else return;
		event.preventDefault();
	}

	return (
		<div class="search-bar" role="search">
			<input
				ref={s.text}
				aria-label="Search this terminal"
				placeholder="Search"
				onInput={() => s.find('previous', true)}
				onKeyDown={onKey}
			/>
			<output aria-live="polite">{s.found}</output>
			<button
				class="toggle"
				aria-pressed={s.caseSensitive}
				title="Capital and small letters differ"
				onClick={() => s.setCaseSensitive(!s.caseSensitive)}
			>
				Aa
			</button>
			<button
				class="toggle"
				aria-pressed={s.regex}
				title="Regular expression"
				onClick={() => s.setRegex(!s.regex)}
			>
				.*
			</button>
			<button class="icon-button" aria-label="Older match" onClick={() => s.find('previous')}>
				<UpIcon />
			</button>
			<button class="icon-button" aria-label="Newer match" onClick={() => s.find('next')}>
				<DownIcon />
			</button>
			<button class="icon-button" aria-label="Close the search" onClick={close}>
				<CloseIcon />
			</button>
		</div>
	);
}
