// SPDX-License-Identifier: Apache-2.0
// The screen of one session: xterm.js, its renderer, its size. Knows the session; knows nothing of the page around it but
// the hooks it is given.
import { SearchAddon } from '@xterm/addon-search';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { WebglAddon } from '@xterm/addon-webgl';
import { Terminal, type ITerminalOptions } from '@xterm/xterm';
import { Disposables, listen, onDispose, type Disposable } from '../base/disposable';
import type { Size } from '../net/codec';
import type { Session } from '../net/session';
import type { Settings } from '../store/settings_model';
import { fit, shrink, type Box } from './geometry';
import { TerminalImages } from './images';
import { withModifiers, type Modifiers } from './keys';
import { parseLink, type Link } from './links';
import { parseOsc52 } from './osc52';
import { asOneLine, cleanPaste, wrapBracketed } from './paste';
import { fontFamily, terminalThemes } from './themes';
import { WholeCharacters } from './whole_characters';

export interface ViewHooks {
	/** True: the page took this key press, the terminal must not see it. */
	onKey(event: KeyboardEvent): boolean;
	/** A person pasted; the page decides, and calls paste(). */
	onPaste(text: string): void;
	onClipboardWrite(text: string): void;
	onLink(link: Link): void;
	onTitle(title: string): void;
	onBell(): void;
	onFocus(): void;
	onSelection(text: string): void;
	/** Another client's size is shown, null: this page's own. */
	onForeignSize(size: Size | null): void;
	/** Ctrl or alt of the key bar: the next key uses them up. */
	takeModifiers(): Modifiers;
}

/** As many lines as the session holder keeps: a snapshot brings them all. */
export const scrollback = 10000;
const scrollbarWidth = 14;
const encoder = new TextEncoder();

function fixedOptions(): ITerminalOptions {
	return {
		allowProposedApi: true,
		scrollback,
		fontFamily,
		lineHeight: 1.15,
		customGlyphs: true,
		rescaleOverlappingGlyphs: true,
		macOptionIsMeta: true,
		rightClickSelectsWord: false,
		drawBoldTextInBrightColors: false,
		overviewRuler: { width: scrollbarWidth },
		// No window reports: a program may neither read the title nor move the window.
		windowOptions: {},
	};
}

export class TerminalView implements Disposable {
	private readonly disposables = new Disposables();
	private readonly terminal: Terminal;
	private readonly characters = new WholeCharacters();
	readonly search = new SearchAddon({ highlightLimit: 2000 });
	private webgl: WebglAddon | null = null;
	private readonly images: TerminalImages;
	private settings: Settings;
	/** One cell at the font size that was chosen. */
	private cell: Box = { width: 0, height: 0 };
	private own: Size;
	private shared: Size | null = null;
	private clients = 1;
	private visible = false;

	constructor(
		private readonly host: HTMLElement,
		private readonly session: Session,
		settings: Settings,
		theme: 'dark' | 'light',
		private readonly hooks: ViewHooks,
	) {
		this.settings = settings;
		this.terminal = new Terminal({
			...fixedOptions(),
			...this.chosenOptions(settings, theme),
			linkHandler: { activate: (_, text) => this.follow(text) },
		});
		this.disposables.add(this.terminal);
		this.own = { rows: this.terminal.rows, cols: this.terminal.cols };
		this.loadAddons();
		this.images = this.disposables.add(new TerminalImages(this.terminal));
		this.images.set(settings.images);
		this.terminal.open(host);
		this.listenToTerminal();
		this.listenToSession();
		this.disposables.add(onDispose(() => this.dropWebgl()));
		this.measure();
		this.layout();
		const observer = new ResizeObserver(() => this.layout());
		observer.observe(host);
		this.disposables.add(onDispose(() => observer.disconnect()));
	}

	dispose(): void {
		this.visible = false;
		this.disposables.dispose();
	}

	/** The size this page would give the terminal. */
	get ownSize(): Size {
		return this.own;
	}

	get selection(): string {
		return this.terminal.getSelection();
	}

	get bracketedPaste(): boolean {
		return this.terminal.modes.bracketedPasteMode;
	}

	get mouseIsTaken(): boolean {
		return this.terminal.modes.mouseTrackingMode !== 'none';
	}

	get applicationCursor(): boolean {
		return this.terminal.modes.applicationCursorKeysMode;
	}

