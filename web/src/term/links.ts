// SPDX-License-Identifier: Apache-2.0

export interface Link {
	/** The address as the browser will open it. */
	url: string;
	/** Scheme and host, that a person should look at. */
	origin: string;
}

/** An address from the terminal's output, if it is one that may be opened: http and https only. */
export function parseLink(text: string): Link | null {
	let url: URL;
	try {
		url = new URL(text);
	} catch {
		return null;
	}
	if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
	return { url: url.href, origin: url.origin };
}

export function openLink(link: Link): void {
	window.open(link.url, '_blank', 'noopener,noreferrer');
}
