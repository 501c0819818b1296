// SPDX-License-Identifier: Apache-2.0
// The terminals of the workspace as tabs. The server keeps the list (order, names); this page keeps which of them it
// shows, and a session for each that it has shown.
import { computed, signal, type Signal } from '@preact/signals';
import { Disposables, type Disposable } from '../base/disposable';
import { capital, plainTitle } from '../base/text';
import * as api from '../net/api';
import { ApiError, type TerminalInfo } from '../net/api';
import type { Hello, Notice, Presence, Size } from '../net/codec';
import { Session, type SessionDeps, type SessionState } from '../net/session';
import type { TerminalView } from '../term/view';
import { screen, signedOut } from './app';
import { byLink, byLogin, byLook } from './connection';
import { warnOfFullDisk } from './disk';
import { attempt, toast, type ToastKind } from './toasts';

export class Tab implements Disposable {
	private static last = 0;
	readonly key = ++Tab.last;
	readonly state: Signal<SessionState> = signal({ phase: 'closed' });
	readonly latency = signal<number | null>(null);
	readonly held = signal(0);
	readonly title = signal('');
	readonly name = signal('');
	readonly presence = signal<Presence['clients']>([]);
	readonly recorded = signal(false);
	readonly mayRecord = signal(false);
	/** Something happened here while another tab was shown. */
	readonly unseen = signal<'no' | 'output' | 'bell'>('no');
	readonly foreignSize = signal<Size | null>(null);
	view: TerminalView | null = null;
	readonly session: Session;
	/** The terminal's id at the server, once it is known. */
	readonly terminal = signal<string | null>(null);
	private readonly disposables = new Disposables();

	constructor(
		id: string | null,
		/** How to reach somebody else's terminal; null: the person's own. */
		private readonly foreign: SessionDeps | null = null,
	) {
		this.terminal.value = id;
		this.session = new Session(foreign ?? byLogin, id, { rows: 24, cols: 80 });
		const s = this.session;
		const all = this.disposables;
		all.add(s.onState.on((state) => this.entered(state)));
		all.add(s.onLatency.on((ms) => (this.latency.value = ms)));
		all.add(s.onHeld.on((bytes) => (this.held.value = bytes)));
		all.add(s.onPresence.on(({ clients }) => (this.presence.value = clients)));
		all.add(s.onHello.on((hello) => this.greeted(hello)));
		if (this.own) all.add(s.onTerminals.on(changedElsewhere));
		all.add(s.onNotice.on((notice) => this.noticed(notice)));
		all.add(s.onRefused.on(() => toast('error', 'Too much input at once: it was not sent.')));
		all.add(s.onUnsure.on(() => toast('warning', 'The last keys before the break may be lost.')));
		all.add(s.onOutput.on(() => this.stirred('output')));
	}

	get own(): boolean {
		return this.foreign === null;
	}

	get alive(): boolean {
		const { phase } = this.state.value;
		return phase !== 'exited' && phase !== 'gone';
	}

	readonly label = computed(() => {
		const given = this.name.value || plainTitle(this.title.value);
		return given || `Terminal ${this.terminal.value ?? ''}`.trim();
	});

	stirred(what: 'output' | 'bell'): void {
		if (shown.value.includes(this) || this.unseen.value === 'bell') return;
		this.unseen.value = what;
	}

	update(info: TerminalInfo): void {
		this.name.value = plainTitle(info.name);
		if (this.title.value === '') this.title.value = info.title;
		this.recorded.value = info.recorded;
	}

	dispose(): void {
		this.disposables.dispose();
		this.session.dispose();
	}

	private greeted({ terminal, recorded, mayRecord }: Hello): void {
		this.terminal.value = terminal;
		this.recorded.value = recorded;
		this.mayRecord.value = mayRecord && this.own;
		// Whatever was said while this page was away was not heard.
		if (this.own) changedElsewhere();
	}

	private noticed({ kind, text, recorded }: Notice): void {
		if (recorded !== undefined) this.recorded.value = recorded;
		// A banner says whether it is recorded; of its end only a reason is worth a word.
		if (recorded === undefined || text.includes(': ')) toast(noticeKinds[kind] ?? 'info', capital(text));
	}

