// SPDX-License-Identifier: Apache-2.0
// Everything that listens, or holds a timer or a socket, is a Disposable and is disposed by its one owner.

export interface Disposable {
	dispose(): void;
}

export function onDispose(run: () => void): Disposable {
	let done = false;
	return {
		dispose() {
			if (!done) {
				done = true;
				run();
			}
		},
	};
}

/** Owns any number of disposables; what is added after dispose() is disposed at once. */
export class Disposables implements Disposable {
	private items = new Set<Disposable>();
	private disposed = false;

	add<T extends Disposable>(item: T): T {
		if (this.disposed) item.dispose();
		else this.items.add(item);
		return item;
	}

	dispose(): void {
		this.disposed = true;
		const items = [...this.items].reverse();
		this.items.clear();
		for (const item of items) item.dispose();
	}
}

/** Listens until disposed. */
export function listen<E extends Event>(
	target: EventTarget,
	type: string,
	fn: (event: E) => void,
	options?: AddEventListenerOptions,
): Disposable {
	const own = (event: Event): void => fn(event as E);
	target.addEventListener(type, own, options);
	return onDispose(() => target.removeEventListener(type, own, options));
}
