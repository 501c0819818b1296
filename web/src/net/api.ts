// SPDX-License-Identifier: Apache-2.0
// The HTTP interface of the server, typed. Every failure is an ApiError with a sentence that a person may read.

export class ApiError extends Error {
	constructor(
		/** The HTTP status; 0: the server was not reached. */
		readonly status: number,
		readonly code: string,
		message: string,
		/** Seconds that the server asks to wait, when it does. */
		readonly retryAfter: number | null = null,
	) {
		super(message);
	}
}

export type Role = 'user' | 'admin';

export interface Me {
	username: string;
	role: Role;
	demo: boolean;
}

export interface TerminalInfo {
	id: string;
	name: string;
	title: string;
	clients: number;
	recorded: boolean;
}

export interface Usage {
	used: number;
	limit: number | null;
}

export interface WorkspaceInfo {
	name: string;
	state: string;
	image: string;
	startedMs: number | null;
	memory: Usage | null;
	pids: Usage | null;
	disk: Usage | null;
	cpus: number | null;
}

export type RecordMode = 'ask' | 'always' | 'never';

export interface Recording {
	id: string;
	title: string;
	terminal: number;
	startedMs: number;
	seconds: number;
	bytes: number;
	/** Is being made. */
	live: boolean;
}

export interface UserInfo {
	username: string;
	role: Role;
	disabled: boolean;
	createdMs: number | null;
	lastLoginMs: number | null;
}

type Fields = Record<string, unknown>;

/** The page's own address without its last part: all paths are relative to it, so a base path of a proxy is kept. */
export function serverUrl(path: string): URL {
	return new URL(path, document.baseURI);
}

async function request(method: string, path: string, body?: object): Promise<Fields> {
	const init: RequestInit = { method, credentials: 'same-origin', cache: 'no-store' };
	if (method !== 'GET') {
		init.headers = { 'Content-Type': 'application/json' };
		init.body = JSON.stringify(body ?? {});
	}
	let response: Response;
	try {
		response = await fetch(serverUrl(`api/v1/${path}`), init);
	} catch {
		throw new ApiError(0, 'network', 'The server can’t be reached.');
	}
	const value: unknown = await response.json().catch(() => ({}));
	const fields = toFields(value);
	if (response.ok) return Array.isArray(value) ? { items: value } : fields;
	const wait = Number(response.headers.get('Retry-After') ?? fields['retry_after'] ?? NaN);
	throw new ApiError(
		response.status,
		str(fields['code']),
		str(fields['error']) || `The server answered ${response.status}.`,
		Number.isFinite(wait) && wait > 0 ? wait : null,
	);
}