	private entered(state: SessionState): void {
		const before = this.state.value.phase;
		this.state.value = state;
		this.held.value = this.session.held;
		if (state.phase !== 'live') this.latency.value = null;
		const loggedIn = this.own || screen.value === 'look';
		if (loggedIn && state.phase === 'unauthorized') signedOut('You were signed out. Sign in to go on.');
		if (this.own && state.phase === 'live' && before !== 'live') {
			remember();
			void warnOfFullDisk();
		}
	}
}

const noticeKinds: Record<string, ToastKind> = {
	memory: 'error',
	processes: 'error',
	disk: 'error',
	stopping: 'warning',
	input: 'warning',
	idle: 'warning',
};

export const tabs = signal<Tab[]>([]);
/** The keys of the shown tabs: one, or two beside each other. */
const slots = signal<number[]>([]);
const focused = signal(0);
export const split = signal<'right' | 'down'>('right');
export const splitRatio = signal(0.5);

export const shown = computed(() =>
	slots.value.flatMap((key) => tabs.value.filter((t) => t.key === key)),
);
export const active = computed(() => shown.value[focused.value] ?? shown.value[0] ?? null);

const storageKey = 'minidocker.terminal';

/** So that a reload shows the same terminal first. */
function remember(): void {
	const tab = active.value;
	const id = tab?.terminal.value ?? null;
	if (id !== null && tab?.own === true) sessionStorage.setItem(storageKey, id);
}

/** After a login: shows what the server has, or starts the first terminal. */
export async function openTabs(): Promise<void> {
	let list: TerminalInfo[] = [];
	try {
		list = await api.fetchTerminals();
	} catch (error) {
		if (error instanceof ApiError && error.status === 401) return;
	}
	merge(list);
	if (tabs.value.length === 0) tabs.value = [new Tab(null)];
	for (const tab of tabs.value) tab.session.retry();
	if (active.value !== null) return;
	const wanted = sessionStorage.getItem(storageKey);
	activate(tabs.value.find((t) => t.terminal.value === wanted) ?? tabs.value[0]!);
}

/** The one terminal of a shared link, on a page that shows nothing else. */
export function openLinkTab(link: string): void {
	const tab = new Tab(null, byLink(link));
	tabs.value = [tab];
	activate(tab);
}

/** The one terminal of somebody else that an admin looks at, on a page that shows nothing else. */
export function openLookTab(user: string, terminal: string, control: boolean): void {
	closeAllTabs();
	const tab = new Tab(terminal, byLook(user, control));
	tabs.value = [tab];
	activate(tab);
}

export function closeAllTabs(): void {
	for (const tab of tabs.value) tab.dispose();
	tabs.value = [];
	slots.value = [];
}

/** Takes over the server's list: new terminals, names and order; what ended elsewhere and wasn't shown goes. */
function merge(list: TerminalInfo[]): void {
	const old = [...tabs.value];
	const merged = list.map((info) => {
		// An ended tab may have the id of a new terminal: ids begin anew when the workspace does.
		const tab = old.find((t) => t.alive && t.terminal.value === info.id) ?? new Tab(info.id);
		tab.update(info);
		return tab;
	});
	for (const [at, tab] of old.entries()) {
		if (merged.includes(tab)) continue;
		const wasNeverShown = tab.state.value.phase === 'closed' && !slots.value.includes(tab.key);
		if (wasNeverShown && tab.terminal.value !== null) tab.dispose();
		else merged.splice(Math.min(at, merged.length), 0, tab);
	}
	const same = merged.length === old.length && merged.every((t, i) => t === old[i]);
	if (!same) tabs.value = merged;
}

const refreshApart = 2000;
let refreshTimer: ReturnType<typeof setTimeout> | null = null;
let isStale = false;

/**
 * The server says that the list has changed, which each prompt does that sets a title: looks at most every two
 * seconds, and on a hidden page only once it is shown.
 */
function changedElsewhere(): void {
	isStale = true;
	refreshTimer ??= setTimeout(() => {
		refreshTimer = null;
		refreshIfStale();
	}, refreshApart);
}

export function refreshIfStale(): void {
	if (!isStale || document.visibilityState === 'hidden') return;
	isStale = false;
	void refresh();
}

export async function refresh(): Promise<void> {
	try {
		merge(await api.fetchTerminals());
	} catch {
		// The sessions tell the person when the server is away; the list comes with the next refresh.
	}
}

