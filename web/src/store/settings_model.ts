// SPDX-License-Identifier: Apache-2.0
// What a person may choose, and the reading of what is stored: it may be of another version, or damaged.

export interface Settings {
	theme: 'system' | 'dark' | 'light';
	fontSize: number;
	bell: 'off' | 'visual' | 'sound';
	/** May programs write to the clipboard (OSC 52)? They can never read it. */
	clipboardWrite: boolean;
	warnMultiLine: boolean;
	/** Images of programs (sixel), where the server allows them. */
	images: boolean;
	screenReader: boolean;
	renderer: 'auto' | 'webgl' | 'dom';
	cursorBlink: boolean;
	keyBar: 'auto' | 'on' | 'off';
}

export const defaults: Settings = {
	theme: 'dark',
	fontSize: 14,
	bell: 'visual',
	clipboardWrite: false,
	warnMultiLine: true,
	images: false,
	screenReader: false,
	renderer: 'auto',
	cursorBlink: true,
	keyBar: 'auto',
};

export const minFont = 8;
export const maxFont = 32;

const choices: { [K in keyof Settings]?: readonly Settings[K][] } = {
	theme: ['system', 'dark', 'light'],
	bell: ['off', 'visual', 'sound'],
	renderer: ['auto', 'webgl', 'dom'],
	keyBar: ['auto', 'on', 'off'],
};

export function clampFont(size: number): number {
	return Math.min(maxFont, Math.max(minFont, Math.round(size)));
}

/** Stored text as settings: each field that is missing or wrong has its default. */
export function parseSettings(text: string | null): Settings {
	let stored: Record<string, unknown> = {};
	try {
		const value: unknown = JSON.parse(text ?? '{}');
		if (typeof value === 'object' && value !== null) stored = value as typeof stored;
	} catch {
		// Damaged: the defaults.
	}
	const settings: Record<string, unknown> = { ...defaults };
	for (const [key, fallback] of Object.entries(defaults)) {
		const value = stored[key];
		if (typeof value !== typeof fallback) continue;
		const allowed = choices[key as keyof Settings] as readonly unknown[] | undefined;
		if (allowed === undefined || allowed.includes(value)) settings[key] = value;
	}
	const result = settings as unknown as Settings;
	result.fontSize = Number.isFinite(result.fontSize)
		? clampFont(result.fontSize)
		: defaults.fontSize;
	return result;
}
