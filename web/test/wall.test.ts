// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { Wall, WallTerminal } from '../src/net/api';
import { choose, pageOf, tilesAtOnce, type WallChoice } from '../src/store/wall_model';

const now = 1_000_000;
const everything: WallChoice = { text: '', group: '', show: 'all', sort: 'name' };

function terminal(user: string, id: string | null, idleSeconds: number, name = ''): WallTerminal {
	return { user, id, name, recorded: false, activeMs: now - idleSeconds * 1000 };
}

const wall: Wall = {
	groups: [{ name: 'class', users: ['user2', 'user10'] }],
	terminals: [
		terminal('user10', '1', 300),
		terminal('user2', '10', 5),
		terminal('user2', '2', 3600, 'Homework'),
		terminal('zoe', null, 60),
	],
};

function chosen(part: Partial<WallChoice>): string[] {
	return choose(wall, { ...everything, ...part }, now).map((t) => `${t.user}/${t.id ?? '-'}`);
}

test('by name, numbers count as numbers', () => {
	expect(chosen({})).toEqual(['user2/2', 'user2/10', 'user10/1', 'zoe/-']);
});

test('by the last activity, either way', () => {
	expect(chosen({ sort: 'active' })).toEqual(['user2/10', 'zoe/-', 'user10/1', 'user2/2']);
	expect(chosen({ sort: 'idle' })).toEqual(['user2/2', 'user10/1', 'zoe/-', 'user2/10']);
});

test('part of a name of a user or a terminal, a group, idle or not', () => {
	expect(chosen({ text: ' ZO ' })).toEqual(['zoe/-']);
	expect(chosen({ text: 'homew' })).toEqual(['user2/2']);
	expect(chosen({ group: 'class', show: 'idle' })).toEqual(['user2/2', 'user10/1']);
	expect(chosen({ show: 'active' })).toEqual(['user2/10']);
	expect(chosen({ group: 'gone' })).toEqual([]);
});

test('a page has at most so many, and one that is no more becomes the last', () => {
	const many = Array.from({ length: 2 * tilesAtOnce + 1 }, (_, i) => terminal(`u${i}`, '1', 0));
	expect(pageOf(many, 0).tiles).toHaveLength(tilesAtOnce);
	expect(pageOf(many, 2)).toMatchObject({ page: 2, pages: 3, tiles: [many.at(-1)] });
	expect(pageOf(many, 9).page).toBe(2);
	expect(pageOf([], 3)).toEqual({ tiles: [], page: 0, pages: 1 });
});
