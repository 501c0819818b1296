// SPDX-License-Identifier: Apache-2.0
// One terminal on the wall. While it is in view it is connected, and its user is told so; out of view it is not.
import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Disposables } from '../base/disposable';
import { capital, formatDuration, plainTitle } from '../base/text';
import type { WallTerminal } from '../net/api';
import type { Presence } from '../net/codec';
import { noPictures, Session, type SessionState } from '../net/session';
import { lookUrl, signedOut } from '../store/app';
import { byWall } from '../store/connection';
import { themeNow } from '../store/settings';
import { wallNow } from '../store/wall';
import { idleMs, isIdle } from '../store/wall_model';
import { Thumbnail } from '../term/thumbnail';

/** In view, or about to be; false on a page that nobody sees. */
function useInView() {
	const ref = useRef<HTMLLIElement>(null);
	const [inView, setInView] = useState(false);

	useEffect(() => {
		const tile = ref.current;
		if (tile === null) return;
		let near = false;
		const update = (): void => setInView(near && document.visibilityState === 'visible');
		const observer = new IntersectionObserver((entries) => {
			near = entries.at(-1)?.isIntersecting === true;
			update();
		});
		observer.observe(tile);
		document.addEventListener('visibilitychange', update);
		return () => {
			observer.disconnect();
			document.removeEventListener('visibilitychange', update);
		};
	}, []);

	return { ref, inView };
}

interface Picture {
	state: SessionState;
	title: string;
	clients: Presence['clients'];
}

const nothing: Picture = { state: { phase: 'closed' }, title: '', clients: [] };

/** The picture in `host`, kept up to date while it is in view. */
function usePicture(user: string, id: string, visit: string, inView: boolean) {
	const host = useRef<HTMLDivElement>(null);
	const [picture, setPicture] = useState(nothing);
	const thumbnail = useRef<Thumbnail | null>(null);

	useEffect(() => {
		if (!inView || host.current === null) return;
		const all = new Disposables();
		const change = (part: Partial<Picture>): void => setPicture((p) => ({ ...p, ...part }));
		const session = all.add(new Session(byWall(user, visit), id, { rows: 24, cols: 80 }));
		thumbnail.current = all.add(
			new Thumbnail(host.current, session, themeNow(), (title) => change({ title })),
		);
		all.add(session.onPresence.on(({ clients }) => change({ clients })));
		all.add(
			session.onState.on((state) => {
				change({ state });
				if (state.phase === 'unauthorized') signedOut('You were signed out. Sign in to go on.');
			}),
		);
		session.begin();
		return () => {
			thumbnail.current = null;
			all.dispose();
			setPicture(nothing);
		};
	}, [user, id, visit, inView]);

	useSignalEffect(() => {
		const theme = themeNow();
		if (thumbnail.current !== null) thumbnail.current.theme = theme;
	});

	return { host, picture };
}

/** Why there is no picture, in words; empty: there is one, or it is coming. */
function trouble(state: SessionState): string {
	if (state.phase === 'exited' || state.phase === 'gone') return 'This terminal has ended.';
	if (state.phase === 'refused') {
		return state.code === noPictures
			? 'It runs an older version, which makes no pictures. Open it to look.'
			: 'This terminal can’t be shown.';
	}
	if (state.phase !== 'waiting') return '';
	return state.why === '' ? 'No connection. Trying again…' : capital(state.why);
}

/** Who else is there: names, and how many of each. */
function presenceText(clients: Presence['clients']): string {
	const counts = new Map<string, number>();
	for (const c of clients) {
		if (!c.wall) counts.set(c.name, (counts.get(c.name) ?? 0) + 1);
	}
	if (counts.size === 0) return 'nobody there';
	return `there: ${[...counts].map(([name, n]) => (n > 1 ? `${name} ×${n}` : name)).join(', ')}`;
}

function activityText(t: WallTerminal): string {
	const now = wallNow.value;
	if (t.id === null) return '';
	return isIdle(t, now) ? `idle ${formatDuration(idleMs(t, now) / 1000)}` : 'active';
}

function Caption({ terminal: t, label, there }: { terminal: WallTerminal; label: string; there: string }) {
	const idle = isIdle(t, wallNow.value);
	return (
		<span class="tile-caption">
			<strong>{t.user}</strong>
			<span class="tile-label">{label}</span>
			{t.recorded && <span class="recording" title="Recorded" />}
			<span class={idle ? 'tile-state' : 'tile-state active'}>{activityText(t)}</span>
			<span class="tile-there">{there}</span>
		</span>
	);
}

export function WallTile({ terminal: t, visit }: { terminal: WallTerminal; visit: string }) {
	const { ref, inView } = useInView();
	const { host, picture } = usePicture(t.user, t.id ?? '', visit, inView && t.id !== null);
	const { state, title, clients } = picture;
	const label = plainTitle(t.name || title) || (t.id === null ? '' : `Terminal ${t.id}`);
	const there = state.phase === 'live' ? presenceText(clients) : '';
	const why = t.id === null ? 'No terminal is open.' : trouble(state);
	const inner = (
		<>
			<span class="tile-screen">
				<div class="tile-host" ref={host} inert />
				{why !== '' && <span class="tile-why">{why}</span>}
			</span>
			<Caption terminal={t} label={label} there={there} />
		</>
	);
	return (
		<li ref={ref} class="tile" data-user={t.user} data-terminal={t.id ?? ''} data-phase={state.phase}>
			{t.id === null ? (
				<div class="tile-frame">{inner}</div>
			) : (
				<a
					class="tile-frame"
					href={lookUrl(t.user, t.id)}
					target="_blank"
					rel="noopener"
					aria-label={`${t.user}, ${label}, ${[activityText(t), there].filter(Boolean).join(', ')}: look`}
				>
					{inner}
				</a>
			)}
		</li>
	);
}
