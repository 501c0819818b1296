// SPDX-License-Identifier: Apache-2.0
// The text messages of the subprotocol mdocker.v1. Pure: strings in, typed messages out. Bytes of the terminal travel in
// binary frames and never pass here. What is unknown or malformed is null, never an exception: a newer server may
// say more than this page understands.

export const subprotocol = 'mdocker.v1';

/** The largest binary frame the page sends; the server takes messages up to 64 KiB. */
export const maxFrame = 32 * 1024;

export interface Size {
	rows: number;
	cols: number;
}

export interface Hello extends Size {
	type: 'hello';
	terminal: string;
	/** The offset of the first output byte that follows (after the snapshot, if there is one). */
	offset: number;
	readOnly: boolean;
	/** Bytes of snapshot that come first and have no offset; null: the stream goes on where `from` said. */
	snapshot: number | null;
	recorded: boolean;
	/** Names the life of the workspace that the terminal's id is of; null: the server doesn't know. */
	life: string | null;
	/** So many bytes of this page's stream of input have arrived; null: they aren't counted. */
	input: number | null;
	/** The terminal had not met that stream, or has forgotten it: it counts from here on. */
	inputNew: boolean;
	/** This page may begin and end a recording. */
	mayRecord: boolean;
}

export interface Exit {
	type: 'exit';
	code: number | null;
	signal: string | null;
	/** ended, closed, stopped, init, memory, failed, or one of a newer server. */
	cause: string;
	/** For people: "exited with code 2", "the workspace was stopped by admin". */
	reason: string;
}

export interface Notice {
	type: 'notice';
	kind: string;
	text: string;
	/** Of the kind "recording": it begins or has ended. */
	recorded?: boolean;
}

export interface Presence {
	type: 'presence';
	/** `admin`: one who looks at somebody else's terminal; `wall`: by pictures of it among others'. */
	clients: { name: string; readOnly: boolean; self: boolean; admin: boolean; wall: boolean }[];
}

export type ServerMessage =
	| Hello
	| Exit
	| Notice
	| Presence
	| ({ type: 'size' } & Size)
	| { type: 'pong' }
	| { type: 'taken'; input: number }
	| { type: 'terminals' };

type Fields = Record<string, unknown>;

function isCount(value: unknown): value is number {
	return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isExtent(value: unknown): value is number {
	return isCount(value) && value >= 1 && value <= 10000;
}

function text(value: unknown, max = 1000): string {
	return typeof value === 'string' ? value.slice(0, max) : '';
}

function parseHello(f: Fields): Hello | null {
	const { offset, rows, cols } = f;
	const terminal = typeof f['terminal'] === 'number' ? String(f['terminal']) : f['terminal'];
	if (typeof terminal !== 'string' || !isCount(offset) || !isExtent(rows) || !isExtent(cols)) {
		return null;
	}
	const snapshot = f['snapshot'];
	if (snapshot !== undefined && snapshot !== null && snapshot !== false && !isCount(snapshot)) {
		return null;
	}
	return {
		type: 'hello',
		terminal,
		offset,
		rows,
		cols,
		readOnly: f['read_only'] === true,
		snapshot: isCount(snapshot) ? snapshot : null,
		recorded: f['recorded'] === true,
		life: text(f['life'], 40) || null,
		input: isCount(f['input']) ? f['input'] : null,
		inputNew: f['input_new'] === true,
		mayRecord: f['may_record'] === true,
	};
}

function parseExit(f: Fields): Exit {
	const signal = f['signal'];
	const named = typeof signal === 'string' && signal !== '' ? signal.slice(0, 40) : null;
	return {
		type: 'exit',
		code: isCount(f['code']) ? f['code'] : null,
		signal: isCount(signal) && signal > 0 ? String(signal) : named,
		cause: text(f['cause'], 40) || 'ended',
		reason: text(f['reason']),
	};
}

function parsePresence(f: Fields): Presence | null {
	const list = f['clients'];
	if (!Array.isArray(list)) return null;
	const clients = list.slice(0, 100).flatMap((item: unknown) => {
		if (typeof item !== 'object' || item === null) return [];
		const c = item as Fields;
		const name = text(c['name'] ?? c['user'], 100);
		return [
			{
				name,
				readOnly: c['read_only'] === true,
				self: c['self'] === true,
				admin: c['admin'] === true,
				wall: c['wall'] === true,
			},
		];
	});
	return { type: 'presence', clients };
}

const parsers: Record<string, (f: Fields) => ServerMessage | null> = {
	hello: parseHello,
	exit: parseExit,
	presence: parsePresence,
	size: ({ rows, cols }) =>
		isExtent(rows) && isExtent(cols) ? { type: 'size', rows, cols } : null,
	notice: (f) => {
		const notice: Notice = { type: 'notice', kind: text(f['kind'], 60), text: text(f['text']) };
		const { recorded } = f;
		return typeof recorded === 'boolean' ? { ...notice, recorded } : notice;
	},
	pong: () => ({ type: 'pong' }),
	taken: ({ input }) => (isCount(input) ? { type: 'taken', input } : null),
	terminals: () => ({ type: 'terminals' }),
};

export function parseServerMessage(data: string): ServerMessage | null {
	let value: unknown;
	try {
		value = JSON.parse(data);
	} catch {
		return null;
	}
	if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
	const fields = value as Fields;
	const type = fields['type'];
	if (typeof type !== 'string' || !Object.hasOwn(parsers, type)) return null;
	return parsers[type]?.(fields) ?? null;
}

export const encodeResize = (size: Size): string =>
	JSON.stringify({ type: 'resize', rows: size.rows, cols: size.cols });

export const encodeAck = (offset: number, window: number): string =>
	JSON.stringify({ type: 'ack', offset, window });

export const encodePing = (): string => '{"type":"ping"}';
