// SPDX-License-Identifier: Apache-2.0
// prove.mjs DRIVER random FIRST COUNT [CUTS]   random streams, each cut at CUTS places
// prove.mjs DRIVER recorded FILE CUTS          what a program has written, in JSON: size, and pieces that are base64 or a new size
// prove.mjs DRIVER clients FILE                what several clients of one terminal were given, a list of such pieces each
// prove.mjs DRIVER widths                      the width of every code point
// Prints what fails, cut down to the smallest stream that still does, and ends with 1 then.
import { readFileSync } from "node:fs";
import { Engine } from "./engine.mjs";
import { prove, shrink, streamLength } from "./proof.mjs";
import { Reference, describe, differences } from "./reference.mjs";
import { Random, randomStream } from "./streams.mjs";

const ALL_LINES = 0xffffffff;
const ENOUGH_FAILURES = 3;
const SCROLLBACK = 10000;

async function proveStream(engine, stream, cuts, seed) {
	const length = streamLength(stream);
	const r = new Random(seed + 77777);
	for (let i = 0; i < cuts; i++) {
		const cut = r.below(length + 1);
		const lines = r.chance(20) ? r.below(6) : ALL_LINES;
		if (!(await prove(engine, stream, cut, lines)).length) continue;
		await report(engine, stream, cut, lines);
		return 1;
	}
	return 0;
}

async function random(engine, first, count, cuts = 3) {
	let failures = 0;
	for (let seed = +first; seed < +first + +count && failures < ENOUGH_FAILURES; seed++)
		failures += await proveStream(engine, randomStream(seed), +cuts, seed);
	return failures;
}

async function recorded(engine, file, cuts) {
	const { pieces, ...stream } = JSON.parse(readFileSync(file));
	stream.pieces = pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece, "base64") : { ...piece, redraw: "" }));
	return proveStream(engine, stream, +cuts, 1);
}

async function clients(engine, file) {
	const seen = JSON.parse(readFileSync(file)).map((events) => {
		const client = new Reference(events[0].rows, events[0].cols, SCROLLBACK);
		for (const event of events)
			if (typeof event === "string") client.write(Buffer.from(event, "base64"));
			else client.resize(event.rows, event.cols);
		return describe(client);
	});
	let failures = 0;
	for (const [i, other] of seen.entries()) {
		const found = differences(seen[0], other);
		if (found.length) console.log(`client ${i}:`, ...found);
		failures += found.length;
	}
	return failures;
}

async function widths(engine) {
	let failures = 0;
	for (const table of [0, 1]) {
		const reference = new Reference(2, 10, 0, table);
		const ours = await engine.widths(table);
		for (let code = 0x20; code < 0x110000; code++) {
			// Neither of them is ever printed.
			if ((code >= 0x7f && code < 0xa0) || ours[code] === reference.core.unicodeService.wcwidth(code)) continue;
			console.log(`U+${code.toString(16)} in table ${table}: ${ours[code]} columns`);
			failures++;
		}
		reference.free();
	}
	return failures;
}

async function report(engine, stream, cut, lines) {
	const least = await shrink(engine, stream, cut, lines);
	const { seed, rows, cols, scrollback, pieces } = least.stream;
	console.log(`seed ${seed}, ${cols}x${rows}, scrollback ${scrollback}, lines ${lines}, cut ${least.cut} of ${streamLength(least.stream)}:`);
	for (const piece of pieces)
		console.log("  ", Buffer.isBuffer(piece) ? JSON.stringify(piece.toString()) : `resize ${piece.cols}x${piece.rows}`);
	for (const line of await prove(engine, least.stream, least.cut, lines)) console.log("  ", line);
}

const KINDS = { random, recorded, clients, widths };
const [driver, kind, ...args] = process.argv.slice(2);
const engine = new Engine(driver);
const failures = await KINDS[kind](engine, ...args);
console.log(`${kind} ${args.join(" ")}: ${failures} failures`);
engine.stop();
process.exitCode = failures ? 1 : 0;