export function activate(tab: Tab): void {
	const at = slots.value.indexOf(tab.key);
	if (at >= 0) {
		focused.value = at;
	} else if (slots.value.length < 2) {
		slots.value = [tab.key];
		focused.value = 0;
	} else {
		slots.value = slots.value.map((key, i) => (i === focused.value ? tab.key : key));
	}
	tab.unseen.value = 'no';
	remember();
	tab.view?.focus();
}

export function activateAt(position: number): void {
	const tab = tabs.value[position];
	if (tab !== undefined) activate(tab);
}

/** The next (1) or previous (-1) tab, around the end. */
export function step(by: 1 | -1): void {
	const all = tabs.value;
	const at = active.value === null ? 0 : all.indexOf(active.value);
	if (all.length > 0) activate(all[(at + by + all.length) % all.length]!);
}

async function create(cwdFrom: string | null): Promise<Tab> {
	const size = active.value?.view?.ownSize ?? { rows: 24, cols: 80 };
	const info = await api.createTerminal({ ...size, cwdFrom });
	const known = tabs.value.find((t) => t.alive && t.terminal.value === info.id);
	if (known !== undefined) return known;
	const tab = new Tab(info.id);
	tab.update(info);
	return tab;
}

function cwdOf(tab: Tab | null): string | null {
	return tab !== null && tab.alive ? tab.terminal.value : null;
}

export function newTab(): Promise<boolean> {
	return attempt('A new terminal', async () => {
		const tab = await create(cwdOf(active.value));
		if (!tabs.value.includes(tab)) tabs.value = [...tabs.value, tab];
		activate(tab);
	});
}

/** A new terminal beside the present one; with two shown already, only their direction changes. */
export function splitTab(direction: 'right' | 'down'): Promise<boolean> {
	return attempt('A split', async () => {
		const before = active.value;
		split.value = direction;
		if (before === null || shown.value.length === 2) return;
		const tab = await create(cwdOf(before));
		if (!tabs.value.includes(tab)) tabs.value = [...tabs.value, tab];
		slots.value = [before.key, tab.key];
		focused.value = 1;
		remember();
	});
}

export function unsplit(): void {
	const keep = active.value;
	if (keep === null) return;
	slots.value = [keep.key];
	focused.value = 0;
}

export function otherPane(): void {
	const other = shown.value[1 - focused.value];
	if (other !== undefined) activate(other);
}

/** A new shell where an ended one stood. */
export function replaceTab(tab: Tab): Promise<boolean> {
	return attempt('A new shell', async () => {
		const fresh = await create(null);
		const rest = tabs.value.filter((t) => t !== fresh);
		tabs.value = rest.map((t) => (t === tab ? fresh : t));
		slots.value = slots.value.map((key) => (key === tab.key ? fresh.key : key));
		tab.dispose();
		activate(fresh);
	});
}

/** Takes an ended tab off the page, or closes a living terminal for everyone. */
export function closeTab(tab: Tab): Promise<boolean> {
	return attempt('Closing the terminal', async () => {
		const id = tab.terminal.value;
		if (tab.alive && id !== null) await api.closeTerminal(id);
		const at = tabs.value.indexOf(tab);
		tabs.value = tabs.value.filter((t) => t !== tab);
		slots.value = slots.value.filter((key) => key !== tab.key);
		focused.value = 0;
		tab.dispose();
		if (active.value === null) {
			const next = tabs.value[Math.min(at, tabs.value.length - 1)];
			if (next !== undefined) activate(next);
		}
	});
}

export function recordTab(tab: Tab, on: boolean): Promise<boolean> {
	return attempt(on ? 'Recording' : 'Ending the recording', async () => {
		const id = tab.terminal.value;
		if (id !== null) await api.recordTerminal(id, on);
	});
}

export function renameTab(tab: Tab, name: string): Promise<boolean> {
	return attempt('Renaming', async () => {
		const id = tab.terminal.value;
		if (id === null) return;
		await api.renameTerminal(id, plainTitle(name));
		tab.name.value = plainTitle(name);
	});
}

export function moveTab(tab: Tab, position: number): Promise<boolean> {
	return attempt('Moving the tab', async () => {
		const rest = tabs.value.filter((t) => t !== tab);
		rest.splice(position, 0, tab);
		tabs.value = rest;
		const id = tab.terminal.value;
		if (id !== null) await api.moveTerminal(id, position);
	});
}
