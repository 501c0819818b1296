// SPDX-License-Identifier: Apache-2.0
// A terminal as a small picture: xterm.js without input and scrollback, as large as the terminal, made smaller by CSS. The
// server sends it a new picture when something has changed, never a stream.
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { Terminal } from '@xterm/xterm';
import { Disposables, onDispose, type Disposable } from '../base/disposable';
import type { Size } from '../net/codec';
import type { Session } from '../net/session';
import { fontFamily, terminalThemes } from './themes';

export class Thumbnail implements Disposable {
	private readonly disposables = new Disposables();
	private readonly terminal: Terminal;
	private fitted = false;

	constructor(
		private readonly host: HTMLElement,
		session: Session,
		theme: 'dark' | 'light',
		onTitle: (title: string) => void,
	) {
		const t = new Terminal({
			allowProposedApi: true,
			disableStdin: true,
			cursorInactiveStyle: 'block',
			scrollback: 0,
			fontFamily,
			fontSize: 12,
			lineHeight: 1.15,
			theme: terminalThemes[theme],
			minimumContrastRatio: theme === 'light' ? 4.5 : 1,
			windowOptions: {},
			linkHandler: { activate: () => undefined },
		});
		this.terminal = this.disposables.add(t);
		t.loadAddon(new Unicode11Addon());
		t.unicode.activeVersion = '11';
		t.open(host);
		t.attachCustomKeyEventHandler(() => false);
		if (t.textarea !== undefined) t.textarea.tabIndex = -1;
		this.disposables.add(t.onTitleChange(onTitle));
		// A size holds for what comes behind it: it waits for the picture before it.
		const later = (size: Size): void => t.write('', () => this.resize(size));
		this.disposables.add(session.onHello.on(later));
		this.disposables.add(session.onOutput.on(({ bytes, done }) => t.write(bytes, done)));
		// On some screens a cell has no size before something has been drawn.
		this.disposables.add(t.onRender(() => this.fitted || this.fit()));
		const observer = new ResizeObserver(() => this.fit());
		observer.observe(host);
		this.disposables.add(onDispose(() => observer.disconnect()));
	}

	dispose(): void {
		this.disposables.dispose();
	}

	set theme(theme: 'dark' | 'light') {
		this.terminal.options.theme = terminalThemes[theme];
	}

	private resize({ rows, cols }: Size): void {
		if (rows !== this.terminal.rows || cols !== this.terminal.cols) this.terminal.resize(cols, rows);
		this.fit();
	}

	/** The whole terminal goes into the tile. */
	private fit(): void {
		const whole = this.host.querySelector<HTMLElement>('.xterm');
		const drawn = this.host.querySelector<HTMLElement>('.xterm-screen');
		if (whole === null || drawn === null || drawn.offsetWidth === 0) return;
		const { clientWidth: width, clientHeight: height } = this.host;
		const scale = Math.min(width / drawn.offsetWidth, height / drawn.offsetHeight, 1.2);
		whole.style.transform = `scale(${scale})`;
		this.fitted = true;
	}
}
