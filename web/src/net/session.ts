// SPDX-License-Identifier: Apache-2.0
// One terminal over one WebSocket at a time: connects, resumes by offset, acknowledges by bytes, measures the latency,
// keeps what is typed while away and sends again what didn't arrive. Knows nothing of the screen or of the page.
import type { Clock } from '../base/clock';
import type { Disposable } from '../base/disposable';
import { Emitter } from '../base/emitter';
import { Backoff } from './backoff';
import * as codec from './codec';
import type { Exit, Hello, Notice, Presence, Size } from './codec';
import { InputQueue } from './input_queue';
import { mostAhead, Pace } from './pace';

/** The part of WebSocket that is used. */
export interface Socket {
	binaryType: string;
	readonly bufferedAmount: number;
	onopen: ((event: never) => void) | null;
	onmessage: ((event: { data: unknown }) => void) | null;
	onclose: ((event: { code: number; reason: string }) => void) | null;
	send(data: string | Uint8Array): void;
	close(code?: number, reason?: string): void;
}

/** Why a connection was refused before it said hello: a browser doesn't tell, so the page asks over HTTP. */
export type Diagnosis = 'retry' | 'reachable' | 'unauthorized' | 'gone';

export interface SessionDeps {
	clock: Clock;
	open(query: Record<string, string>): Socket;
	diagnose(terminal: string | null): Promise<Diagnosis>;
	/** A random number of 64 bits, never 0, as the server reads one. */
	newStream(): string;
}

export type SessionState =
	| { phase: 'connecting' }
	/** `suspect`: the network went away or the machine slept; keys are held till the server answers. */
	| { phase: 'live'; suspect: boolean; readOnly: boolean }
	/** `until`: when the next try is made, by the session's clock. `why`: what the server said, or nothing. */
	| { phase: 'waiting'; until: number; why: string }
	/** `unsent`: bytes typed for it that reached no shell. */
	| { phase: 'exited'; exit: Exit; unsent: number }
	| { phase: 'gone'; unsent: number }
	/** It won't go another time either; `code` is the server's own close code. */
	| { phase: 'refused'; code: number }
	| { phase: 'unauthorized' }
	| { phase: 'closed' };

/** Output to show. `done` is called when it has been shown: that is what is acknowledged. */
export interface Output {
	bytes: Uint8Array;
	done: () => void;
}

export const pingEvery = 10_000;
export const answerWithin = 10_000;
export const probeWithin = 2_500;
export const echoWithin = 3_000;
export const connectWithin = 10_000;
/** While the screen keeps up; a slow one tells more often, and lets less come. */
export const ackEvery = mostAhead / 8;
/** Close codes of RFC 6455, 7.4.1. */
const policy = 1008;
const serverFailed = 1011;
/** Close codes of our own: what can't be had, now or later. */
const ownCodes = 4000;
/** It is older than the wall's pictures. */
export const noPictures = 4001;
const inputCeiling = 1024 * 1024;
/** So many refusals by a server that answers otherwise: then something takes the WebSockets away. */
const blockedAfter = 3;
export const blockedText =
	'the server answers, but WebSockets do not get through: a proxy in between may not pass them on.';
const socketCeiling = 256 * 1024;
/** At most so much is on its way to a server that counts. */
export const inputWindow = 256 * 1024;

export class Session implements Disposable {
	readonly onState = new Emitter<SessionState>();
	readonly onOutput = new Emitter<Output>();
	readonly onHello = new Emitter<Hello>();
	readonly onSize = new Emitter<Size>();
	readonly onNotice = new Emitter<Notice>();
	readonly onPresence = new Emitter<Presence>();
	readonly onLatency = new Emitter<number>();
	readonly onTerminals = new Emitter<void>();
	/** Bytes waiting to be sent, whenever that changes while away. */
	readonly onHeld = new Emitter<number>();
	/** Input that the full queue did not take. */
	readonly onRefused = new Emitter<number>();

	/** The connection broke and keys sent last may not have arrived; nobody counted, so they are not sent again. */
	readonly onUnsure = new Emitter<void>();

