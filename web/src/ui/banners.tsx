// SPDX-License-Identifier: Apache-2.0
// What everybody on a terminal must know, for as long as it is so: that it is recorded, that an admin is there.
import { me } from '../store/app';
import { recordTab, type Tab } from '../store/tabs';
import { EyeIcon, WallIcon } from './icons';

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

type Client = Tab['presence']['value'][number];

function namesOf(admins: Client[]): string {
	const others = admins.filter((c) => c.name !== me.value?.username);
	return [...new Set((others.length > 0 ? others : admins).map((c) => c.name))].join(', ');
}

/** "admin looks at this terminal.", in every window of it but the admin's own. */
function AdminBanner({ tab }: { tab: Tab }) {
	const admins = tab.presence.value.filter((c) => c.admin && !c.self && !c.wall);
	if (admins.length === 0) return null;
	const types = admins.some((c) => !c.readOnly);
	return (
		<div class="banner admin">
			<EyeIcon />
			<span>
				<strong>{namesOf(admins)}</strong> (administrator){' '}
				{types ? 'is here and can type in this terminal.' : 'looks at this terminal.'}
			</span>
		</div>
	);
}

/** Who sees it small, among those of others. */
function WallBanner({ tab }: { tab: Tab }) {
	const admins = tab.presence.value.filter((c) => c.admin && !c.self && c.wall);
	if (admins.length === 0) return null;
	return (
		<div class="banner admin">
			<WallIcon />
			<span>
				The wall of <strong>{namesOf(admins)}</strong> (administrator) shows this terminal.
			</span>
		</div>
	);
}

export function Banners({ tab }: { tab: Tab }) {
	return (
		<div class="banners" role="status">
			<AdminBanner tab={tab} />
			<WallBanner tab={tab} />
			{tab.recorded.value && tab.alive && <RecordedBanner tab={tab} />}
		</div>
	);
}
