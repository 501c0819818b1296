// SPDX-License-Identifier: Apache-2.0
// The judge: a terminal of xterm.js without a screen, and everything a person or a program could tell two of them apart by.
import { createRequire } from "node:module";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { Terminal } = require("@xterm/headless");
const { Unicode11Addon } = require("@xterm/addon-unicode11");

export class Reference {
	constructor(rows, cols, scrollback, widths = 0) {
		this.terminal = new Terminal({ rows, cols, scrollback, allowProposedApi: true, logLevel: "off" });
		this.terminal.loadAddon(new Unicode11Addon());
		this.terminal.unicode.activeVersion = widths ? "6" : "11";
		this.core = this.terminal._core;
		copyOnlyTheCells(this.terminal);
		// It forgets a link when the row where it was opened is moved by a new width.
		this.core._oscLinkService._removeMarkerFromLink = () => {};
		this.title = "";
		this.colors = new Map();
		this.held = Buffer.alloc(0);
		this.terminal.onTitleChange((title) => (this.title = title));
		this.core._inputHandler.onColor((events) => events.forEach((event) => this.#color(event)));
	}

	#color({ type, index, color }) {
		const restore = 2, set = 1;
		if (type === set) this.colors.set(index, color.join(","));
		else if (type === restore && index === undefined)
			for (const key of [...this.colors.keys()]) key < 256 && this.colors.delete(key);
		else if (type === restore) this.colors.delete(index);
	}

	// xterm.js's decoder drops characters that are cut in certain places, so none is.
	write(bytes) {
		const all = Buffer.concat([this.held, bytes]);
		const whole = all.length - cutCharacter(all);
		this.held = all.subarray(whole);
		this.core._writeBuffer.writeSync(new Uint8Array(all.subarray(0, whole)));
	}

	resize(rows, cols) {
		this.terminal.resize(cols, rows);
		// An alternate screen that is not in use keeps room for its old number of rows, as a scrollback that a fresh terminal of
		// this size would not have.
		const { alt } = this.core._bufferService.buffers;
		if (!alt.lines.length) alt.lines.maxLength = rows;
	}

	free() {
		this.terminal.dispose();
	}
}

/*
 * When xterm.js breaks lines anew it copies the combining characters of a whole row where it meant those of some cells, so that
 * they show up elsewhere, and where depends on the row's past. Both terminals are judged without that.
 */
function copyOnlyTheCells(terminal) {
	const prototype = Object.getPrototypeOf(terminal._core._bufferService.buffer.lines.get(0));
	const copy = prototype.copyCellsFrom;
	if (copy.corrected) return;
	prototype.copyCellsFrom = function (from, fromX, toX, length, backwards) {
		const combined = {};
		for (const [x, text] of Object.entries(this._combined)) if (x < toX || x >= toX + length) combined[x] = text;
		for (const [x, text] of Object.entries(from._combined))
			if (x >= fromX && x < fromX + length) combined[+x - fromX + toX] = text;
		copy.call(this, from, fromX, toX, length, backwards);
		this._combined = combined;
	};
	prototype.copyCellsFrom.corrected = true;
}

// How many bytes at the end are the beginning of a character.
function cutCharacter(bytes) {
	for (let back = 1; back <= 3 && back <= bytes.length; back++) {
		const byte = bytes[bytes.length - back];
		if (byte < 0x80) return 0;
		if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0;
	}
	return 0;
}

const FLAGS = [
	"isBold", "isDim", "isItalic", "isBlink", "isInverse", "isInvisible", "isStrikethrough", "isOverline", "isProtected", "isUnderline",
];

function describeAttributes(reference, cell) {
	let text = `${cell.getFgColorMode()}/${cell.getFgColor()} ${cell.getBgColorMode()}/${cell.getBgColor()}`;
	for (const flag of FLAGS) if (cell[flag]()) text += ` ${flag.slice(2)}`;
	const { underlineColor, urlId, _ext } = cell.hasExtendedAttrs() ? cell.extended : { _ext: 0 };
	// An underline that a restored cursor has brought back has no style and is drawn as a single one.
	const style = (_ext >> 26) & 7 || (cell.fg >> 28) & 1;
	if (style) text += ` line${style}:${colorOf(underlineColor ?? 0)}`;
	const link = urlId ? reference.core._oscLinkService.getLinkData(urlId) : undefined;
	if (link) text += ` link ${link.id ?? ""};${link.uri}`;
	return text;
}

// Of a colour of the palette only the last byte counts.
function colorOf(word) {
	return word >>> 24 === 3 ? word : word & 0x30000ff;
}

// Half of a wide character, cut by an edge that came nearer, can't be drawn: it counts as a blank.
function isHalf(line, x, cols) {
	return line.getWidth(x) === 2 && (x + 1 >= cols || line.getWidth(x + 1) !== 0);
}

// So does a second half without a first.
function isRest(line, x) {
	return line.getWidth(x) === 0 && !line.hasContent(x) && (x === 0 || line.getWidth(x - 1) !== 2);
}

function describeLine(reference, buffer, y, cell) {
	const line = buffer.lines.get(y);
	const cols = reference.terminal.cols;
	let text = line.isWrapped ? "wrapped" : "new";
	let last = "";
	for (let x = 0; x < cols; x++) {
		line.loadCell(x, cell);
		// The second half shows nothing of its own.
		const second = cell.getWidth() === 0 && x > 0 && line.getWidth(x - 1) === 2;
		const attributes = second ? last : describeAttributes(reference, cell);
		if (attributes !== last) text += ` {${attributes}}`;
		last = attributes;
		text += isHalf(line, x, cols) || isRest(line, x) ? "[]" : `[${cell.getChars()}${cell.getWidth() === 1 ? "" : `|${cell.getWidth()}`}]`;
	}
	return text.replace(/(\[\])+$/, (blank) => `(${blank.length / 2} blank)`);
}

function tabs(buffer, cols) {
	return Object.keys(buffer.tabs).filter((x) => buffer.tabs[x] && x < cols).join(",");
}

function describeBuffer(reference, buffer, cell, lines) {
	const { core } = reference;
	const start = Math.max(0, buffer.ybase - lines);
	const y = buffer.savedY - buffer.ybase;
	const { fg, bg } = buffer.savedCurAttrData;
	const pen = Object.assign(new cell.constructor(), { fg: fg & ~0x10000000, bg: bg & ~0x10000000 });
	return {
		scrollback: buffer.ybase - start,
		region: `${buffer.scrollTop}-${buffer.scrollBottom}`,
		tabs: tabs(buffer, core.cols),
		saved: [
			Math.min(buffer.savedX, core.cols - 1), Math.min(Math.max(y, 0), core.rows - 1), 
			describeAttributes(reference, pen), charsetName(buffer.savedCharset),
		].join(" "),
		lines: Array.from({ length: buffer.lines.length - start }, (_, i) => describeLine(reference, buffer, start + i, cell)),
	};
}

function charsetName(charset) {
	return charset ? Object.entries(charset).map(([key, value]) => key + value).join("") : "";
}

function describeModes(reference) {
	const { core, terminal } = reference;
	const charsets = core._charsetService;
	const { cursorStyle, cursorBlink, ...modes } = core.coreService.decPrivateModes;
	return {
		...modes, ...core.coreService.modes, ...terminal.modes,
		convertEol: terminal.options.convertEol,
		cursorHidden: core.coreService.isCursorHidden,
		cursorStyle: cursorStyle ?? "", cursorBlink: cursorBlink ?? "", blinkOption: terminal.options.cursorBlink,
		mouse: core.coreMouseService.activeProtocol, encoding: core.coreMouseService.activeEncoding,
		charsets: Array.from({ length: 4 }, (_, i) => charsetName(charsets._charsets[i])).join(" / "),
		charset: charsetName(charsets.charset), glevel: charsets.glevel,
	};
}

// Everything, as plain values; of the scrollback at most `lines`.
export function describe(reference, lines = Infinity) {
	const { core } = reference;
	const { normal, alt, active } = core._bufferService.buffers;
	const Cell = core._bufferService.buffer.getNullCell().constructor;
	const cell = new Cell();
	const { fg, bg, extended } = core._inputHandler._curAttrData;
	const pen = Object.assign(new Cell(), { fg, bg, extended });
	return {
		size: `${core.cols}x${core.rows}`,
		shown: active === alt ? "alternate" : "primary",
		cursor: `${active.x} ${active.y}`,
		pen: describeAttributes(reference, pen),
		title: reference.title,
		colors: [...reference.colors].sort((a, b) => a[0] - b[0]).join(" "),
		modes: describeModes(reference),
		primary: describeBuffer(reference, normal, cell, lines),
		alternate: active === alt ? describeBuffer(reference, alt, cell, Infinity) : null,
		alternateSaved: [Math.min(alt.savedX, core.cols - 1), Math.min(alt.savedY, core.rows - 1)].join(" "),
	};
}

// What bytes can't say, so that from here on the two may go different ways: half of a wide character at an edge that came nearer,
// tab stops beyond such an edge, a saved cursor outside of the screen, and that an underline
// which a restored cursor brought back has no style.
export function isBeyondBytes(reference, setsTabs) {
	const { core } = reference;
	const { lines, tabs, savedY, ybase } = core._bufferService.buffers.normal;
	const { alt } = core._bufferService.buffers;
	const { fg, extended } = core._inputHandler._curAttrData;
	if ((fg >> 28) & 1 && !((extended._ext >> 26) & 7)) return true;
	if (savedY - ybase >= core.rows || alt.savedY >= core.rows || alt.savedX > core.cols) return true;
	const stops = Object.keys(tabs).filter((x) => tabs[x]);
	if (setsTabs && stops.some((x) => x >= core.cols)) return true;
	for (let y = 0; y < lines.length; y++)
		for (let x = 0; x < core.cols; x++) if (isHalf(lines.get(y), x, core.cols) || isRest(lines.get(y), x)) return true;
	return false;
}

// The first differences, as text; nothing when there are none.
export function differences(a, b, path = "", found = []) {
	if (found.length >= 6) return found;
	if (a && b && typeof a === "object" && typeof b === "object") {
		for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
			differences(a[key], b[key], path ? `${path}.${key}` : key, found);
	} else if (a !== b && JSON.stringify(a) !== JSON.stringify(b)) {
		found.push(`${path}:\n    never left: ${JSON.stringify(a)}\n    came back:  ${JSON.stringify(b)}`);
	}
	return found;
}
