// SPDX-License-Identifier: Apache-2.0
import { signal } from '@preact/signals';
import type { Modifiers } from '../term/keys';

const none: Modifiers = { ctrl: false, alt: false };

/** Ctrl and alt as pressed on the key bar; the next key uses them up. */
export const held = signal<Modifiers>(none);

export function toggle(which: keyof Modifiers): void {
	held.value = { ...held.value, [which]: !held.value[which] };
}

export function take(): Modifiers {
	const now = held.value;
	if (now.ctrl || now.alt) held.value = none;
	return now;
}
