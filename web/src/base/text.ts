// SPDX-License-Identifier: Apache-2.0
// Turning values and foreign strings into what a person may read.

/** Control and direction-changing characters: a title could use them to look like something else. */
const unsafe = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** A title set by a program: one line of plain text, at most `max` characters. */
export function plainTitle(text: string, max = 120): string {
	const clean = text.replace(unsafe, '').trim();
	const chars = [...clean];
	return chars.length > max ? chars.slice(0, max - 1).join('') + '…' : clean;
}

/** "exited with code 2" as a sentence. */
export function capital(sentence: string): string {
	const text = sentence.charAt(0).toUpperCase() + sentence.slice(1);
	return /[.!?…]$/.test(text) ? text : `${text}.`;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Bytes in the units of the limits and of what is said about them (1 MiB = 1024 KiB), three digits. */
export function formatBytes(bytes: number): string {
	let value = Math.max(0, bytes);
	let unit = 0;
	while (value >= 1000 && unit < units.length - 1) {
		value /= 1024;
		unit++;
	}
	const digits = unit === 0 || value >= 99.5 ? 0 : value >= 9.95 ? 1 : 2;
	return `${trimZeros(value.toFixed(digits))} ${units[unit]}`;
}

function trimZeros(text: string): string {
	return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

export function formatLatency(ms: number): string {
	if (ms < 1) return '<1 ms';
	return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function formatDuration(seconds: number): string {
	const s = Math.max(0, Math.round(seconds));
	const days = Math.floor(s / 86400);
	const hours = Math.floor((s % 86400) / 3600);
	const minutes = Math.floor((s % 3600) / 60);
	if (days > 0) return hours > 0 ? `${days} d ${hours} h` : `${days} d`;
	if (hours > 0) return minutes > 0 ? `${hours} h ${minutes} min` : `${hours} h`;
	return minutes > 0 ? `${minutes} min` : `${s} s`;
}

/** 75 as "1:15": the position in a recording. */
export function formatPosition(seconds: number): string {
	const s = Math.max(0, Math.floor(seconds));
	const two = (n: number): string => String(n).padStart(2, '0');
	const hours = Math.floor(s / 3600);
	const rest = `${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`;
	return hours > 0 ? `${hours}:${rest}` : rest.replace(/^0/, '');
}
