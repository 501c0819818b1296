// SPDX-License-Identifier: Apache-2.0
// Who is logged in, and which screen that gives.
import { signal } from '@preact/signals';
import * as api from '../net/api';
import { ApiError, type Config, type Me } from '../net/api';

export type Screen = 'starting' | 'unreachable' | 'login' | 'workspace' | 'watch' | 'look';

export const screen = signal<Screen>('starting');
export const me = signal<Me | null>(null);
export const config = signal<Config>({ demo: false, images: false, version: '' });
/** Why the login page is shown again, in words; empty at the first time. */
export const loginReason = signal('');

/** The page that is shown inside the workspace screen, named by the address after #. */
export type Page = 'terminals' | 'users' | 'recordings' | 'wall';
const pages: readonly Page[] = ['users', 'recordings', 'wall'];
/** The server refuses others what is on these. */
const forAdmins: readonly Page[] = ['users', 'wall'];
export const page = signal<Page>('terminals');
/** Of the page of recordings: whose (null: one's own), and which one is played (null: the list). */
export const recordingPlace = signal<{ of: string | null; item: string | null }>({
	of: null,
	item: null,
});

function decoded(part: string): string {
	try {
		return decodeURIComponent(part);
	} catch {
		return '';
	}
}

function readPage(): void {
	const [, name, ...parts] = location.hash.split('/').map(decoded);
	page.value = pages.find((p) => p === name) ?? 'terminals';
	if (forAdmins.includes(page.value) && me.value !== null && me.value.role !== 'admin') showPage('terminals');
	if (page.value !== 'recordings') return;
	const user = parts[0] ?? '';
	const of = user === '' || user === me.value?.username ? null : user;
	recordingPlace.value = { of, item: parts[1] ?? null };
}

export function showPage(wanted: Page): void {
	location.hash = wanted === 'terminals' ? '' : `#/${wanted}`;
	if (wanted === 'terminals') page.value = wanted;
}

/** Somebody's recordings, or one of them. */
export function showRecordings(of: string | null, item: string | null = null): void {
	const user = encodeURIComponent(of ?? me.value?.username ?? '');
	if (item !== null) location.hash = `#/recordings/${user}/${encodeURIComponent(item)}`;
	else location.hash = of === null ? '#/recordings' : `#/recordings/${user}`;
}

/** Somebody's terminal that this page was opened for, by an admin. */
export const lookedAt = signal<{ user: string; terminal: string } | null>(null);

export function lookUrl(user: string, terminal: string): string {
	return `#/look/${encodeURIComponent(user)}/${encodeURIComponent(terminal)}`;
}

/** The secret of the shared link that this page was opened with. */
export const watchedLink = signal('');

export function startApp(): void {
	// Whatever stands there: the server says whether it is a link, not the login page.
	const link = /^#\/watch\/(.*)$/.exec(location.hash)?.[1];
	if (link !== undefined) {
		watchedLink.value = link;
		screen.value = 'watch';
		return;
	}
	const look = /^#\/look\/([a-z0-9._-]+)\/(\d+)$/.exec(location.hash);
	if (look !== null) lookedAt.value = { user: look[1]!, terminal: look[2]! };
	window.addEventListener('hashchange', readPage);
	void boot(0);
}

export function watchUrl(link: string): string {
	const url = api.serverUrl('');
	url.hash = `/watch/${link}`;
	return url.href;
}

const inside = (): Screen => (lookedAt.value === null ? 'workspace' : 'look');

async function boot(tries: number): Promise<void> {
	try {
		const [who, what] = await Promise.all([whoAmI(), api.fetchConfig()]);
		config.value = what;
		me.value = who;
		readPage();
		screen.value = who === null ? 'login' : inside();
	} catch {
		screen.value = 'unreachable';
		const wait = Math.min(8000, 500 * 2 ** Math.min(tries, 5));
		setTimeout(() => void boot(tries + 1), wait * (0.75 + 0.5 * Math.random()));
	}
}

async function whoAmI(): Promise<Me | null> {
	try {
		return await api.fetchMe();
	} catch (error) {
		if (error instanceof ApiError && error.status === 401) return null;
		throw error;
	}
}

export async function login(username: string, password: string): Promise<void> {
	await api.login(username, password);
	const who = await api.fetchMe();
	loginReason.value = '';
	me.value = who;
	readPage();
	screen.value = inside();
}

export async function logout(): Promise<void> {
	await api.logout();
	signedOut('');
}

/** The server doesn't know this browser any more. `me` stays: if the same person comes back, their tabs do too. */
export function signedOut(reason: string): void {
	loginReason.value = reason;
	screen.value = 'login';
}
