// SPDX-License-Identifier: Apache-2.0
import { formatLatency } from '../base/text';
import type { SessionState } from '../net/session';
import { active, type Tab } from '../store/tabs';
import { EyeIcon } from './icons';

function words(state: SessionState): { kind: string; text: string } {
	switch (state.phase) {
		case 'live':
			if (state.suspect) return { kind: 'away', text: 'Checking' };
			return { kind: 'live', text: state.readOnly ? 'Watching' : 'Connected' };
		case 'connecting':
			return { kind: 'away', text: 'Connecting' };
		case 'waiting':
			return { kind: 'away', text: 'Reconnecting' };
		case 'exited':
		case 'gone':
			return { kind: 'ended', text: 'Ended' };
		default:
			return { kind: 'ended', text: 'Not connected' };
	}
}

/** Who else has this terminal open. */
function Watchers({ tab }: { tab: Tab }) {
	const all = tab.presence.value;
	if (all.length < 2) return null;
	const others = all.filter((c) => !c.self);
	const names = others.map(
		(c) => `${c.name}${c.admin ? ' (administrator)' : ''}${c.readOnly ? ' (only looks)' : ''}`,
	);
	const text = `Also here: ${names.join(', ')}`;
	return (
		<span class="watchers" role="img" title={text} aria-label={text}>
			<EyeIcon />
			{others.length}
		</span>
	);
}

export function Status() {
	const tab = active.value;
	if (tab === null) return null;
	const { kind, text } = words(tab.state.value);
	const latency = tab.latency.value;
	return (
		<>
			<Watchers tab={tab} />
			<span class={`status ${kind}`} role="status" title="The connection and its delay">
				<span class="dot" aria-hidden="true" />
				<span class="status-text">{text}</span>
				{kind === 'live' && latency !== null && (
					<span class="latency">{formatLatency(latency)}</span>
				)}
			</span>
		</>
	);
}
