// SPDX-License-Identifier: Apache-2.0
// Reads a recording: asciicast v2, a line of head and a line an event. Pure. What can't be read is left out: the file of a
// terminal that is still recorded may end in the middle of a line.
import type { Size } from '../net/codec';

export interface CastEvent {
	/** Seconds since the beginning, never going back. */
	time: number;
	/** Output, or null for a new size. */
	text: string | null;
	size: Size | null;
}

export interface Cast {
	size: Size;
	title: string;
	events: CastEvent[];
	/** Seconds. */
	duration: number;
}

const mostExtent = 2000;

function extent(value: unknown, otherwise: number): number {
	const n = Number(value);
	return Number.isInteger(n) && n >= 1 && n <= mostExtent ? n : otherwise;
}

function parseLine(line: string): unknown {
	try {
		return JSON.parse(line) as unknown;
	} catch {
		return null;
	}
}

function toEvent(value: unknown, earliest: number): CastEvent | null {
	if (!Array.isArray(value)) return null;
	const [at, kind, data] = value as unknown[];
	if (typeof at !== 'number' || !Number.isFinite(at) || typeof data !== 'string') return null;
	const time = Math.max(earliest, at);
	if (kind === 'o') return { time, text: data, size: null };
	const size = kind === 'r' ? /^(\d+)x(\d+)$/.exec(data) : null;
	if (size === null) return null;
	return { time, text: null, size: { cols: extent(size[1], 80), rows: extent(size[2], 24) } };
}

/** Null: this is no recording. */
export function parseCast(file: string): Cast | null {
	const lines = file.split('\n');
	const head = parseLine(lines[0] ?? '');
	if (typeof head !== 'object' || head === null || Array.isArray(head)) return null;
	const fields = head as Record<string, unknown>;
	if (fields['version'] !== 2) return null;
	const events: CastEvent[] = [];
	let time = 0;
	for (const line of lines.slice(1)) {
		const event = line === '' ? null : toEvent(parseLine(line), time);
		if (event === null) continue;
		time = event.time;
		events.push(event);
	}
	const { title } = fields;
	return {
		size: { rows: extent(fields['height'], 24), cols: extent(fields['width'], 80) },
		title: typeof title === 'string' ? title : '',
		events,
		duration: time,
	};
}

/** When each event is shown if no pause is longer than `longest` seconds. */
export function shortenPauses(cast: Cast, longest: number): number[] {
	let shown = 0;
	let before = 0;
	return cast.events.map(({ time }) => {
		shown += Math.min(longest, time - before);
		before = time;
		return shown;
	});
}
