// SPDX-License-Identifier: Apache-2.0
// An admin at somebody's terminal, in a browser tab of its own: to look, or, when asked for, to help.
import { useEffect, useState } from 'preact/hooks';
import { lookedAt } from '../store/app';
import { active, openLookTab } from '../store/tabs';
import { fontsReady } from '../term/view';
import { OneTerminal } from './one_terminal';

export function Look() {
	const { user, terminal } = lookedAt.value!;
	const [control, setControl] = useState(false);
	const title = `${user}: ${active.value?.label.value ?? ''}`;

	useEffect(() => void fontsReady().then(() => openLookTab(user, terminal, control)), [control]);

	const tools = (
		<button
			class="small"
			title={control ? 'Type no more' : 'Type in this terminal, too'}
			onClick={() => setControl(!control)}
		>
			{control ? 'Only look' : 'Help'}
		</button>
	);
	return (
		<OneTerminal title={title} pageTitle={title} canType={control} tools={tools}>
			{control ? 'You can type here' : 'You look only'}. {user} sees that you are here
			<span class="wide-only">, and it is logged</span>.
		</OneTerminal>
	);
}
