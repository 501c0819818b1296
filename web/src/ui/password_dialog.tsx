// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import * as api from '../net/api';
import { me } from '../store/app';
import { toast } from '../store/toasts';
import { Dialog } from './dialog';

export function PasswordDialog({ onClose }: { onClose: () => void }) {
	const [error, setError] = useState('');

	async function submit(event: SubmitEvent): Promise<void> {
		event.preventDefault();
		const data = new FormData(event.currentTarget as HTMLFormElement);
		const wanted = String(data.get('wanted'));
		if (wanted !== String(data.get('again'))) {
			setError('The two new passwords differ.');
			return;
		}
		try {
			await api.changePassword(String(data.get('present')), wanted);
			toast('info', 'Your password was changed. Other places were signed out.');
			onClose();
		} catch (reason) {
			setError(reason instanceof Error ? reason.message : String(reason));
		}
	}

	return (
		<Dialog title="Change password" onClose={onClose}>
			<form class="stack" onSubmit={(e) => void submit(e)}>
				<input type="hidden" autocomplete="username" value={me.value?.username ?? ''} />
				<label>
					<span>Present password</span>
					<input name="present" type="password" required autofocus autocomplete="current-password" />
				</label>
				<label>
					<span>New password</span>
					<input name="wanted" type="password" required minLength={8} autocomplete="new-password" />
				</label>
				<label>
					<span>New password again</span>
					<input name="again" type="password" required minLength={8} autocomplete="new-password" />
				</label>
				<p class="form-error" role="alert">
					{error}
				</p>
				<button class="primary" type="submit">
					Change
				</button>
			</form>
		</Dialog>
	);
}
