// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../src/base/clock';
import type { Diagnosis, SessionDeps, Socket } from '../src/net/session';

/** Time that goes on only when told to. */
export class FakeClock implements Clock {
	private time = 0;
	private timers: { at: number; run: () => void }[] = [];

	now(): number {
		return this.time;
	}

	random(): number {
		return 0.5;
	}

	after(ms: number, run: () => void): { dispose(): void } {
		const timer = { at: this.time + ms, run };
		this.timers.push(timer);
		return { dispose: () => void (this.timers = this.timers.filter((t) => t !== timer)) };
	}

	advance(ms: number): void {
		const end = this.time + ms;
		for (;;) {
			const next = this.timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
			if (next === undefined) break;
			this.timers = this.timers.filter((t) => t !== next);
			this.time = next.at;
			next.run();
		}
		this.time = end;
	}
}

export class FakeSocket implements Socket {
	binaryType = '';
	bufferedAmount = 0;
	onopen = null;
	onmessage: Socket['onmessage'] = null;
	onclose: Socket['onclose'] = null;
	sent: (string | Uint8Array)[] = [];
	closed = false;

	constructor(readonly query: Record<string, string>) {}

	send(data: string | Uint8Array): void {
		this.sent.push(data);
	}

	close(): void {
		this.closed = true;
	}

	text(message: object): void {
		this.onmessage?.({ data: JSON.stringify(message) });
	}

	bytes(text: string): void {
		this.onmessage?.({ data: new TextEncoder().encode(text).buffer });
	}

	end(code = 1006, reason = ''): void {
		this.onclose?.({ code, reason });
	}

	/** All that was typed over this socket. */
	get typed(): string {
		const binary = this.sent.filter((d): d is Uint8Array => typeof d !== 'string');
		return binary.map((d) => new TextDecoder().decode(d)).join('');
	}

	/** Texts of one type that were sent over this socket. */
	texts(type: string): Record<string, unknown>[] {
		return this.sent
			.filter((d): d is string => typeof d === 'string')
			.map((d) => JSON.parse(d) as Record<string, unknown>)
			.filter((m) => m['type'] === type);
	}
}

export class FakeNet implements SessionDeps {
	clock = new FakeClock();
	sockets: FakeSocket[] = [];
	diagnosis: Diagnosis = 'retry';
	private streams = 0;

	newStream(): string {
		return String(++this.streams);
	}

	open(query: Record<string, string>): Socket {
		const socket = new FakeSocket(query);
		this.sockets.push(socket);
		return socket;
	}

	diagnose(): Promise<Diagnosis> {
		return Promise.resolve(this.diagnosis);
	}

	get last(): FakeSocket {
		return this.sockets[this.sockets.length - 1]!;
	}
}
