// SPDX-License-Identifier: Apache-2.0
import { screen } from '../store/app';
import { Logo } from './icons';
import { Login } from './login';
import { Look } from './look';
import { Toasts } from './toasts';
import { Watch } from './watch';
import { Workspace } from './workspace';

function Waiting({ text }: { text: string }) {
	return (
		<main class="waiting" role="status">
			<Logo size={48} />
			<p>{text}</p>
		</main>
	);
}

export function App() {
	return (
		<>
			{screen.value === 'starting' && <Waiting text="" />}
			{screen.value === 'unreachable' && (
				<Waiting text="The server can’t be reached. Trying again…" />
			)}
			{screen.value === 'login' && <Login />}
			{screen.value === 'workspace' && <Workspace />}
			{screen.value === 'watch' && <Watch />}
			{screen.value === 'look' && <Look />}
			<Toasts />
		</>
	);
}
