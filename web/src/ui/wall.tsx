// SPDX-License-Identifier: Apache-2.0
// The wall, for an admin: live pictures of all running terminals. Each user is shown that their terminal is on it.
import { useEffect, useState } from 'preact/hooks';
import { capital } from '../base/text';
import type { WallTerminal } from '../net/api';
import { showPage } from '../store/app';
import { change, choice, chosen, keyOf, leaveWall, loadWall, shownPage, wall, wallPage, wallTrouble } from '../store/wall';
import type { WallShow, WallSort } from '../store/wall_model';
import { fontsReady } from '../term/view';
import { PageFrame } from './page_frame';
import { WallTile } from './wall_tile';

const listEvery = 5000;

function newVisit(): string {
	return String(crypto.getRandomValues(new Uint32Array(1))[0]! + 1);
}

/** Cells are measured when a tile is made: the fonts must be there by then. */
function useWallList(): boolean {
	const [ready, setReady] = useState(false);

	useEffect(() => {
		const look = (): void => {
			if (document.visibilityState === 'visible') void loadWall();
		};
		look();
		void fontsReady().then(() => setReady(true));
		const timer = setInterval(look, listEvery);
		document.addEventListener('visibilitychange', look);
		return () => {
			clearInterval(timer);
			document.removeEventListener('visibilitychange', look);
			leaveWall();
		};
	}, []);

	return ready;
}

interface ChoiceProps<T extends string> {
	label: string;
	value: T;
	options: readonly (readonly [T, string])[];
	onChange: (value: T) => void;
}

function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
	return (
		<label>
			<span>{label}</span>
			<select value={value} onChange={(e) => onChange(e.currentTarget.value as T)}>
				{options.map(([name, text]) => (
					<option key={name} value={name}>
						{text}
					</option>
				))}
			</select>
		</label>
	);
}

const shows: [WallShow, string][] = [
	['all', 'all'],
	['active', 'active ones'],
	['idle', 'idle ones'],
];
const sorts: [WallSort, string][] = [
	['name', 'name'],
	['active', 'active first'],
	['idle', 'idle longest first'],
];

function Tools() {
	const { text, group, show, sort } = choice.value;
	const groups = wall.value?.groups ?? [];
	const options: [string, string][] = [['', 'everybody'], ...groups.map((g): [string, string] => [g.name, g.name])];
	return (
		<form class="wall-tools" role="search" onSubmit={(e) => e.preventDefault()}>
			<label class="wall-search">
				<span>Find</span>
				<input
					type="search"
					placeholder="user or terminal"
					autocapitalize="none"
					spellcheck={false}
					value={text}
					onInput={(e) => change({ text: e.currentTarget.value })}
				/>
			</label>
			{groups.length > 0 && (
				<Choice label="Group" value={group} options={options} onChange={(g) => change({ group: g })} />
			)}
			<Choice label="Show" value={show} options={shows} onChange={(s) => change({ show: s })} />
			<Choice label="Sort by" value={sort} options={sorts} onChange={(s) => change({ sort: s })} />
		</form>
	);
}

function Pager() {
	const { page, pages } = shownPage.value;
	if (pages === 1) return null;
	return (
		<nav class="pager" aria-label="Pages of the wall">
			<button class="small" disabled={page === 0} onClick={() => (wallPage.value = page - 1)}>
				Previous
			</button>
			<span>
				Page {page + 1} of {pages}
			</span>
			<button class="small" disabled={page === pages - 1} onClick={() => (wallPage.value = page + 1)}>
				Next
			</button>
		</nav>
	);
}

/** How many there are, or why none is seen. */
function countText(): string {
	const open = (list: readonly WallTerminal[]): number => list.filter((t) => t.id !== null).length;
	const all = open(wall.value?.terminals ?? []);
	const found = open(chosen.value);
	if (all === 0) return '';
	const terminals = `${all} ${all === 1 ? 'terminal' : 'terminals'}`;
	return found === all ? terminals : `${found} of ${terminals}`;
}

function Tiles({ visit }: { visit: string }) {
	const { tiles } = shownPage.value;
	if (wall.value?.terminals.length === 0) return <p class="nothing">No workspace is running now.</p>;
	if (tiles.length === 0) return <p class="nothing">None is like that.</p>;
	return (
		<ul class="wall">
			{tiles.map((t) => (
				<WallTile key={keyOf(t)} terminal={t} visit={visit} />
			))}
		</ul>
	);
}

export function Wall() {
	const [visit] = useState(newVisit);
	const ready = useWallList();
	const why = wallTrouble.value;
	return (
		<PageFrame title="Wall" wide onBack={() => showPage('terminals')}>
			<p class="quiet">
				Each user sees that the wall shows their terminal, for as long as it is in view here, and the
				audit log has your visit.
			</p>
			<Tools />
			<p class="wall-count" role="status">
				{why === '' ? countText() : capital(why)}
			</p>
			{wall.value === null && why === '' && <p class="quiet">Looking…</p>}
			{wall.value !== null && ready && <Tiles visit={visit} />}
			<Pager />
		</PageFrame>
	);
}
