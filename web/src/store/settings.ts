// SPDX-License-Identifier: Apache-2.0
// What a person chose, kept in this browser.
import { effect, signal } from '@preact/signals';
import { defaults, parseSettings, type Settings } from './settings_model';

const storageKey = 'minidocker.settings';

function load(): Settings {
	try {
		return parseSettings(localStorage.getItem(storageKey));
	} catch {
		return { ...defaults };
	}
}

export const settings = signal<Settings>(load());

export function change(part: Partial<Settings>): void {
	settings.value = { ...settings.value, ...part };
	try {
		localStorage.setItem(storageKey, JSON.stringify(settings.value));
	} catch {
		// A browser without storage: the choice lasts as long as the page.
	}
}

const prefersLight = matchMedia('(prefers-color-scheme: light)');
const systemLight = signal(prefersLight.matches);
prefersLight.addEventListener('change', (e) => (systemLight.value = e.matches));

export function themeNow(): 'dark' | 'light' {
	const { theme } = settings.value;
	if (theme !== 'system') return theme;
	return systemLight.value ? 'light' : 'dark';
}

effect(() => {
	document.documentElement.dataset['theme'] = themeNow();
});
