// SPDX-License-Identifier: Apache-2.0
import { beforeEach, describe, expect, it } from 'vitest';
import type { Size } from '../src/net/codec';
import { parseCast } from '../src/play/cast';
import { Player } from '../src/play/player';
import { FakeClock } from './fakes';

const cast = parseCast(
	[
		'{"version":2,"width":80,"height":24}',
		'[0,"o","A"]',
		'[1,"o","B"]',
		'[2,"r","100x30"]',
		'[3,"o","C"]',
		'[63,"o","D"]',
	].join('\n'),
)!;

class FakeScreen {
	shown = '';
	size: Size = { rows: 0, cols: 0 };
	resets = 0;
	reset(size: Size): void {
		this.shown = '';
		this.size = size;
		this.resets++;
	}
	write(text: string): void {
		this.shown += text;
	}
	resize(size: Size): void {
		this.size = size;
	}
}

describe('Player', () => {
	let clock: FakeClock;
	let screen: FakeScreen;
	let player: Player;

	beforeEach(() => {
		clock = new FakeClock();
		screen = new FakeScreen();
		player = new Player(cast, screen, clock);
	});

	it('shows each event in its time and stops at the end', () => {
		expect(screen.shown).toBe('A');
		player.play();
		clock.advance(900);
		expect(screen.shown).toBe('A');
		clock.advance(200);
		expect(screen.shown).toBe('AB');
		clock.advance(1000);
		expect(screen.size).toEqual({ rows: 30, cols: 100 });
		clock.advance(61_000);
		expect(screen.shown).toBe('ABCD');
		expect(player.playing).toBe(false);
		expect(player.position).toBe(63);
	});

	it('pauses and goes on where it was', () => {
		player.play();
		clock.advance(1500);
		player.pause();
		clock.advance(60_000);
		expect(player.position).toBeCloseTo(1.5);
		expect(screen.shown).toBe('AB');
		player.play();
		clock.advance(1600);
		expect(screen.shown).toBe('ABC');
	});

	it('jumps on by showing what lies between, and back by beginning anew', () => {
		player.seek(3);
		expect(screen.shown).toBe('ABC');
		expect(screen.resets).toBe(1);
		player.seek(1);
		expect(screen.shown).toBe('AB');
		expect(screen.size).toEqual({ rows: 24, cols: 80 });
		expect(screen.resets).toBe(2);
		player.seek(1000);
		expect(player.position).toBe(63);
		player.seek(-5);
		expect(player.position).toBe(0);
		expect(screen.shown).toBe('A');
	});

	it('plays faster from where it is', () => {
		player.play();
		clock.advance(1000);
		player.setSpeed(4);
		clock.advance(510);
		expect(player.position).toBeCloseTo(3.04);
		expect(screen.shown).toBe('ABC');
	});

	it('begins again when played at its end', () => {
		player.seek(63);
		player.play();
		expect(player.position).toBe(0);
		expect(screen.shown).toBe('A');
		clock.advance(1010);
		expect(screen.shown).toBe('AB');
	});

	it('shortens pauses without losing its place', () => {
		player.seek(30);
		player.setShortPauses(true);
		expect(player.duration).toBe(5);
		expect(player.position).toBe(5);
		player.seek(1.5);
		player.setShortPauses(false);
		expect(player.position).toBeCloseTo(1.5);
		expect(player.duration).toBe(63);
	});

	it('is silent once disposed', () => {
		player.play();
		player.dispose();
		clock.advance(10_000);
		expect(screen.shown).toBe('A');
	});

	it('plays a recording without events', () => {
		const empty = new Player({ ...cast, events: [], duration: 0 }, screen, clock);
		empty.play();
		expect(empty.playing).toBe(false);
		empty.seek(4);
		empty.setShortPauses(true);
		expect(empty.position).toBe(0);
	});
});