	private current: SessionState = { phase: 'closed' };
	private socket: Socket | null = null;
	private backoff: Backoff;
	private queue = new InputQueue(inputCeiling);
	private readonly stream: string;
	private isCounted = false;
	private life: string | null = null;
	/** What the server was told last. */
	private told: Size;
	/** Offset of the next output byte expected; null: this page has none of the screen yet. */
	private received: number | null = null;
	/** The largest offset seen, which outlives a screen. */
	private furthest = 0;
	private acknowledged = 0;
	private pace = new Pace();
	private refusals = 0;
	/** Counts the pictures: an output before the last one, shown late, acknowledges nothing. */
	private picture = 0;
	private greeted = false;
	private snapshotLeft = 0;
	private skip = 0;
	private pingAt: number | null = null;
	private heardAt = 0;
	private typedAt = 0;
	private timer: Disposable | null = null;
	private flushTimer: Disposable | null = null;

	constructor(
		private readonly deps: SessionDeps,
		private id: string | null,
		private size: Size,
	) {
		this.backoff = new Backoff(() => deps.clock.random());
		this.stream = deps.newStream();
		this.told = size;
	}

	get state(): SessionState {
		return this.current;
	}

	/** The terminal's id; null until the first hello when none was named. */
	get terminal(): string | null {
		return this.id;
	}

	get held(): number {
		return this.queue.size;
	}

	/** For a screen that has nothing yet: forgets what another one was shown, and connects. */
	begin(): void {
		if (this.received !== null) {
			this.received = null;
			this.dropSocket();
			this.stopTimer();
		}
		this.connect();
	}

	connect(): void {
		if (this.socket !== null || this.ended()) return;
		const query: Record<string, string> = {
			rows: String(this.size.rows),
			cols: String(this.size.cols),
			input: this.stream,
			taken: String(this.queue.confirmed),
		};
		if (this.id !== null) query['terminal'] = this.id;
		if (this.life !== null) query['life'] = this.life;
		if (this.received !== null) query['from'] = String(this.received);
		this.told = this.size;
		const socket = this.deps.open(query);
		socket.binaryType = 'arraybuffer';
		socket.onmessage = ({ data }) => this.receive(data);
		socket.onclose = ({ code, reason }) => this.lost(code, reason);
		this.socket = socket;
		this.greeted = false;
		this.setState({ phase: 'connecting' });
		this.schedule(connectWithin, () => this.lost(null));
	}

	/** Sends, or keeps for later, what a person typed. */
	send(bytes: Uint8Array): void {
		if (this.ended() || (this.current.phase === 'live' && this.current.readOnly)) return;
		if (!this.queue.push(bytes)) this.onRefused.fire(bytes.length);
		this.flush();
		if (!this.canSend()) this.onHeld.fire(this.queue.size);
	}

	/** Tells the size of this page; the server decides what becomes of it. */
	resize(size: Size): void {
		this.size = size;
		this.tellSize();
	}

	/** Something says that the network may be back: try now, or see whether the connection still lives. */
	wake(): void {
		if (this.current.phase === 'waiting') {
			this.backoff.reset();
			this.stopTimer();
			this.connect();
		} else if (this.current.phase === 'live') {
			this.ping(probeWithin);
		}
	}

	/** Something says that the network is gone: hold the keys until the server has answered. */
	doubt(): void {
		if (this.current.phase !== 'live' || this.current.suspect) return;
		this.setState({ ...this.current, suspect: true });
		this.ping(probeWithin);
	}

	/** After a new login: goes on with the same terminal, and with what was typed for it. */
	retry(): void {
		if (this.current.phase !== 'unauthorized') return;
		this.setState({ phase: 'waiting', until: this.deps.clock.now(), why: '' });
		this.connect();
	}

	dispose(): void {
		this.dropSocket();
		this.stopTimer();
		this.flushTimer?.dispose();
		this.queue.clear();
		this.setState({ phase: 'closed' });
		this.onState.dispose();
		this.onOutput.dispose();
	}

	/** What changed while it was connecting is told afterwards. */
	private tellSize(): void {
		const { rows, cols } = this.size;
		if (this.current.phase !== 'live' || (rows === this.told.rows && cols === this.told.cols)) return;
		this.told = this.size;
		this.socket?.send(codec.encodeResize(this.size));
	}

	private ended(): boolean {
		return ['exited', 'gone', 'refused'].includes(this.current.phase);
	}

	private setState(state: SessionState): void {
		this.current = state;
		this.onState.fire(state);
	}

