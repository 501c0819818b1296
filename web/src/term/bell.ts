// SPDX-License-Identifier: Apache-2.0
import type { Settings } from '../store/settings_model';

let audio: AudioContext | null = null;
let lastRing = 0;

/** A short soft tone, made here: no file. Browsers allow it after the first click or key press. */
function sound(): void {
	audio ??= new AudioContext();
	const now = audio.currentTime;
	const tone = audio.createOscillator();
	const volume = audio.createGain();
	tone.frequency.value = 660;
	volume.gain.setValueAtTime(0.08, now);
	volume.gain.exponentialRampToValueAtTime(0.001, now + 0.18);
	tone.connect(volume).connect(audio.destination);
	tone.start(now);
	tone.stop(now + 0.2);
}

/** Rings at most five times a second, whatever a program does. */
export function ringBell(kind: Settings['bell'], host: HTMLElement): void {
	const now = performance.now();
	if (kind === 'off' || now - lastRing < 200) return;
	lastRing = now;
	if (kind === 'sound') sound();
	host.classList.remove('bell');
	void host.offsetWidth;
	host.classList.add('bell');
}