	focus(): void {
		this.terminal.focus();
	}

	clearSelection(): void {
		this.terminal.clearSelection();
	}

	selectAll(): void {
		this.terminal.selectAll();
	}

	clearScrollback(): void {
		this.terminal.clear();
	}

	/** Sends what was typed outside of the terminal: the key bar, the compose field. */
	type(text: string): void {
		this.terminal.scrollToBottom();
		this.send(withModifiers(text, this.hooks.takeModifiers()));
	}

	/** Sends text as a paste: cleaned, and marked as one where the program asked for that. */
	paste(text: string, oneLine = false): void {
		const clean = cleanPaste(oneLine ? asOneLine(text) : text);
		this.terminal.scrollToBottom();
		this.send(this.bracketedPaste ? wrapBracketed(clean) : clean);
		this.focus();
	}

	apply(settings: Settings, theme: 'dark' | 'light'): void {
		const before = this.settings;
		this.settings = settings;
		Object.assign(this.terminal.options, this.chosenOptions(settings, theme));
		this.images.set(settings.images);
		if (before.fontSize !== settings.fontSize) this.measure();
		if (before.renderer !== settings.renderer || before.screenReader !== settings.screenReader) {
			this.chooseRenderer();
		}
		this.layout();
	}

	/** A hidden view gives its WebGL context back: browsers allow few of them. */
	setVisible(visible: boolean): void {
		this.visible = visible;
		if (visible) {
			this.layout();
			// WebGL takes a while to begin: the prompt is drawn before that.
			setTimeout(() => this.chooseRenderer(), 300);
		} else {
			this.dropWebgl();
		}
	}

	private chosenOptions(settings: Settings, theme: 'dark' | 'light'): ITerminalOptions {
		return {
			fontSize: settings.fontSize,
			cursorBlink: settings.cursorBlink,
			screenReaderMode: settings.screenReader,
			theme: terminalThemes[theme],
			minimumContrastRatio: theme === 'light' ? 4.5 : 1,
		};
	}

	private loadAddons(): void {
		this.terminal.loadAddon(new Unicode11Addon());
		this.terminal.unicode.activeVersion = '11';
		this.terminal.loadAddon(this.search);
		this.terminal.loadAddon(new WebLinksAddon((_, text) => this.follow(text)));
	}

	private follow(text: string): void {
		const link = parseLink(text);
		if (link !== null) this.hooks.onLink(link);
	}

	private listenToTerminal(): void {
		const t = this.terminal;
		const all = this.disposables;
		all.add(t.onData((data) => this.fromTerminal(data)));
		all.add(t.onBinary((data) => this.session.send(Uint8Array.from(data, (c) => c.charCodeAt(0)))));
		all.add(t.onTitleChange((title) => this.hooks.onTitle(title)));
		// On some screens a cell has no size before something has been drawn.
		all.add(t.onRender(() => this.cell.width === 0 && this.layout()));
		all.add(t.onBell(() => this.hooks.onBell()));
		all.add(t.onSelectionChange(() => this.hooks.onSelection(t.getSelection())));
		all.add(
			t.parser.registerOscHandler(52, (data) => {
				const text = parseOsc52(data);
				if (text !== null) this.hooks.onClipboardWrite(text);
				return true;
			}),
		);
		t.attachCustomKeyEventHandler((event) => {
			if (event.type !== 'keydown' || !this.hooks.onKey(event)) return true;
			event.preventDefault();
			return false;
		});
		if (t.textarea !== undefined) {
			all.add(listen(t.textarea, 'focus', () => this.hooks.onFocus()));
			t.textarea.setAttribute('autocapitalize', 'off');
		}
		all.add(listen<ClipboardEvent>(this.host, 'paste', (e) => this.pasted(e), { capture: true }));
	}

	private pasted(event: ClipboardEvent): void {
		event.preventDefault();
		event.stopPropagation();
		const text = event.clipboardData?.getData('text/plain') ?? '';
		if (text !== '') this.hooks.onPaste(text);
	}

