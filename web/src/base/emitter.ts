// SPDX-License-Identifier: Apache-2.0
import { onDispose, type Disposable } from './disposable';

/** One event with its listeners. A listener may remove itself, or any other, while the event is fired. */
export class Emitter<T> implements Disposable {
	private listeners = new Set<(value: T) => void>();

	on(fn: (value: T) => void): Disposable {
		const own = (value: T): void => fn(value);
		this.listeners.add(own);
		return onDispose(() => this.listeners.delete(own));
	}

	fire(value: T): void {
		for (const fn of [...this.listeners]) if (this.listeners.has(fn)) fn(value);
	}

	dispose(): void {
		this.listeners.clear();
	}
}