	private schedule(ms: number, run: () => void): void {
		this.stopTimer();
		this.timer = this.deps.clock.after(ms, () => {
			this.timer = null;
			run();
		});
	}

	private stopTimer(): void {
		this.timer?.dispose();
		this.timer = null;
	}

	private dropSocket(): void {
		const socket = this.socket;
		this.socket = null;
		this.pingAt = null;
		if (socket === null) return;
		socket.onmessage = null;
		socket.onclose = null;
		socket.close();
	}

	private receive(data: unknown): void {
		if (typeof data === 'string') this.receiveText(data);
		else if (data instanceof ArrayBuffer) this.receiveBytes(new Uint8Array(data));
		this.heard();
	}

	/** Any frame proves that the server is there. */
	private heard(): void {
		const wasAnswered = this.heardAt >= this.typedAt;
		this.heardAt = this.deps.clock.now();
		if (this.current.phase !== 'live') return;
		if (!wasAnswered && this.pingAt === null) this.schedulePing();
		if (this.current.suspect) {
			this.setState({ ...this.current, suspect: false });
			this.flush();
		}
	}

	private receiveText(data: string): void {
		const message = codec.parseServerMessage(data);
		if (message === null) return;
		switch (message.type) {
			case 'hello':
				this.greet(message);
				break;
			case 'size':
				this.onSize.fire(message);
				break;
			case 'notice':
				this.onNotice.fire(message);
				break;
			case 'presence':
				this.onPresence.fire(message);
				break;
			case 'terminals':
				this.onTerminals.fire();
				break;
			case 'pong':
				this.pong();
				break;
			case 'taken':
				if (this.isCounted && this.queue.confirm(message.input)) this.flush();
				break;
			case 'exit':
				this.finish({ phase: 'exited', exit: message, unsent: this.queue.size });
				break;
		}
	}

	private greet(hello: Hello): void {
		const isOther = this.id !== null && hello.terminal !== this.id;
		// Ids come again after a restart of the workspace. A server too old to name its life betrays itself by an offset
		// that goes back.
		const isReborn =
			this.life !== null
				? hello.life !== this.life
				: hello.snapshot !== null && hello.offset < this.furthest;
		if (isOther || isReborn) {
			// Not the terminal that was asked for: what was typed for it must not reach another shell.
			this.finish({ phase: 'gone', unsent: this.queue.size });
			return;
		}
		if (hello.snapshot === null && this.received !== null && hello.offset > this.received) {
			// Bytes are missing between what is here and what would come: begin anew with a snapshot.
			this.received = null;
			this.lost(null);
			return;
		}
		this.id = hello.terminal;
		this.life = hello.life;
		if (!this.greeted) this.settleInput(hello);
		this.greeted = true;
		this.snapshotLeft = hello.snapshot ?? 0;
		this.skip = 0;
		if (hello.snapshot === null && this.received !== null) {
			this.skip = this.received - hello.offset;
		} else {
			this.received = hello.offset;
			this.acknowledged = hello.offset;
			this.picture++;
		}
		this.furthest = Math.max(this.furthest, this.received);
		this.backoff.reset();
		this.refusals = 0;
		this.setState({ phase: 'live', suspect: false, readOnly: hello.readOnly });
		this.onHello.fire(hello);
		this.tellSize();
		this.ping(answerWithin);
		this.flush();
	}

	private receiveBytes(bytes: Uint8Array): void {
		if (!this.greeted || this.received === null) return;
		let rest = bytes;
		if (this.snapshotLeft > 0) {
			const part = rest.subarray(0, this.snapshotLeft);
			this.snapshotLeft -= part.length;
			rest = rest.subarray(part.length);
			this.onOutput.fire({ bytes: part, done: () => undefined });
		}
		if (this.skip > 0) {
			const seen = Math.min(this.skip, rest.length);
			this.skip -= seen;
			rest = rest.subarray(seen);
		}
		if (rest.length === 0) return;
		this.received += rest.length;
		this.furthest = this.received;
		const end = this.received;
		const picture = this.picture;
		const came = this.deps.clock.now();
		this.onOutput.fire({ bytes: rest, done: () => this.shown(picture, end, came) });
	}

