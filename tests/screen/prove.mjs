// SPDX-License-Identifier: Apache-2.0
// prove.mjs DRIVER random FIRST COUNT [CUTS]: random streams, each cut at CUTS places. Prints the smallest failures, ends with 1.
import { Engine } from "./engine.mjs";
import { prove, shrink, streamLength } from "./proof.mjs";
import { Random, randomStream } from "./streams.mjs";

async function randomly(engine, first, count, cuts) {
	let failures = 0;
	let bytes = 0;
	for (let seed = first; seed < first + count && failures < 5; seed++) {
		const stream = randomStream(seed);
		const length = streamLength(stream);
		const r = new Random(seed + 77777);
		bytes += length;
		for (let i = 0; i < cuts; i++) {
			const cut = r.below(length + 1);
			const lines = r.chance(20) ? r.below(6) : 0xffffffff;
			if (!(await prove(engine, stream, cut, lines)).length) continue;
			failures++;
			await report(engine, stream, cut, lines);
			break;
		}
	}
	console.log(`${count} streams, ${bytes} bytes, ${failures} failures`);
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

const [driver, kind, ...args] = process.argv.slice(2);
const engine = new Engine(driver);
if (kind !== "random") throw new Error("usage: prove.mjs DRIVER random FIRST COUNT [CUTS]");
const failures = await randomly(engine, +args[0], +args[1], +(args[2] ?? 3));
engine.stop();
process.exitCode = failures ? 1 : 0;
