// SPDX-License-Identifier: Apache-2.0
import { Disposables, listen, type Disposable } from '../base/disposable';

export interface Wakeable {
	wake(): void;
	doubt(): void;
}

/** Tells `all()` at once when the browser says that the network or the person is back, or that the network is gone. */
export function listenForWake(all: () => Iterable<Wakeable>): Disposable {
	const disposables = new Disposables();
	const wake = (): void => {
		if (document.visibilityState === 'hidden') return;
		for (const one of all()) one.wake();
	};
	const doubt = (): void => {
		for (const one of all()) one.doubt();
	};
	disposables.add(listen(window, 'online', wake));
	disposables.add(listen(window, 'pageshow', wake));
	disposables.add(listen(document, 'visibilitychange', wake));
	disposables.add(listen(document, 'resume', wake));
	disposables.add(listen(window, 'offline', doubt));
	return disposables;
}
