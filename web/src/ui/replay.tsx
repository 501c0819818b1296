// SPDX-License-Identifier: Apache-2.0
// The replay of a recording: a terminal that nobody types in, and what steers it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { realClock } from '../base/clock';
import { capital, formatPosition, plainTitle } from '../base/text';
import { downloadUrl, fetchRecording } from '../net/api';
import { parseCast, type Cast } from '../play/cast';
import { Player } from '../play/player';
import { ReplayScreen } from '../play/replay_screen';
import { showRecordings } from '../store/app';
import { settings, themeNow } from '../store/settings';
import { fontsReady } from '../term/view';
import { BackIcon, DownloadIcon, PauseIcon, PlayIcon } from './icons';

const speeds = [0.5, 1, 2, 4, 8];
const jump = 5;

/** A string: why there is none. */
function useCast(id: string, of: string | null): Cast | null | string {
	const [cast, setCast] = useState<Cast | null | string>(null);

	useEffect(() => {
		let wanted = true;
		Promise.all([fetchRecording(id, of), fontsReady()]).then(
			([text]) => wanted && setCast(parseCast(text) ?? 'the file is none, or is damaged'),
			(error: Error) => wanted && setCast(error.message),
		);
		return () => {
			wanted = false;
		};
	}, [id, of]);

	return cast;
}

/** The player and a number that changes whenever what it shows does. */
function usePlayer(cast: Cast) {
	const host = useRef<HTMLDivElement>(null);
	const [player, setPlayer] = useState<Player | null>(null);
	const [, redraw] = useState(0);

	useEffect(() => {
		const screen = new ReplayScreen(host.current!, settings.value, themeNow(), cast.size);
		const made = new Player(cast, screen, realClock);
		const listening = made.onChange.on(() => redraw((n) => n + 1));
		setPlayer(made);
		made.play();
		return () => {
			listening.dispose();
			made.dispose();
			screen.dispose();
		};
	}, [cast]);

	return { host, player };
}

function onKey(event: KeyboardEvent, player: Player): void {
	if (event.altKey || event.ctrlKey || event.metaKey) return;
	const target = event.target as HTMLElement;
	const at = speeds.indexOf(player.speed);
	const keys: Record<string, () => void> = {
		ArrowLeft: () => player.seek(player.position - jump),
		ArrowRight: () => player.seek(player.position + jump),
		Home: () => player.seek(0),
		End: () => player.seek(player.duration),
		'<': () => player.setSpeed(speeds[Math.max(0, at - 1)]!),
		'>': () => player.setSpeed(speeds[Math.min(speeds.length - 1, at + 1)]!),
		k: () => player.toggle(),
	};
	// A focused button or list has its own way with these.
	const own = target.matches('select, button, a, input[type=checkbox]');
	const run = event.key === ' ' && !own ? () => player.toggle() : keys[event.key];
	if (run === undefined || (target.matches('select') && event.key.startsWith('Arrow'))) return;
	event.preventDefault();
	event.stopPropagation();
	run();
}

function Controls({ player, cast }: { player: Player; cast: Cast }) {
	const position = formatPosition(player.position);
	const duration = formatPosition(player.duration);
	return (
		<div class="replay-controls">
			<button
				class="play"
				aria-label={player.playing ? 'Pause' : 'Play'}
				title={player.playing ? 'Pause (space)' : 'Play (space)'}
				onClick={() => player.toggle()}
			>
				{player.playing ? <PauseIcon /> : <PlayIcon />}
			</button>
			<input
				class="seek"
				type="range"
				aria-label="Position"
				aria-valuetext={`${position} of ${duration}`}
				min={0}
				max={player.duration}
				step={0.01}
				value={player.position}
				disabled={cast.events.length === 0}
				onInput={(e) => player.seek(Number(e.currentTarget.value))}
			/>
			<span class="time">
				{position} / {duration}
			</span>
			<label class="speed">
				<span class="offscreen">Speed</span>
				<select
					value={player.speed}
					title="Speed (< and >)"
					onChange={(e) => player.setSpeed(Number(e.currentTarget.value))}
				>
					{speeds.map((s) => (
						<option key={s} value={s}>
							{s}×
						</option>
					))}
				</select>
			</label>
			<label class="short-pauses">
				<input
					type="checkbox"
					class="switch"
					onChange={(e) => player.setShortPauses(e.currentTarget.checked)}
				/>
				<span>Short pauses</span>
			</label>
		</div>
	);
}

function Running({ cast }: { cast: Cast }) {
	const { host, player } = usePlayer(cast);
	return (
		<>
			<div class="replay-screen" ref={host} role="group" aria-label="What the terminal showed" />
			{player !== null && <Controls player={player} cast={cast} />}
			{player !== null && <Keys player={player} />}
		</>
	);
}

/** The keys work wherever the focus is on this page. */
function Keys({ player }: { player: Player }) {
	useEffect(() => {
		const listen = (event: KeyboardEvent): void => {
			if (document.querySelector('dialog[open], [role=menu]') === null) onKey(event, player);
		};
		document.addEventListener('keydown', listen, { capture: true });
		return () => document.removeEventListener('keydown', listen, { capture: true });
	}, [player]);
	return null;
}

export function Replay({ id, of }: { id: string; of: string | null }) {
	const cast = useCast(id, of);
	const back = useRef<HTMLButtonElement>(null);
	const given = cast === null || typeof cast === 'string' ? '' : plainTitle(cast.title);
	const title = given || `Terminal ${/-t(\d+)/.exec(id)?.[1] ?? ''}`;

	// Away from the terminal below, whose keys these would be.
	useEffect(() => back.current?.focus(), []);

	return (
		<div class="page replay">
			<header>
				<button
					ref={back}
					class="icon-button"
					aria-label="Back to the recordings"
					onClick={() => showRecordings(of)}
				>
					<BackIcon />
				</button>
				<h1>{title}</h1>
				{typeof cast !== 'string' && (
					<a
						class="icon-button"
						href={downloadUrl(id, of)}
						download={`${id}.cast`}
						aria-label="Download"
						title="Download (asciicast)"
					>
						<DownloadIcon />
					</a>
				)}
			</header>
			{cast === null && <p class="quiet nothing">Loading…</p>}
			{typeof cast === 'string' && (
				<p class="nothing" role="alert">
					<strong>This recording can’t be played.</strong>
					<br />
					{capital(cast)}
				</p>
			)}
			{cast !== null && typeof cast !== 'string' && <Running cast={cast} />}
		</div>
	);
}
