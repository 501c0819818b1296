// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from 'preact/hooks';
import { formatDuration } from '../base/text';
import * as api from '../net/api';
import type { ShareLink } from '../net/api';
import { watchUrl } from '../store/app';
import type { Tab } from '../store/tabs';
import { attempt, toast } from '../store/toasts';
import { copyText } from '../term/clipboard';
import { Dialog } from './dialog';

const hour = 3600;
const lifetimes: [number, string][] = [
	[hour, 'one hour'],
	[8 * hour, '8 hours'],
	[24 * hour, 'one day'],
	[7 * 24 * hour, 'one week'],
];

/** In minutes that have begun, so that a link for an hour has an hour when it is made. */
function timeLeft(link: ShareLink): string {
	return formatDuration(Math.ceil((link.expiresMs - Date.now()) / 60_000) * 60);
}

async function copy(url: string): Promise<void> {
	if (await copyText(url)) toast('info', 'The link was copied.');
	else toast('error', 'The browser did not let this page copy.');
}

function useLinks(terminal: string) {
	const [links, setLinks] = useState<ShareLink[]>([]);
	const [made, setMade] = useState('');

	const load = (): Promise<boolean> =>
		attempt('The shared links', async () => {
			const all = await api.fetchLinks();
			setLinks(all.filter((l) => l.terminal === terminal && l.expiresMs > Date.now()));
		});

	async function make(canType: boolean, seconds: number): Promise<void> {
		await attempt('A link', async () => {
			setMade(watchUrl(await api.makeLink(terminal, canType, seconds)));
		});
		await load();
	}

	async function revoke(id: string): Promise<void> {
		await attempt('Taking the link back', () => api.revokeLink(id));
		setMade('');
		await load();
	}

	useEffect(() => void load(), [terminal]);
	return { links, made, make, revoke };
}

function Made({ url }: { url: string }) {
	return (
		<div class="made-link">
			<input readOnly value={url} aria-label="The link" onFocus={(e) => e.currentTarget.select()} />
			<button class="primary" onClick={() => void copy(url)}>
				Copy
			</button>
		</div>
	);
}

export function ShareDialog({ tab, onClose }: { tab: Tab; onClose: () => void }) {
	const { links, made, make, revoke } = useLinks(tab.terminal.value ?? '');

	function submit(event: SubmitEvent): void {
		event.preventDefault();
		const data = new FormData(event.currentTarget as HTMLFormElement);
		void make(data.get('may') === 'type', Number(data.get('seconds')));
	}

	return (
		<Dialog title={`Share “${tab.label.value}”`} onClose={onClose}>
			<p class="quiet">
				Who has the link sees this terminal live, without an account, until the link ends. You see
				who is there.
			</p>
			<form class="share-form" onSubmit={submit}>
				<label>
					<span>They may</span>
					<select name="may">
						<option value="look">only look</option>
						<option value="type">type, too</option>
					</select>
				</label>
				<label>
					<span>For</span>
					<select name="seconds">
						{lifetimes.map(([seconds, text]) => (
							<option key={seconds} value={seconds}>
								{text}
							</option>
						))}
					</select>
				</label>
				<button class="primary" type="submit">
					Make a link
				</button>
			</form>
			{made !== '' && <Made url={made} />}
			{links.length > 0 && (
				<ul class="links">
					{links.map((link) => (
						<li key={link.id}>
							<span>
								{link.canType ? 'May type' : 'Only looks'}
								<small>
									{`, ends in ${timeLeft(link)}`}
								</small>
							</span>
							<button class="small" onClick={() => void revoke(link.id)}>
								Take back
							</button>
						</li>
					))}
				</ul>
			)}
		</Dialog>
	);
}
