// SPDX-License-Identifier: Apache-2.0
// Who is logged in, and which screen that gives.
import { signal } from '@preact/signals';
import * as api from '../net/api';
import { ApiError, type Me } from '../net/api';

export type Screen = 'starting' | 'unreachable' | 'login' | 'workspace' | 'watch';

export const screen = signal<Screen>('starting');
export const me = signal<Me | null>(null);
export const config = signal<{ demo: boolean; version: string }>({ demo: false, version: '' });
/** Why the login page is shown again, in words; empty at the first time. */
export const loginReason = signal('');

/** The page that is shown inside the workspace screen, named by the address after #. */
export type Page = 'terminals' | 'users';
const pages: Record<string, Page> = { '#/users': 'users' };
export const page = signal<Page>('terminals');

function readPage(): void {
	page.value = pages[location.hash] ?? 'terminals';
}

export function showPage(wanted: Page): void {
	location.hash = wanted === 'terminals' ? '' : `#/${wanted}`;
	if (wanted === 'terminals') page.value = wanted;
}

/** The secret of the shared link that this page was opened with. */
export const watchedLink = signal('');

export function startApp(): void {
	const link = /^#\/watch\/([0-9a-f]+)$/.exec(location.hash)?.[1];
	if (link !== undefined) {
		watchedLink.value = link;
		screen.value = 'watch';
		return;
	}
	window.addEventListener('hashchange', readPage);
	readPage();
	void boot(0);
}

export function watchUrl(link: string): string {
	const url = api.serverUrl('');
	url.hash = `/watch/${link}`;
	return url.href;
}

async function boot(tries: number): Promise<void> {
	try {
		const [who, what] = await Promise.all([whoAmI(), api.fetchConfig()]);
		config.value = what;
		me.value = who;
		screen.value = who === null ? 'login' : 'workspace';
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
	screen.value = 'workspace';
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
