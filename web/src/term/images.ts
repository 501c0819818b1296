// SPDX-License-Identifier: Apache-2.0
// Images of programs (sixel), off unless a person asks for them. The decoder is WebAssembly, fetched when first wanted.
import type { ImageAddon } from '@xterm/addon-image';
import type { Terminal } from '@xterm/xterm';
import type { Disposable } from '../base/disposable';

/** A terminal holds at most so much, whatever programs send; older images go first. */
const limits = {
	pixelLimit: 4 * 1024 * 1024,
	storageLimit: 32, // MB
	sixelSizeLimit: 8 * 1024 * 1024,
	// The other protocol, iTerm's, would hand files to the browser's own decoders.
	iipSupport: false,
	enableSizeReports: false,
};

export class TerminalImages implements Disposable {
	private addon: ImageAddon | null = null;
	private wanted = false;

	constructor(private readonly terminal: Terminal) {}

	/** Images that come while the decoder is still being fetched are not shown. */
	set(wanted: boolean): void {
		if (wanted === this.wanted) return;
		this.wanted = wanted;
		// Programs ask how large a cell is before they draw.
		this.terminal.options.windowOptions = { getCellSizePixels: wanted, getWinSizePixels: wanted };
		if (wanted) void this.load();
		else this.drop();
	}

	dispose(): void {
		this.wanted = false;
		this.drop();
	}

	private async load(): Promise<void> {
		const { ImageAddon } = await import('@xterm/addon-image');
		if (!this.wanted || this.addon !== null) return;
		this.addon = new ImageAddon(limits);
		this.terminal.loadAddon(this.addon);
	}

	private drop(): void {
		this.addon?.dispose();
		this.addon = null;
	}
}
