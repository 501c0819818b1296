// SPDX-License-Identifier: Apache-2.0
// Filter, group, sort and pages of the wall. Pure.
import type { Wall, WallTerminal } from '../net/api';

export type WallShow = 'all' | 'active' | 'idle';
export type WallSort = 'name' | 'active' | 'idle';

export interface WallChoice {
	/** Part of a user's name or of a terminal's. */
	text: string;
	/** The name of a group; empty: everybody. */
	group: string;
	show: WallShow;
	sort: WallSort;
}

/** Live pictures at once: each is a connection and a terminal of this page. */
export const tilesAtOnce = 30;
/** Nothing for so long, and it is idle. */
export const idleAfterMs = 60_000;

export const idleMs = (t: WallTerminal, now: number): number => Math.max(0, now - t.activeMs);
export const isIdle = (t: WallTerminal, now: number): boolean => idleMs(t, now) >= idleAfterMs;

const names = new Intl.Collator(undefined, { numeric: true });
const byName = (a: WallTerminal, b: WallTerminal): number =>
	names.compare(a.user, b.user) || names.compare(a.id ?? '', b.id ?? '');

const orders: Record<WallSort, (a: WallTerminal, b: WallTerminal) => number> = {
	name: byName,
	active: (a, b) => b.activeMs - a.activeMs || byName(a, b),
	idle: (a, b) => a.activeMs - b.activeMs || byName(a, b),
};

export function choose(wall: Wall, choice: WallChoice, now: number): WallTerminal[] {
	const text = choice.text.trim().toLowerCase();
	const members = wall.groups.filter((g) => g.name === choice.group).flatMap((g) => g.users);
	const isMember = new Set(members);
	const wanted = (t: WallTerminal): boolean =>
		(text === '' || t.user.includes(text) || t.name.toLowerCase().includes(text)) &&
		(choice.group === '' || isMember.has(t.user)) &&
		(choice.show === 'all' || isIdle(t, now) === (choice.show === 'idle'));
	return wall.terminals.filter(wanted).sort(orders[choice.sort]);
}

export interface WallPage {
	tiles: WallTerminal[];
	/** From 0; inside of what there is. */
	page: number;
	pages: number;
}

export function pageOf(all: WallTerminal[], wanted: number): WallPage {
	const pages = Math.max(1, Math.ceil(all.length / tilesAtOnce));
	const page = Math.min(Math.max(0, wanted), pages - 1);
	return { tiles: all.slice(page * tilesAtOnce, (page + 1) * tilesAtOnce), page, pages };
}
