// SPDX-License-Identifier: Apache-2.0
// The clock of a replay: which event is shown when. Knows no page and no terminal, only a screen to write to.
import type { Clock } from '../base/clock';
import type { Disposable } from '../base/disposable';
import { Emitter } from '../base/emitter';
import type { Size } from '../net/codec';
import { shortenPauses, type Cast } from './cast';

/** What shows it. */
export interface Screen {
	/** Empty again, as new, with this size. */
	reset(size: Size): void;
	write(text: string): void;
	resize(size: Size): void;
}

export const longestPause = 2;
const tick = 100;
/** Events that a jump passes are written together, in parts of so many characters. */
const batch = 256 * 1024;

export class Player implements Disposable {
	/** Something that is seen has changed: position, playing, duration. */
	readonly onChange = new Emitter<void>();
	private times: number[];
	private total: number;
	/** The first event that isn't shown yet. */
	private next = 0;
	/** Seconds, at the clock's `since`. */
	private at = 0;
	private since = 0;
	private rate = 1;
	private running = false;
	private timer: Disposable | null = null;

	constructor(
		private readonly cast: Cast,
		private readonly screen: Screen,
		private readonly clock: Clock,
	) {
		this.times = cast.events.map((e) => e.time);
		this.total = cast.duration;
		screen.reset(cast.size);
		this.showUntil(0);
	}

	get playing(): boolean {
		return this.running;
	}

	get speed(): number {
		return this.rate;
	}

	get duration(): number {
		return this.total;
	}

	get position(): number {
		if (!this.running) return this.at;
		return Math.min(this.total, this.at + ((this.clock.now() - this.since) / 1000) * this.rate);
	}

	play(): void {
		if (this.running) return;
		if (this.at >= this.total) this.seek(0);
		this.running = true;
		this.since = this.clock.now();
		this.step();
	}

	pause(): void {
		if (!this.running) return;
		this.settle();
		this.running = false;
		this.stopTimer();
		this.onChange.fire();
	}

	toggle(): void {
		if (this.running) this.pause();
		else this.play();
	}

	seek(seconds: number): void {
		const target = Math.max(0, Math.min(this.total, seconds));
		if (target < this.position) {
			this.screen.reset(this.cast.size);
			this.next = 0;
		}
		this.at = target;
		this.since = this.clock.now();
		this.showUntil(target);
		if (this.running) this.step();
		else this.onChange.fire();
	}

	setSpeed(rate: number): void {
		this.settle();
		this.rate = rate;
		if (this.running) this.step();
		else this.onChange.fire();
	}

	/** Pauses of the person who was recorded are cut short, or not. The place stays. */
	setShortPauses(short: boolean): void {
		this.settle();
		const before = this.next === 0 ? 0 : this.times[this.next - 1]!;
		const into = this.at - before;
		this.times = short
			? shortenPauses(this.cast, longestPause)
			: this.cast.events.map((e) => e.time);
		this.total = this.times.at(-1) ?? 0;
		const base = this.next === 0 ? 0 : this.times[this.next - 1]!;
		const limit = this.times[this.next] ?? this.total;
		this.at = Math.min(limit, base + into);
		if (this.running) this.step();
		else this.onChange.fire();
	}

	dispose(): void {
		this.running = false;
		this.stopTimer();
		this.onChange.dispose();
	}

	private stopTimer(): void {
		this.timer?.dispose();
		this.timer = null;
	}

	/** The position becomes a fact, from which the clock goes on. */
	private settle(): void {
		this.at = this.position;
		this.since = this.clock.now();
	}

	private step(): void {
		this.stopTimer();
		this.settle();
		this.showUntil(this.at);
		if (this.at >= this.total) {
			this.running = false;
		} else {
			const until = ((this.times[this.next] ?? this.total) - this.at) * (1000 / this.rate);
			this.timer = this.clock.after(Math.min(tick, Math.max(1, until)), () => this.step());
		}
		this.onChange.fire();
	}

	private showUntil(time: number): void {
		let text = '';
		const flush = (): void => {
			if (text !== '') this.screen.write(text);
			text = '';
		};
		while (this.next < this.times.length && this.times[this.next]! <= time) {
			const event = this.cast.events[this.next++]!;
			text += event.text ?? '';
			if (event.size !== null || text.length > batch) flush();
			if (event.size !== null) this.screen.resize(event.size);
		}
		flush();
	}
}
