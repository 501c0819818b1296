// SPDX-License-Identifier: Apache-2.0
// What somebody has open now, for an admin: the way to look at it.
import { useEffect, useState } from 'preact/hooks';
import { plainTitle } from '../base/text';
import * as api from '../net/api';
import type { TerminalInfo } from '../net/api';
import { lookUrl, showRecordings } from '../store/app';
import { Dialog } from './dialog';

function labelOf(t: TerminalInfo): string {
	return plainTitle(t.name || t.title) || `Terminal ${t.id}`;
}

export function UserTerminals({ user, onClose }: { user: string; onClose: () => void }) {
	const [list, setList] = useState<TerminalInfo[] | null>(null);
	const [why, setWhy] = useState('');

	useEffect(() => {
		api.fetchTerminals(user).then(setList, (error: Error) => setWhy(error.message));
	}, [user]);

	function openRecordings(): void {
		onClose();
		showRecordings(user);
	}

	return (
		<Dialog
			title={`Terminals of ${user}`}
			onClose={onClose}
			footer={<button onClick={openRecordings}>Recordings…</button>}
		>
			<p class="quiet">
				{user} is shown your name for as long as you look, and the audit log has it.
			</p>
			{why !== '' && <p>{why.charAt(0).toUpperCase() + why.slice(1)}.</p>}
			{why === '' && list === null && <p class="quiet">Looking…</p>}
			{list?.length === 0 && <p>No terminal is open.</p>}
			{list !== null && list.length > 0 && (
				<ul class="links">
					{list.map((t) => (
						<li key={t.id}>
							<span>
								{t.recorded && <span class="recording" title="Recorded" />} {labelOf(t)}
								<small>{t.clients === 0 ? ' nobody is there' : ` ${t.clients} there`}</small>
							</span>
							<a
								class="button small"
								href={lookUrl(user, t.id)}
								target="_blank"
								rel="noopener"
								aria-label={`Look at ${labelOf(t)} of ${user}`}
							>
								Look
							</a>
						</li>
					))}
				</ul>
			)}
		</Dialog>
	);
}
