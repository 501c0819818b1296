// SPDX-License-Identifier: Apache-2.0
// OSC 52: a program sets the clipboard. Asking for its contents ("?") is never answered.

const most = 1024 * 1024;

/** The text to be written, or null: a query, damaged, not UTF-8, or too long. `data` is "c;BASE64". */
export function parseOsc52(data: string): string | null {
	const semicolon = data.indexOf(';');
	if (semicolon < 0) return null;
	const encoded = data.slice(semicolon + 1);
	if (encoded === '?' || encoded === '' || encoded.length > most) return null;
	try {
		const bytes = Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));
		return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
	} catch {
		return null;
	}
}
