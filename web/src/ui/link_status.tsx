// SPDX-License-Identifier: Apache-2.0
// What the page says over a terminal whose connection is not there.
import { useEffect, useState } from 'preact/hooks';
import { capital, formatBytes } from '../base/text';
import type { SessionState } from '../net/session';
import type { Tab } from '../store/tabs';

/** Seconds until the next try, counted down. */
function Countdown({ until }: { until: number }) {
	const left = (): number => Math.max(0, Math.ceil((until - performance.now()) / 1000));
	const [seconds, setSeconds] = useState(left);

	useEffect(() => {
		setSeconds(left());
		const timer = setInterval(() => setSeconds(left()), 250);
		return () => clearInterval(timer);
	}, [until]);

	return <>{seconds > 0 ? `Next try in ${seconds} s.` : 'Trying now…'}</>;
}

/** A short break is not worth a word: the strip shows only what lasts. */
function useLasting(away: boolean, ms: number): boolean {
	const [lasts, setLasts] = useState(false);

	useEffect(() => {
		if (!away) {
			setLasts(false);
			return;
		}
		const timer = setTimeout(() => setLasts(true), ms);
		return () => clearTimeout(timer);
	}, [away, ms]);

	return away && lasts;
}

function isAway(state: SessionState): boolean {
	return (
		state.phase === 'connecting' ||
		state.phase === 'waiting' ||
		(state.phase === 'live' && state.suspect)
	);
}

export function LinkStatus({ tab }: { tab: Tab }) {
	const state = tab.state.value;
	const shown = useLasting(isAway(state), 400);
	if (!shown) return null;
	const held = tab.held.value;
	return (
		<div class="link-status" role="status">
			<span class="spinner" aria-hidden="true" />
			<span>
				<strong>{state.phase === 'live' ? 'Checking the connection.' : 'Reconnecting.'}</strong>{' '}
				{state.phase === 'waiting' && state.why !== ''
					? capital(state.why)
					: 'Your shell keeps running.'}{' '}
				{state.phase === 'waiting' && <Countdown until={state.until} />}
				{held > 0 && ` ${formatBytes(held)} typed will be sent.`}
			</span>
			{state.phase === 'waiting' && (
				<button class="small" onClick={() => tab.session.wake()}>
					Try now
				</button>
			)}
		</div>
	);
}
