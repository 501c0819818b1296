// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../net/api';
import { config, login, loginReason, me } from '../store/app';
import { Logo, WarningIcon } from './icons';

function message(error: unknown): string {
	if (!(error instanceof ApiError)) return 'Something went wrong in this page. Reload it.';
	if (error.status === 401) return 'The name or the password is wrong.';
	if (error.status === 429) {
		const wait = error.retryAfter;
		return wait === null
			? 'Too many tries. Wait a moment and try again.'
			: `Too many tries. Try again in ${Math.ceil(wait)} s.`;
	}
	return error.message;
}

/** The form's state: what is said, and whether an answer is awaited. */
function useLogin() {
	const [error, setError] = useState('');
	const [busy, setBusy] = useState(false);
	const password = useRef<HTMLInputElement>(null);

	async function submit(event: SubmitEvent): Promise<void> {
		event.preventDefault();
		if (busy) return;
		const data = new FormData(event.currentTarget as HTMLFormElement);
		setBusy(true);
		setError('');
		try {
			await login(String(data.get('username')).trim(), String(data.get('password')));
		} catch (reason) {
			setError(message(reason));
			setBusy(false);
			password.current?.focus();
			password.current?.select();
		}
	}

	return { error, busy, password, submit };
}

function DemoBanner() {
	return (
		<p class="demo-banner" role="note">
			<WarningIcon />
			<span>
				Demo server: the accounts <code>alice</code>, <code>bob</code> (password{' '}
				<code>password</code>) and <code>admin</code> (<code>admin</code>) are open to all who
				reach it.
			</span>
		</p>
	);
}

export function Login() {
	const { error, busy, password, submit } = useLogin();
	const username = useRef<HTMLInputElement>(null);
	const known = me.value?.username ?? '';

	useEffect(() => {
		document.title = 'Sign in · MiniDocker';
		(known === '' ? username : password).current?.focus();
	}, []);

	return (
		<main class="login">
			<form class="login-card" onSubmit={(e) => void submit(e)} aria-busy={busy}>
				<header>
					<Logo size={44} />
					<h1>MiniDocker</h1>
					<p>Your own Linux shell, one login away.</p>
				</header>
				{loginReason.value !== '' && <p class="login-reason">{loginReason.value}</p>}
				<label>
					<span>User name</span>
					<input
						ref={username}
						name="username"
						autocomplete="username"
						autocapitalize="none"
						autocorrect="off"
						spellcheck={false}
						required
						maxLength={64}
						defaultValue={known}
						aria-invalid={error !== ''}
						aria-describedby="login-error"
					/>
				</label>
				<label>
					<span>Password</span>
					<input
						ref={password}
						name="password"
						type="password"
						autocomplete="current-password"
						required
						maxLength={1024}
						aria-invalid={error !== ''}
						aria-describedby="login-error"
					/>
				</label>
				<p id="login-error" class="login-error" role="alert">
					{error}
				</p>
				<button class="primary wide" type="submit" disabled={busy}>
					{busy ? 'Signing in…' : 'Sign in'}
				</button>
			</form>
			{config.value.demo && <DemoBanner />}
			<footer>MiniDocker {config.value.version}</footer>
		</main>
	);
}
