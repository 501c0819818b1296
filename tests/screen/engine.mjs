// SPDX-License-Identifier: Apache-2.0
// The terminal state under test, through screen-driver (its file says how it is spoken to).
import { spawn } from "node:child_process";

export class Engine {
	#child;
	#chunks = [];
	#length = 0;
	#waiting = null;
	#error = null;

	constructor(program) {
		this.#child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
		this.#child.stdout.on("data", (chunk) => {
			this.#chunks.push(chunk);
			this.#length += chunk.length;
			this.#deliver();
		});
		const ended = (why) => {
			this.#error = new Error(`screen-driver ended: ${why}`);
			this.#waiting?.reject(this.#error);
		};
		this.#child.on("exit", (code, signal) => ended(signal ?? code));
		this.#child.stdin.on("error", (error) => ended(error.message));
	}

	#deliver() {
		if (!this.#waiting || this.#length < 4) return;
		const all = Buffer.concat(this.#chunks);
		this.#chunks = [all];
		const length = all.readUInt32LE(0);
		if (all.length < 4 + length) return;
		this.#chunks = [all.subarray(4 + length)];
		this.#length = all.length - 4 - length;
		const { resolve } = this.#waiting;
		this.#waiting = null;
		resolve(all.subarray(4, 4 + length));
	}

	#send(letter, data) {
		if (this.#error) throw this.#error;
		const head = Buffer.alloc(5);
		head.write(letter, 0, "latin1");
		head.writeUInt32LE(data.length, 1);
		this.#child.stdin.write(head);
		this.#child.stdin.write(data);
	}

	#answer() {
		return new Promise((resolve, reject) => {
			this.#waiting = { resolve, reject };
			if (this.#error) reject(this.#error);
			else this.#deliver();
		});
	}

	start(rows, cols, scrollback, widths = 0) {
		this.#send("n", numbers(rows, cols, scrollback, widths));
	}

	feed(bytes) {
		this.#send("f", bytes);
	}

	resize(rows, cols) {
		this.#send("r", numbers(rows, cols));
	}

	async snapshot(scrollback = 0xffffffff) {
		this.#send("s", numbers(scrollback));
		return this.#answer();
	}

	async widths(table) {
		this.#send("w", numbers(table));
		return this.#answer();
	}

	async facts() {
		this.#send("i", Buffer.alloc(0));
		const [memory, lines, bells, alternate, mid, ...title] = (await this.#answer()).toString().split(" ");
		return {
			memory: +memory, lines: +lines, bells: +bells, alternate: alternate === "1", mid: mid === "1",
			title: title.join(" "),
		};
	}

	stop() {
		this.#child.stdin.end();
	}
}

function numbers(...values) {
	const data = Buffer.alloc(values.length * 4);
	values.forEach((value, i) => data.writeUInt32LE(value, i * 4));
	return data;
}