	private listenToSession(): void {
		const { session } = this;
		const all = this.disposables;
		all.add(session.onOutput.on(({ bytes, done }) => this.terminal.write(this.characters.take(bytes), done)));
		// A size holds for what comes behind it: it waits for the output before it.
		const later = (size: Size): void => {
			this.terminal.write('', () => this.share(size));
		};
		all.add(session.onSize.on(later));
		all.add(session.onHello.on(later));
		all.add(session.onPresence.on(({ clients }) => (this.clients = clients.length)));
		all.add(
			session.onState.on((state) => {
				this.terminal.options.disableStdin = state.phase === 'live' && state.readOnly;
			}),
		);
	}

	/** Keys, and the answers of the terminal to a program's questions. */
	private fromTerminal(data: string): void {
		const focused = document.hasFocus() && this.host.contains(document.activeElement);
		// With several clients on the terminal each would answer: only the one in use does.
		if (this.clients > 1 && !focused) return;
		this.send(withModifiers(data, this.hooks.takeModifiers()));
	}

	private send(text: string): void {
		this.session.send(encoder.encode(text));
	}

	private room(): Box {
		const style = getComputedStyle(this.host);
		const across = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
		const down = parseFloat(style.paddingTop) + parseFloat(style.paddingBottom);
		return {
			width: this.host.clientWidth - across - scrollbarWidth,
			height: this.host.clientHeight - down,
		};
	}

	/** Takes the size of one cell at the chosen font size. */
	private measure(): void {
		this.terminal.options.fontSize = this.settings.fontSize;
		const screen = this.host.querySelector('.xterm-screen');
		if (screen === null) return;
		const { width, height } = screen.getBoundingClientRect();
		if (width === 0 || height === 0) return;
		this.cell = { width: width / this.terminal.cols, height: height / this.terminal.rows };
	}

	private layout(): void {
		if (this.cell.width === 0) this.measure();
		const own = fit(this.room(), this.cell);
		if (own === null) return;
		// While the terminal has the size this page gave it, this page is the one that decides: no need to wait.
		const decides = this.shared === null || same(this.shared, this.own);
		this.own = own;
		this.session.resize(own);
		if (decides) this.shared = own;
		this.show();
	}

	private share(size: Size): void {
		this.shared = { rows: size.rows, cols: size.cols };
		this.show();
	}

	private show(): void {
		const size = this.shared ?? this.own;
		const foreign = !same(size, this.own);
		const { fontSize } = this.settings;
		const font = foreign ? shrink(size, this.room(), this.cell, fontSize) : fontSize;
		if (this.terminal.options.fontSize !== font) this.terminal.options.fontSize = font;
		if (this.terminal.rows !== size.rows || this.terminal.cols !== size.cols) {
			this.terminal.resize(size.cols, size.rows);
		}
		this.host.classList.toggle('foreign-size', foreign);
		this.hooks.onForeignSize(foreign ? size : null);
	}

	private chooseRenderer(): void {
		const { renderer, screenReader } = this.settings;
		const wanted = renderer === 'webgl' || (renderer === 'auto' && hasGraphicsCard());
		if (!wanted || screenReader || !this.visible) {
			this.dropWebgl();
			return;
		}
		if (this.webgl !== null) return;
		try {
			const webgl = new WebglAddon();
			webgl.onContextLoss(() => this.dropWebgl());
			this.terminal.loadAddon(webgl);
			this.webgl = webgl;
		} catch {
			// No WebGL here: xterm.js draws with elements, only slower.
			this.webgl = null;
		}
	}

	private dropWebgl(): void {
		this.webgl?.dispose();
		this.webgl = null;
	}
}

let graphicsCard: boolean | null = null;

/** WebGL computed by the processor is several times slower than elements, and takes the time from the keys. */
function hasGraphicsCard(): boolean {
	if (graphicsCard !== null) return graphicsCard;
	const probe = document.createElement('canvas');
	const gl = probe.getContext('webgl2', { failIfMajorPerformanceCaveat: true });
	gl?.getExtension('WEBGL_lose_context')?.loseContext();
	graphicsCard = gl !== null;
	return graphicsCard;
}

function same(a: Size, b: Size): boolean {
	return a.rows === b.rows && a.cols === b.cols;
}

/** Cells are measured when a terminal opens: its fonts must be there by then, but a slow one is not waited for long. */
export async function fontsReady(): Promise<void> {
	const fonts = ['14px', 'bold 14px'].map((f) => document.fonts.load(`${f} 'JetBrains Mono'`));
	const limit = new Promise((resolve) => setTimeout(resolve, 800));
	await Promise.race([Promise.allSettled(fonts), limit]);
}
