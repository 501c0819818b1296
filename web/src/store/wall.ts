// SPDX-License-Identifier: Apache-2.0
// What the wall of an admin lists: all terminals of running workspaces, and which of them are chosen to be seen.
import { computed, signal } from '@preact/signals';
import * as api from '../net/api';
import type { WallTerminal } from '../net/api';
import { choose, pageOf, type WallChoice } from './wall_model';

export const wall = signal<api.Wall | null>(null);
/** Why there is no newer list; empty: there is. */
export const wallTrouble = signal('');
/** When the list came: what idle times are counted from. */
export const wallNow = signal(0);
export const choice = signal<WallChoice>({ text: '', group: '', show: 'all', sort: 'name' });
export const wallPage = signal(0);

/** Those that are chosen, in their order; the order of a sort by time stays as it is until the choice changes. */
const order = signal<Map<string, number>>(new Map());
export const keyOf = (t: WallTerminal): string => `${t.user}/${t.id ?? ''}`;

export const chosen = computed<WallTerminal[]>(() => {
	if (wall.value === null) return [];
	const found = choose(wall.value, choice.value, wallNow.value);
	if (choice.value.sort === 'name') return found;
	const last = order.value.size;
	return found
		.map((t, i) => ({ t, at: order.value.get(keyOf(t)) ?? last + i }))
		.sort((a, b) => a.at - b.at)
		.map(({ t }) => t);
});

export const shownPage = computed(() => pageOf(chosen.value, wallPage.value));

export function change(part: Partial<WallChoice>): void {
	choice.value = { ...choice.value, ...part };
	wallPage.value = 0;
	sortAnew();
}

/** Tiles that change places every few seconds can't be watched: they do when they are asked to. */
function sortAnew(): void {
	const found = wall.value === null ? [] : choose(wall.value, choice.value, wallNow.value);
	order.value = new Map(found.map((t, i) => [keyOf(t), i]));
}

export async function loadWall(): Promise<void> {
	const isFirst = wall.value === null;
	try {
		wall.value = await api.fetchWall();
		wallNow.value = Date.now();
		wallTrouble.value = '';
		if (isFirst) sortAnew();
	} catch (error) {
		wallTrouble.value = error instanceof Error ? error.message : String(error);
	}
}

export function leaveWall(): void {
	wall.value = null;
	wallPage.value = 0;
	order.value = new Map();
}
