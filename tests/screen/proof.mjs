// SPDX-License-Identifier: Apache-2.0
// One proof: a client that was cut off at some byte and came back with a snapshot equals one that never left.
import { Reference, describe, differences, isBeyondBytes } from "./reference.mjs";

// The steps in order with the cut as one of them; a redraw is sent where the alternate screen is shown.
function steps(stream, cut) {
	const list = [];
	let at = 0;
	for (const piece of stream.pieces) {
		if (!Buffer.isBuffer(piece)) {
			list.push({ resize: piece });
			continue;
		}
		if (cut >= at && cut < at + piece.length) {
			list.push({ bytes: piece.subarray(0, cut - at) }, { cut: true }, { bytes: piece.subarray(cut - at) });
		} else {
			list.push({ bytes: piece });
		}
		at += piece.length;
	}
	if (cut >= at) list.push({ cut: true });
	return list.reduce(joined, []);
}

// What is written at once is written at once: where a write ends matters to xterm.js in rare places.
function joined(list, step) {
	const last = list.at(-1);
	if (step.bytes && last?.bytes) last.bytes = Buffer.concat([last.bytes, step.bytes]);
	else list.push(step);
	return list;
}

export function streamLength(stream) {
	return stream.pieces.reduce((sum, piece) => sum + (Buffer.isBuffer(piece) ? piece.length : 0), 0);
}

class Run {
	constructor(engine, stream) {
		this.engine = engine;
		this.size = { rows: stream.rows, cols: stream.cols };
		this.stream = stream;
		this.stayed = new Reference(stream.rows, stream.cols, stream.scrollback, stream.widths);
		this.back = null;
		engine.start(stream.rows, stream.cols, stream.scrollback, stream.widths);
	}

	write(bytes) {
		this.stayed.write(bytes);
		if (this.back) this.back.write(bytes);
		else this.engine.feed(bytes);
	}

	resize(size) {
		const { active, alt } = this.stayed.core._bufferService.buffers;
		this.size = { rows: size.rows, cols: size.cols };
		this.stayed.resize(size.rows, size.cols);
		if (this.back) this.back.resize(size.rows, size.cols);
		else this.engine.resize(size.rows, size.cols);
		// Cells right of a narrower edge are the one thing that bytes can't bring back; programs draw anew here.
		if (active === alt) this.write(Buffer.from(`\x18\x1b[0m${size.redraw}`));
	}

	async cut(lines) {
		const snapshot = await this.engine.snapshot(lines);
		this.back = new Reference(this.size.rows, this.size.cols, this.stream.scrollback, this.stream.widths);
		// The terminal of a client that comes back need not be a new one.
		if (this.stream.usedBefore) this.back.write(this.stream.usedBefore);
		this.back.write(snapshot);
		this.snapshot = snapshot;
	}

	compare(lines) {
		return differences(describe(this.stayed, lines), describe(this.back, lines));
	}

	free() {
		this.stayed.free();
		this.back?.free();
	}
}

// Whether a program has tab stops of its own; their usual ones are what a new width brings anyway.
function setsTabs(stream) {
	const bytes = Buffer.concat(stream.pieces.filter((piece) => Buffer.isBuffer(piece)));
	return /\x1bH|\x1b\[3?g|\x88/.test(bytes.toString());
}

// What differs, as text; nothing when all is well.
export async function prove(engine, stream, cut, lines = 0xffffffff) {
	const run = new Run(engine, stream);
	try {
		for (const step of steps(stream, cut)) {
			if (step.bytes) run.write(step.bytes);
			else if (step.resize) run.resize(step.resize);
			else {
				await run.cut(lines);
				const found = run.compare(lines);
				if (found.length) return [`at the cut (byte ${cut})`, ...found, show(run.snapshot)];
				// With a scrollback that is not full yet the two would save and restore the cursor differently from here on.
				if (lines < stream.scrollback || isBeyondBytes(run.stayed, setsTabs(stream))) return [];
			}
		}
		const found = run.compare(lines);
		return found.length ? [`at the end (cut at byte ${cut})`, ...found, show(run.snapshot)] : [];
	} catch (error) {
		// xterm.js itself throws where ESC[1J meets the last cell of a terminal without scrollback.
		if (!/eraseInDisplay/.test(error.stack)) throw error;
		return [];
	} finally {
		run.free();
	}
}

function show(bytes) {
	const text = JSON.stringify(bytes.toString());
	return `snapshot: ${text.length > 1500 ? `${text.slice(0, 1500)}... (${bytes.length} bytes)` : text}`;
}

// The fewest pieces that still fail.
export async function shrink(engine, stream, cut, lines) {
	let best = { stream, cut };
	for (let size = stream.pieces.length >> 1; size >= 1; size >>= 1) {
		for (let i = 0; i + size <= best.stream.pieces.length; ) {
			const pieces = [...best.stream.pieces.slice(0, i), ...best.stream.pieces.slice(i + size)];
			const less = { ...best.stream, pieces };
			const candidate = await failingCut(engine, less, best.cut, lines);
			if (candidate === null) i += size;
			else best = { stream: less, cut: candidate };
		}
	}
	return best;
}

async function failingCut(engine, stream, cut, lines) {
	const length = streamLength(stream);
	for (const at of new Set([Math.min(cut, length), length, length >> 1, Math.max(0, length - 1), Math.max(0, length - 2)]))
		if ((await prove(engine, stream, at, lines)).length) return at;
	return null;
}
