// SPDX-License-Identifier: Apache-2.0
// The page behind a shared link: one terminal of somebody else, to look at or to type in.
import { useEffect, useRef } from 'preact/hooks';
import { watchedLink } from '../store/app';
import { active, openLinkTab } from '../store/tabs';
import { fontsReady } from '../term/view';
import { OneTerminal } from './one_terminal';

export function Watch() {
	useEffect(() => void fontsReady().then(() => openLinkTab(watchedLink.value)), []);

	const state = active.value?.state.value;
	// What the link allows, as the last hello said; a break changes nothing.
	const may = useRef<'look' | 'type' | null>(null);
	if (state?.phase === 'live') may.current = state.readOnly ? 'look' : 'type';
	else if (state?.phase === 'unauthorized') may.current = null;
	const title = active.value?.label.value ?? '';
	const words = may.current === 'look' ? 'Shared with you, to look at' : 'Shared with you: you can type';

	return (
		<OneTerminal title={title} pageTitle={`${title} · shared`} canType={may.current === 'type'}>
			{may.current !== null && words}
		</OneTerminal>
	);
}
