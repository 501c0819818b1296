// SPDX-License-Identifier: Apache-2.0
// The accounts, for an admin.
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import * as api from '../net/api';
import type { Role, UserInfo } from '../net/api';
import { me, showPage } from '../store/app';
import { attempt, toast } from '../store/toasts';
import { Dialog } from './dialog';
import { PageFrame } from './page_frame';
import { UserTerminals } from './user_terminals';

const users = signal<UserInfo[] | null>(null);
const resetting = signal<string | null>(null);
const looking = signal<string | null>(null);
const removing = signal<string | null>(null);

function load(): Promise<boolean> {
	return attempt('The list of users', async () => {
		users.value = await api.fetchUsers();
	});
}

async function act(what: string, done: string, run: () => Promise<void>): Promise<boolean> {
	const worked = await attempt(what, run);
	if (worked) {
		toast('info', done);
		await load();
	}
	return worked;
}

function when(ms: number | null): string {
	return ms === null ? '–' : new Date(ms).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

function UserRow({ user }: { user: UserInfo }) {
	const own = user.username === me.value?.username;
	const disable = (): Promise<boolean> =>
		act(
			user.username,
			`${user.username} was ${user.disabled ? 'enabled' : 'disabled'}.`,
			() => api.changeUser(user.username, { disabled: !user.disabled }),
		);
	return (
		<tr class={user.disabled ? 'disabled' : ''}>
			<th scope="row">{user.username}</th>
			<td>
				<span class={`badge ${user.role}`}>{user.role}</span>
				{user.disabled && <span class="badge off">disabled</span>}
			</td>
			<td class="time" data-label="Added">{when(user.createdMs)}</td>
			<td class="time" data-label="Last sign-in">{when(user.lastLoginMs)}</td>
			<td class="row-tools">
				<button class="small" disabled={own} onClick={() => (looking.value = user.username)}>
					Terminals…
				</button>
				<button class="small" onClick={() => (resetting.value = user.username)}>
					New password…
				</button>
				<button class="small" disabled={own} onClick={() => void disable()}>
					{user.disabled ? 'Enable' : 'Disable'}
				</button>
				<button class="small" disabled={own} onClick={() => (removing.value = user.username)}>
					Remove…
				</button>
			</td>
		</tr>
	);
}

function AddUser() {
	const [busy, setBusy] = useState(false);

	async function submit(event: SubmitEvent): Promise<void> {
		event.preventDefault();
		const form = event.currentTarget as HTMLFormElement;
		const data = new FormData(form);
		const name = String(data.get('name')).trim();
		setBusy(true);
		const worked = await act(name, `${name} was added.`, () =>
			api.addUser(name, String(data.get('password')), String(data.get('role')) as Role),
		);
		setBusy(false);
		if (worked) form.reset();
	}

	return (
		<form class="add-user" onSubmit={(e) => void submit(e)}>
			<label>
				<span>User name</span>
				<input
					name="name"
					required
					maxLength={32}
					pattern="[a-z_][a-z0-9_.\-]*"
					title="Small letters, digits, and _ . - inside"
					autocapitalize="none"
					autocomplete="off"
					spellcheck={false}
				/>
			</label>
			<label>
				<span>Password</span>
				<input
					name="password"
					type="password"
					required
					minLength={8}
					maxLength={256}
					autocomplete="new-password"
				/>
			</label>
			<label>
				<span>Role</span>
				<select name="role">
					<option value="user">user</option>
					<option value="admin">admin</option>
				</select>
			</label>
			<button class="primary" type="submit" disabled={busy}>
				Add
			</button>
		</form>
	);
}

function ResetPassword({ username }: { username: string }) {
	const close = (): void => void (resetting.value = null);

	async function submit(event: SubmitEvent): Promise<void> {
		event.preventDefault();
		const data = new FormData(event.currentTarget as HTMLFormElement);
		const password = String(data.get('password'));
		const done = `${username} has a new password and was signed out everywhere.`;
		if (await act(username, done, () => api.changeUser(username, { password }))) close();
	}

	return (
		<Dialog title={`New password for ${username}`} onClose={close}>
			<form class="stack" onSubmit={(e) => void submit(e)}>
				<input
					name="password"
					type="password"
					aria-label="New password"
					required
					autofocus
					minLength={8}
					maxLength={256}
					autocomplete="new-password"
				/>
				<button class="primary" type="submit">
					Set the password
				</button>
			</form>
		</Dialog>
	);
}

function RemoveUser({ username }: { username: string }) {
	const close = (): void => void (removing.value = null);

	async function remove(): Promise<void> {
		close();
		await act(username, `${username} was removed.`, () => api.removeUser(username));
	}

	return (
		<Dialog
			title={`Remove ${username}?`}
			onClose={close}
			footer={
				<>
					<button onClick={close}>Cancel</button>
					<button class="primary danger" autofocus onClick={() => void remove()}>
						Remove
					</button>
				</>
			}
		>
			<p>The account goes, and who uses it is signed out. The workspace with its files stays.</p>
		</Dialog>
	);
}

export function Users() {
	useEffect(() => void load(), []);
	const list = users.value;
	return (
		<PageFrame title="Users" onBack={() => showPage('terminals')}>
			<AddUser />
			{list === null ? (
				<p class="quiet">Looking…</p>
			) : (
				<div class="table-scroll">
					<table class="table users">
						<thead>
							<tr>
								<th scope="col">Name</th>
								<th scope="col">Role</th>
								<th scope="col">Added</th>
								<th scope="col">Last sign-in</th>
								<th scope="col">
									<span class="offscreen">Actions</span>
								</th>
							</tr>
						</thead>
						<tbody>
							{list.map((user) => (
								<UserRow key={user.username} user={user} />
							))}
						</tbody>
					</table>
				</div>
			)}
			{looking.value !== null && (
				<UserTerminals user={looking.value} onClose={() => (looking.value = null)} />
			)}
			{removing.value !== null && <RemoveUser username={removing.value} />}
			{resetting.value !== null && <ResetPassword username={resetting.value} />}
		</PageFrame>
	);
}
