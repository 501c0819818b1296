// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { listenForWake } from '../src/net/wake';
import type { Disposable } from '../src/base/disposable';

class FakeDocument extends EventTarget {
	visibilityState = 'visible';
}

describe('the browser says', () => {
	let page: FakeDocument;
	let browser: EventTarget;
	let listening: Disposable;
	const session = { wake: vi.fn(), doubt: vi.fn() };

	beforeEach(() => {
		page = new FakeDocument();
		browser = new EventTarget();
		vi.stubGlobal('document', page);
		vi.stubGlobal('window', browser);
		vi.clearAllMocks();
		listening = listenForWake(() => [session]);
	});

	afterEach(() => {
		listening.dispose();
		vi.unstubAllGlobals();
	});

	it.each(['online', 'pageshow'])('%s: every session tries at once', (name) => {
		browser.dispatchEvent(new Event(name));
		expect(session.wake).toHaveBeenCalledTimes(1);
	});

	it.each(['visibilitychange', 'resume'])('%s: every session tries at once', (name) => {
		page.dispatchEvent(new Event(name));
		expect(session.wake).toHaveBeenCalledTimes(1);
	});

	it('that the page is hidden: nothing is tried', () => {
		page.visibilityState = 'hidden';
		page.dispatchEvent(new Event('visibilitychange'));
		expect(session.wake).not.toHaveBeenCalled();
	});

	it('offline: the line is in doubt', () => {
		browser.dispatchEvent(new Event('offline'));
		expect(session.doubt).toHaveBeenCalledTimes(1);
	});

	it('anything after the end: nobody listens', () => {
		listening.dispose();
		browser.dispatchEvent(new Event('online'));
		page.dispatchEvent(new Event('visibilitychange'));
		expect(session.wake).not.toHaveBeenCalled();
	});
});
