// SPDX-License-Identifier: Apache-2.0
// Random streams of what real programs send, from a seed: pieces that are bytes or a new size.

export class Random {
	constructor(seed) {
		this.state = (seed * 2654435761) >>> 0 || 1;
	}

	next() {
		// xorshift32
		this.state ^= this.state << 13;
		this.state >>>= 0;
		this.state ^= this.state >>> 17;
		this.state ^= this.state << 5;
		this.state >>>= 0;
		return this.state;
	}

	below(n) {
		return this.next() % n;
	}

	pick(list) {
		return list[this.below(list.length)];
	}

	chance(percent) {
		return this.below(100) < percent;
	}
}

const WORDS = ["ls", "total", "drwxr-xr-x", "main.c", "the", "quick", "0x7f", "error:", "README.md", "—", "λ", "naïve"];
const WIDE = ["漢字", "日本語", "한글", "🙂", "🚀", "👍🏽", "ｆｕｌｌ", "表"];
const COMBINING = ["e\u0301", "a\u0308\u0323", "n\u0303", "क\u094d", "\u0301", "☺\ufe0f", "👩\u200d💻", "ก\u0e33"];
const ESC = "\x1b";

function word(r) {
	const kind = r.below(12);
	if (kind === 0) return r.pick(WIDE);
	if (kind === 1) return r.pick(COMBINING);
	if (kind === 2) return r.pick(["─", "│", "┌", "█", "░", "✓", "→", "…", "°", "€"]).repeat(1 + r.below(9));
	return r.pick(WORDS);
}

function text(r) {
	return Array.from({ length: 1 + r.below(6) }, () => word(r)).join(r.chance(80) ? " " : "");
}

function color(r, base) {
	const kind = r.below(6);
	if (kind === 0) return `${base + 8};5;${r.below(256)}`;
	if (kind === 1) return `${base + 8};2;${r.below(256)};${r.below(256)};${r.below(256)}`;
	if (kind === 2) return `${base + 8}:2::${r.below(256)}:${r.below(256)}:${r.below(256)}`;
	if (kind === 3) return `${base + 60 + r.below(8)}`;
	if (kind === 4) return `${base + 9}`;
	return `${base + r.below(8)}`;
}

function attribute(r) {
	const kind = r.below(10);
	if (kind < 2) return "0";
	if (kind < 4) return color(r, 30);
	if (kind < 5) return color(r, 40);
	if (kind < 6) return r.pick(["4:3", "4:2", "21", "4:0", "58:5:9", "58:2::1:2:3", "59", "58;5;3"]);
	return `${r.pick([1, 2, 3, 4, 5, 7, 8, 9, 22, 23, 24, 25, 27, 28, 29, 53, 55, 39, 49, 38])}`;
}

function sgr(r) {
	if (r.chance(25)) return `${ESC}[m`;
	return `${ESC}[${Array.from({ length: 1 + r.below(3) }, () => attribute(r)).join(";")}m`;
}

function move(r, size) {
	const n = r.chance(30) ? "" : 1 + r.below(r.chance(80) ? 8 : 90);
	const kind = r.below(12);
	if (kind < 4) return `${ESC}[${1 + r.below(size.rows)};${1 + r.below(size.cols)}H`;
	if (kind === 4) return r.pick(["\r", "\b", "\t", "\n", "\v", "\b\b"]);
	if (kind === 5) return `${ESC}${r.pick(["D", "M", "E"])}`;
	return `${ESC}[${n}${r.pick([..."ABCDEFGdae`IZ"])}`;
}

function edit(r) {
	const n = r.chance(40) ? "" : 1 + r.below(5);
	const kind = r.below(10);
	if (kind < 3) return `${ESC}[${r.pick(["", "0", "1", "2"])}K`;
	if (kind < 4) return `${ESC}[${r.pick(["", "0", "1", "2", "2", "3"])}J`;
	if (kind < 5) return `${ESC}[${r.pick(["?", ""])}${r.below(3)}${r.pick(["J", "K"])}`;
	return `${ESC}[${n}${r.pick([..."@PXLMSTb"])}`;
}

function region(r, size) {
	if (r.chance(40)) return `${ESC}[r`;
	const top = 1 + r.below(size.rows);
	return `${ESC}[${top};${Math.min(size.rows, top + 1 + r.below(size.rows))}r`;
}

const MODES = ["?1", "?6", "?12", "?25", "?45", "?66", "4", "?1004", "?2004", "?2026", "?1000", "?1002", "?1003", "?9", "?1006",
	"?1016", "20"];

function mode(r) {
	return `${ESC}[${r.pick(MODES)}${r.chance(40) ? "h" : "l"}`;
}

// Without wide characters: one that doesn't fit at the edge leaves halves behind.
function noWrap(r) {
	return `${ESC}[?7l${Array.from({ length: 1 + r.below(20) }, () => r.pick(WORDS)).join(" ")}${ESC}[?7h`;
}

function keypad(r) {
	return ESC + r.pick(["=", ">"]);
}

function screen(r) {
	return r.pick([`${ESC}[?1049h${ESC}[H${ESC}[2J`, `${ESC}[?1049l`, `${ESC}[?47h`, `${ESC}[?47l`, `${ESC}[?1047h`, `${ESC}[?1047l`]);
}

function saved(r) {
	return r.pick([`${ESC}7`, `${ESC}8`, `${ESC}[s`, `${ESC}[u`, `${ESC}[?1048h`, `${ESC}[?1048l`]);
}

