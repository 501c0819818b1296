// SPDX-License-Identifier: Apache-2.0
import { signal } from '@preact/signals';

export type ToastKind = 'info' | 'warning' | 'error';

export interface Toast {
	id: number;
	kind: ToastKind;
	text: string;
	action: { label: string; run: () => void } | null;
}

/** How long each kind stays, in ms: what went wrong must not vanish while one looks elsewhere. */
const stays: Record<ToastKind, number> = { info: 5000, warning: 12000, error: 20000 };
const most = 5;

export const toasts = signal<Toast[]>([]);
let last = 0;

export function toast(kind: ToastKind, text: string, action: Toast['action'] = null): void {
	const again = toasts.value.find((t) => t.text === text && t.kind === kind);
	if (again !== undefined) dismiss(again.id);
	const id = ++last;
	toasts.value = [...toasts.value, { id, kind, text, action }].slice(-most);
	setTimeout(() => dismiss(id), stays[kind]);
}

export function dismiss(id: number): void {
	toasts.value = toasts.value.filter((t) => t.id !== id);
}

/** Runs what a person asked for, and says why it failed. */
export async function attempt(what: string, run: () => Promise<void>): Promise<boolean> {
	try {
		await run();
		return true;
	} catch (error) {
		toast('error', `${what}: ${error instanceof Error ? error.message : String(error)}`);
		return false;
	}
}