function toFields(value: unknown): Fields {
	return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function str(value: unknown): string {
	return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

function num(value: unknown): number | null {
	return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** A time or a limit, where 0 is none. */
function positive(value: unknown): number | null {
	const n = num(value);
	return n !== null && n > 0 ? n : null;
}

function role(value: unknown): Role {
	return value === 'admin' ? 'admin' : 'user';
}

function list(fields: Fields, name: string): Fields[] {
	const items = fields[name] ?? fields['items'];
	return Array.isArray(items) ? items.map(toFields) : [];
}

function usage(value: unknown): Usage | null {
	const { used, limit } = toFields(value);
	const now = num(used);
	const most = positive(limit);
	// Nothing used of no limit: it isn't counted.
	return now === null || (now === 0 && most === null) ? null : { used: now, limit: most };
}

function toTerminal(f: Fields): TerminalInfo {
	return {
		id: str(f['id'] ?? f['terminal']),
		name: str(f['name']),
		title: str(f['title']),
		clients: num(f['clients']) ?? 0,
		recorded: f['recorded'] === true,
	};
}

function toUser(f: Fields): UserInfo {
	return {
		username: str(f['username']),
		role: role(f['role']),
		disabled: f['disabled'] === true,
		createdMs: positive(f['created_ms']),
		lastLoginMs: positive(f['last_login_ms']),
	};
}

export async function login(username: string, password: string): Promise<void> {
	await request('POST', 'login', { username, password });
}

export async function logout(): Promise<void> {
	await request('POST', 'logout');
}

export async function fetchMe(): Promise<Me> {
	const f = await request('GET', 'me');
	return { username: str(f['username']), role: role(f['role']), demo: f['demo'] === true };
}

export interface Config {
	demo: boolean;
	/** May the page offer images? Its security policy lets it, or not. */
	images: boolean;
	version: string;
}

export async function fetchConfig(): Promise<Config> {
	const f = await request('GET', 'config');
	return { demo: f['demo'] === true, images: f['images'] === true, version: str(f['version']) };
}

/** What an admin adds to a path that is about somebody else. */
function about(user: string | null): string {
	return user === null ? '' : `?${new URLSearchParams({ user }).toString()}`;
}

/** `of`: somebody else's, for an admin; each such look is logged. */
export async function fetchTerminals(of: string | null = null): Promise<TerminalInfo[]> {
	const all = list(await request('GET', `terminals${about(of)}`), 'terminals');
	const place = (f: Fields): number => num(f['position']) ?? 0;
	const alive = all.filter((f) => f['alive'] !== false);
	return alive.sort((a, b) => place(a) - place(b)).map(toTerminal);
}

export interface NewTerminal {
	rows: number;
	cols: number;
	/** Open in the present folder of this terminal. */
	cwdFrom: string | null;
}

export async function createTerminal(wanted: NewTerminal): Promise<TerminalInfo> {
	const { rows, cols, cwdFrom } = wanted;
	const body = cwdFrom === null ? { rows, cols } : { rows, cols, cwd_from: cwdFrom };
	return toTerminal(await request('POST', 'terminals', body));
}

const terminalPath = (id: string): string => `terminals/${encodeURIComponent(id)}`;

export async function renameTerminal(id: string, name: string): Promise<void> {
	await request('PATCH', terminalPath(id), { name });
}

export async function moveTerminal(id: string, position: number): Promise<void> {
	await request('PATCH', terminalPath(id), { position });
}

/** Begins or ends a recording. */
export async function recordTerminal(id: string, recorded: boolean): Promise<void> {
	await request('PATCH', terminalPath(id), { recorded });
}

export async function closeTerminal(id: string): Promise<void> {
	await request('DELETE', terminalPath(id));
}

export async function fetchWorkspace(): Promise<WorkspaceInfo> {
	const f = await request('GET', 'workspace');
	const millis = positive(f['cpu_millis']);
	return {
		name: str(f['name']),
		state: str(f['state']),
		image: str(f['image']),
		startedMs: positive(f['started_ms']),
		memory: usage(f['memory']),
		pids: usage(f['pids']),
		disk: usage(f['disk']),
		cpus: millis === null ? null : millis / 1000,
	};
}

export async function stopWorkspace(): Promise<void> {
	await request('POST', 'workspace/stop');
}

export async function restartWorkspace(): Promise<void> {
	await request('POST', 'workspace/restart');
}

export async function changePassword(present: string, wanted: string): Promise<void> {
	await request('POST', 'password', { old_password: present, new_password: wanted });
}

export interface ShareLink {
	id: string;
	terminal: string;
	canType: boolean;
	expiresMs: number;
}

export async function fetchLinks(): Promise<ShareLink[]> {
	return list(await request('GET', 'links'), 'links').map((f) => ({
		id: str(f['id']),
		terminal: str(f['terminal']),
		canType: f['can_type'] === true,
		expiresMs: num(f['expires_ms']) ?? 0,
	}));
}

/** The secret of a new link to a terminal: who has it may look, or type, until it expires or is revoked. */
export async function makeLink(
	terminal: string,
	canType: boolean,
	seconds: number,
): Promise<string> {
	const wanted = { terminal: Number(terminal), can_type: canType, seconds };
	return str((await request('POST', 'links', wanted))['link']);
}

export async function revokeLink(id: string): Promise<void> {
	await request('DELETE', `links/${encodeURIComponent(id)}`);
}

function toRecording(f: Fields): Recording {
	return {
		id: str(f['id']),
		title: str(f['title']),
		terminal: num(f['terminal']) ?? 0,
		startedMs: num(f['started_ms']) ?? 0,
		seconds: (num(f['duration_ms']) ?? 0) / 1000,
		bytes: num(f['bytes']) ?? 0,
		live: f['live'] === true,
	};
}

export async function fetchRecordings(
	of: string | null,
): Promise<{ mode: RecordMode; list: Recording[] }> {
	const f = await request('GET', `recordings${about(of)}`);
	const mode = f['mode'] === 'always' || f['mode'] === 'never' ? f['mode'] : 'ask';
	return { mode, list: list(f, 'recordings').map(toRecording) };
}

export async function removeRecording(id: string, of: string | null): Promise<void> {
	await request('DELETE', `recordings/${encodeURIComponent(id)}${about(of)}`);
}

function recordingUrl(id: string, of: string | null): URL {
	return serverUrl(`api/v1/recordings/${encodeURIComponent(id)}${about(of)}`);
}

/** Where the browser's own download finds it. */
export function downloadUrl(id: string, of: string | null): string {
	const url = recordingUrl(id, of);
	url.searchParams.set('download', '1');
	return url.href;
}

export async function fetchRecording(id: string, of: string | null): Promise<string> {
	let response: Response;
	try {
		response = await fetch(recordingUrl(id, of), { cache: 'no-store' });
		if (response.ok) return await response.text();
	} catch {
		throw new ApiError(0, 'network', 'The server can’t be reached.');
	}
	const fields = toFields(await response.json().catch(() => ({})));
	throw new ApiError(response.status, str(fields['code']), str(fields['error']));
}

/** One tile of the wall: a terminal of a running workspace. What it shows comes by a session. */
export interface WallTerminal {
	user: string;
	/** Null: the workspace runs, and no terminal is open. */
	id: string | null;
	name: string;
	recorded: boolean;
	/** The last key or output; the start of the workspace before both. */
	activeMs: number;
}

export interface Wall {
	groups: { name: string; users: string[] }[];
	terminals: WallTerminal[];
}

function toWallTerminals(w: Fields): WallTerminal[] {
	const user = str(w['owner']);
	const open = list(w, 'terminals');
	const each = open.length > 0 ? open : [{}];
	return each.map((t) => ({
		user,
		id: str(t['id']) || null,
		name: str(t['name']),
		recorded: t['recorded'] === true,
		activeMs: Math.max(
			...[w['started_ms'], t['started_ms'], t['input_ms'], t['output_ms']].map((n) => num(n) ?? 0),
		),
	}));
}

/** For an admin. It names the terminals and shows nothing of them: no look. */
export async function fetchWall(): Promise<Wall> {
	const f = await request('GET', 'wall');
	return {
		groups: list(f, 'groups').map((g) => ({
			name: str(g['name']),
			users: Array.isArray(g['users']) ? g['users'].map(str) : [],
		})),
		terminals: list(f, 'workspaces').flatMap(toWallTerminals),
	};
}

/** Does the server answer at all? */
export async function isUp(): Promise<boolean> {
	try {
		return (await fetch(serverUrl('healthz'), { cache: 'no-store' })).ok;
	} catch {
		return false;
	}
}

export async function fetchUsers(): Promise<UserInfo[]> {
	return list(await request('GET', 'users'), 'users').map(toUser);
}

export async function addUser(username: string, password: string, as: Role): Promise<void> {
	await request('POST', 'users', { username, password, role: as });
}

export async function changeUser(
	username: string,
	change: { disabled?: boolean; password?: string; role?: Role },
): Promise<void> {
	await request('PATCH', `users/${encodeURIComponent(username)}`, change);
}

export async function removeUser(username: string): Promise<void> {
	await request('DELETE', `users/${encodeURIComponent(username)}`);
}