	/** What of the input has arrived is known now, or never will be. */
	private settleInput(hello: Hello): void {
		this.isCounted = hello.input !== null;
		const isKnown = hello.input !== null && !hello.inputNew && this.queue.confirm(hello.input);
		if (isKnown) {
			this.queue.rewind();
			return;
		}
		if (this.queue.unconfirmed > 0) this.onUnsure.fire();
		this.queue.settle(hello.input ?? undefined);
	}

	private shown(picture: number, end: number, came: number): void {
		if (picture !== this.picture || end < this.acknowledged + this.pace.step) return;
		if (this.current.phase !== 'live') return;
		this.acknowledged = end;
		this.pace.shown(this.deps.clock.now() - came);
		this.socket?.send(codec.encodeAck(end, this.pace.window));
	}

	private schedulePing(): void {
		this.schedule(pingEvery, () => this.ping(answerWithin));
	}

	private ping(within: number): void {
		if (this.pingAt === null) {
			this.pingAt = this.deps.clock.now();
			this.socket?.send(codec.encodePing());
		}
		this.expectAnswer(this.deps.clock.now(), within);
	}

	/** During a flood the pong stands behind much output: any frame since `asked` gives it more time. */
	private expectAnswer(asked: number, within: number): void {
		this.schedule(within, () => {
			if (this.heardAt > asked) this.expectAnswer(this.heardAt, within);
			else this.lost(null);
		});
	}

	private pong(): void {
		if (this.pingAt === null) return;
		this.onLatency.fire(this.deps.clock.now() - this.pingAt);
		this.pingAt = null;
		this.schedulePing();
	}

	private canSend(): boolean {
		return this.current.phase === 'live' && !this.current.suspect;
	}

	private flush(): void {
		if (!this.canSend() || this.flushTimer !== null) return;
		while (this.queue.size > 0 && this.socket !== null) {
			const room = this.isCounted ? inputWindow - this.queue.unconfirmed : codec.maxFrame;
			if (room <= 0) return; // A `taken` goes on with it.
			if (this.socket.bufferedAmount > socketCeiling) {
				// A WebSocket tells nobody when it has drained.
				this.flushTimer = this.deps.clock.after(20, () => {
					this.flushTimer = null;
					this.flush();
				});
				return;
			}
			this.socket.send(this.queue.take(Math.min(room, codec.maxFrame))!);
			if (!this.isCounted) this.queue.settle();
			this.expectEcho();
		}
	}

	/** Keys that nothing answers for a while: perhaps the line is dead, and further keys are better kept. */
	private expectEcho(): void {
		const wasAnswered = this.heardAt >= this.typedAt;
		this.typedAt = this.deps.clock.now();
		if (wasAnswered && this.pingAt === null) this.schedule(echoWithin, () => this.doubt());
	}

	/** The connection is over: `code` is the close code, null when this side gave it up. */
	private lost(code: number | null, reason = ''): void {
		if (code !== null && code >= ownCodes) {
			this.finish({ phase: 'refused', code });
			return;
		}
		const refused = !this.greeted || code === policy;
		if (this.greeted && !this.isCounted && this.typedAt > this.heardAt) this.onUnsure.fire();
		this.typedAt = this.heardAt;
		this.dropSocket();
		this.stopTimer();
		this.wait(code === serverFailed ? reason.slice(0, 200) : '');
		if (!refused) return;
		const asked = this.current;
		void this.deps.diagnose(this.id).then((why) => {
			if (this.current !== asked || why === 'retry') return;
			if (why === 'reachable') {
				if (code !== serverFailed) this.blocked(asked);
			} else if (why === 'gone') {
				this.finish({ phase: 'gone', unsent: this.queue.size });
			} else {
				this.stopTimer();
				this.setState({ phase: 'unauthorized' });
			}
		});
	}

	private blocked(asked: SessionState): void {
		if (++this.refusals < blockedAfter || asked.phase !== 'waiting') return;
		this.setState({ ...asked, why: blockedText });
	}

	private wait(why: string): void {
		const ms = this.backoff.next();
		this.setState({ phase: 'waiting', until: this.deps.clock.now() + ms, why });
		this.schedule(ms, () => this.connect());
	}

	private finish(state: SessionState): void {
		this.dropSocket();
		this.stopTimer();
		this.queue.clear();
		this.setState(state);
	}
}
