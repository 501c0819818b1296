// SPDX-License-Identifier: Apache-2.0
// The terminal that shows a recording: xterm.js without input, as large as the recording was, made smaller where the page is.
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { Terminal } from '@xterm/xterm';
import { Disposables, onDispose, type Disposable } from '../base/disposable';
import type { Size } from '../net/codec';
import type { Settings } from '../store/settings_model';
import { shrink, type Box } from '../term/geometry';
import { fontFamily, terminalThemes } from '../term/themes';
import type { Screen } from './player';

export class ReplayScreen implements Screen, Disposable {
	private readonly disposables = new Disposables();
	private readonly terminal: Terminal;
	/** One cell at the font size that was chosen. */
	private cell: Box = { width: 0, height: 0 };

	constructor(
		private readonly host: HTMLElement,
		private readonly settings: Settings,
		theme: 'dark' | 'light',
		size: Size,
	) {
		this.terminal = this.disposables.add(
			new Terminal({
				allowProposedApi: true,
				// From the start: a font size for another one would leave widths of its characters behind.
				...size,
				disableStdin: true,
				cursorInactiveStyle: 'block',
				scrollback: 0,
				fontFamily,
				fontSize: settings.fontSize,
				lineHeight: 1.15,
				screenReaderMode: settings.screenReader,
				theme: terminalThemes[theme],
				minimumContrastRatio: theme === 'light' ? 4.5 : 1,
				windowOptions: {},
				// Links of a recording lead nowhere.
				linkHandler: { activate: () => undefined },
			}),
		);
		this.terminal.loadAddon(new Unicode11Addon());
		this.terminal.unicode.activeVersion = '11';
		this.terminal.open(host);
		// It takes no keys: the page's own steer the replay.
		this.terminal.attachCustomKeyEventHandler(() => false);
		if (this.terminal.textarea !== undefined) this.terminal.textarea.tabIndex = -1;
		this.measure();
		// On some screens a cell has no size before something has been drawn.
		this.disposables.add(this.terminal.onRender(() => this.cell.width === 0 && this.measure()));
		const observer = new ResizeObserver(() => this.fit());
		observer.observe(host);
		this.disposables.add(onDispose(() => observer.disconnect()));
	}

	reset(size: Size): void {
		this.terminal.reset();
		this.resize(size);
	}

	write(text: string): void {
		this.terminal.write(text);
	}

	resize(size: Size): void {
		// Behind the output before it, which was made for the old size.
		this.terminal.write('', () => {
			this.terminal.resize(size.cols, size.rows);
			this.fit();
		});
	}

	dispose(): void {
		this.disposables.dispose();
	}

	/** Before the first fit(): at the font size that was chosen. */
	private measure(): void {
		const { width, height } = this.host.querySelector('.xterm-screen')!.getBoundingClientRect();
		this.cell = { width: width / this.terminal.cols, height: height / this.terminal.rows };
		this.fit();
	}

	private fit(): void {
		const { cols, rows } = this.terminal;
		// A row of a smaller font is as high as its whole pixels: one more for each may be needed.
		const room = {
			width: this.host.clientWidth - 24,
			height: this.host.clientHeight - 8 - rows,
		};
		if (this.cell.width === 0 || room.width <= 0 || room.height <= 0) return;
		const font = shrink({ cols, rows }, room, this.cell, this.settings.fontSize);
		if (this.terminal.options.fontSize !== font) this.terminal.options.fontSize = font;
	}
}
