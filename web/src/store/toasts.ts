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

export function toast(kind: ToastKind, text: string, action: Toast['action'] = null): number {
	const again = toasts.value.find((t) => t.text === text && t.kind === kind);
	if (again !== undefined) dismiss(again.id);
	const id = ++last;
	toasts.value = [...toasts.value, { id, kind, text, action }].slice(-most);
	setTimeout(() => dismiss(id), stays[kind]);
	return id;
}

export function dismiss(id: number): void {
	toasts.value = toasts.value.filter((t) => t.id !== id);
}

/** Takes back what was said of a failure. */
const failed = new Map<string, () => void>();

/** Runs what a person asked for, and says why it failed; no longer when it has been done after all. */
export async function attempt(what: string, run: () => Promise<void>): Promise<boolean> {
	try {
		await run();
		failed.get(what)?.();
		return true;
	} catch (error) {
		const text = `${what}: ${error instanceof Error ? error.message : String(error)}`;
		failed.get(what)?.();
		const id = toast('error', text);
		failed.set(what, () => {
			failed.delete(what);
			dismiss(id);
		});
		return false;
	}
}