function charset(r) {
	if (r.chance(40)) return r.pick(["\x0e", "\x0f", `${ESC}n`, `${ESC}o`]);
	return `${ESC}${r.pick([..."()*+"])}${r.pick(["B", "B", "0", "0", "A", "K", "4"])}`;
}

function lineDrawing(r) {
	return `${ESC}(0${r.pick(["lqqqk", "x   x", "mqqqj", "tqu"])}${ESC}(B`;
}

function osc(r) {
	const end = r.pick(["\x07", `${ESC}\\`]);
	const kind = r.below(8);
	if (kind < 2) return `${ESC}]${r.pick([0, 2])};${text(r)}${end}`;
	if (kind < 4) return link(r, end);
	if (kind === 4) return `${ESC}]4;${r.below(256)};rgb:${r.below(90) + 10}/a0/0${r.below(9)}${end}`;
	if (kind === 5) return `${ESC}]1${r.below(3)};#${r.pick(["102030", "fff", "00a0f0"])}${end}`;
	if (kind === 6) return `${ESC}]${r.pick(["104", "104;3", "110", "111", "112"])}${end}`;
	return `${ESC}]${r.pick(["7;file://host/tmp", "133;A", "52;c;Zm9v", "1;icon", "9;4;1;50"])}${end}`;
}

// Closed again at once, as programs do: xterm.js forgets an open link with the line on which it was opened.
function link(r, end) {
	const id = r.chance(50) ? `id=${r.below(3)}` : "";
	return `${ESC}]8;${id};https://example.org/${r.below(5)}${end}${text(r)}${ESC}]8;;${end}`;
}

function tabs(r) {
	return r.pick([`${ESC}H`, `${ESC}[g`, `${ESC}[3g`, `${ESC}H\t`]);
}

function odd(r) {
	return r.pick([`${ESC}#8`, `${ESC}[!p`, `${ESC}c`, `${ESC}[${r.below(7)} q`, `${ESC}[1"q`, `${ESC}[0"q`, `${ESC}[2 @`, `${ESC}[1 A`,
		`${ESC}['}`, `${ESC}['~`, `${ESC}P1$r0m${ESC}\\`, `${ESC}_app${ESC}\\`, `${ESC}^pm${ESC}\\`, `${ESC}[?25$p`, `${ESC}[>4;2m`, `${ESC}[<u`,
		`${ESC}[38;5`, `${ESC}[?`, "\x18", "\x07", "\x9b1m", "\x85", "\x84", `${ESC}%G`, `${ESC}[1;2;3;4;5z`]);
}

function lines(r) {
	let out = "";
	for (let n = 1 + r.below(12); n > 0; n--) out += `${r.chance(20) ? sgr(r) : ""}${text(r)}${r.chance(15) ? `${ESC}[K` : ""}\r\n`;
	return out;
}

function flood(r, size) {
	const many = r.below(size.rows * 4);
	return Array.from({ length: many }, (_, i) => `${"plain line ".slice(0, r.below(12)).repeat(r.below(4))}${i}\r\n`).join("");
}

function longLine(r, size) {
	return `${text(r)} `.repeat(1 + r.below(Math.ceil(size.cols / 8)));
}

// A program on the alternate screen that draws anew when its window changes.
function redraw(r, size) {
	let out = `${ESC}[H${ESC}[2J`;
	for (let y = 1; y <= size.rows; y += 1 + r.below(4)) out += `${ESC}[${y};${1 + r.below(size.cols)}H${sgr(r)}${text(r)}`;
	return out;
}

const PIECES = [
	[24, text], [12, lines], [5, longLine], [2, flood], [14, sgr], [14, move], [10, edit], [3, region], [3, mode], [1, keypad], [1, noWrap], [2, screen], [3, saved],
	[1, charset], [1, lineDrawing], [3, osc], [1, tabs], [1, odd],
];
const TOTAL = PIECES.reduce((sum, [weight]) => sum + weight, 0);

function piece(r, size) {
	let n = r.below(TOTAL);
	for (const [weight, make] of PIECES) {
		if (n < weight) return make(r, size);
		n -= weight;
	}
	return "";
}

// What the client's terminal may have been through. Whether the cursor blinks is its own option until a program says something.
function usedBefore(r, size) {
	const pieces = Array.from({ length: 30 }, () => piece(r, size)).filter((text) => !text.startsWith(`${ESC}[?12`));
	return Buffer.from(pieces.join(""));
}

// Size, and pieces: a Buffer, or { rows, cols }.
export function randomStream(seed) {
	const r = new Random(seed);
	const size = { rows: 2 + r.below(r.chance(50) ? 8 : 30), cols: 2 + r.below(r.chance(50) ? 24 : 90) };
	const resizes = r.chance(60);
	// xterm.js loses count of its lines when it breaks lines anew and has no room to keep them.
	const stream = { seed, ...size, scrollback: r.pick(resizes ? [500, 1000] : [0, 5, 20, 200]), pieces: [] };
	for (let n = 5 + r.below(120); n > 0; n--) {
		if (resizes && r.chance(5)) {
			if (r.chance(80)) size.cols = Math.max(2, r.chance(50) ? size.cols + r.below(9) - 4 : 2 + r.below(100));
			if (r.chance(50)) size.rows = Math.max(1, size.rows + r.below(9) - 4);
			stream.pieces.push({ ...size, redraw: redraw(r, size) });
		} else {
			stream.pieces.push(Buffer.from(piece(r, size)));
		}
	}
	if (r.chance(30)) stream.usedBefore = usedBefore(r, size);
	return stream;
}
