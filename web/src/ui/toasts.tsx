// SPDX-License-Identifier: Apache-2.0
import { dismiss, toasts, type Toast } from '../store/toasts';
import { CloseIcon } from './icons';

function ToastItem({ toast }: { toast: Toast }) {
	const { action } = toast;
	return (
		<div class={`toast ${toast.kind}`} role={toast.kind === 'error' ? 'alert' : undefined}>
			<p>{toast.text}</p>
			{action !== null && (
				<button
					class="small"
					onClick={() => {
						dismiss(toast.id);
						action.run();
					}}
				>
					{action.label}
				</button>
			)}
			<button class="icon-button" aria-label="Dismiss" onClick={() => dismiss(toast.id)}>
				<CloseIcon />
			</button>
		</div>
	);
}

export function Toasts() {
	return (
		<div class="toasts" aria-live="polite">
			{toasts.value.map((t) => (
				<ToastItem key={t.id} toast={t} />
			))}
		</div>
	);
}
