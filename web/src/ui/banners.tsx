// SPDX-License-Identifier: Apache-2.0
// What everybody on a terminal must know, for as long as it is so: that it is recorded, that an admin is there.
import { me } from '../store/app';
import { recordTab, type Tab } from '../store/tabs';
import { EyeIcon } from './icons';

function RecordedBanner({ tab }: { tab: Tab }) {
	return (
		<div class="banner recorded">
			<span class="recording" aria-hidden="true" />
			<span>
				<strong>This terminal is recorded.</strong>{' '}
				<span class="wide-only">What it shows is kept; keys that it doesn’t show are not.</span>
			</span>
			{tab.mayRecord.value && (
				<button class="small" onClick={() => void recordTab(tab, false)}>
					Stop<span class="wide-only"> recording</span>
				</button>
			)}
		</div>
	);
}

/** "admin looks at this terminal.", in every window of it but the admin's own. */
function AdminBanner({ tab }: { tab: Tab }) {
	const admins = tab.presence.value.filter((c) => c.admin && !c.self);
	if (admins.length === 0) return null;
	const others = admins.filter((c) => c.name !== me.value?.username);
	const names = [...new Set((others.length > 0 ? others : admins).map((c) => c.name))];
	const types = admins.some((c) => !c.readOnly);
	return (
		<div class="banner admin">
			<EyeIcon />
			<span>
				<strong>{names.join(', ')}</strong> (administrator){' '}
				{types ? 'is here and can type in this terminal.' : 'looks at this terminal.'}
			</span>
		</div>
	);
}

export function Banners({ tab }: { tab: Tab }) {
	return (
		<div class="banners" role="status">
			<AdminBanner tab={tab} />
			{tab.recorded.value && tab.alive && <RecordedBanner tab={tab} />}
		</div>
	);
}
