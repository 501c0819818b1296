// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { listen } from '../base/disposable';
import { CloseIcon } from './icons';

interface Props {
	title: string;
	onClose: () => void;
	children: ComponentChildren;
	footer?: ComponentChildren;
	wide?: boolean;
}

/** The browser's own modal dialog: it holds the focus, and escape closes it. Shown for as long as it is rendered. */
export function Dialog({ title, onClose, children, footer, wide = false }: Props) {
	const ref = useRef<HTMLDialogElement>(null);

	const close = useRef(onClose);
	close.current = onClose;

	// Before the next key press, which must not reach the terminal any more.
	useLayoutEffect(() => {
		const dialog = ref.current;
		if (dialog === null) return;
		dialog.showModal();
		// Where no field wants the focus, the dialog has it: not its button for closing.
		if (document.activeElement?.classList.contains('dialog-close')) dialog.focus();
		const listening = listen(dialog, 'close', () => close.current());
		return () => {
			listening.dispose();
			dialog.close();
		};
	}, []);

	return (
		<dialog
			ref={ref}
			class={wide ? 'dialog wide' : 'dialog'}
			aria-label={title}
			tabIndex={-1}
			onKeyDown={(e) => {
				// At once, so that the next key goes to the terminal; the browser's own way closes a moment later.
				if (e.key !== 'Escape') return;
				e.preventDefault();
				onClose();
			}}
			onClick={(e) => {
				if (e.target === ref.current) onClose();
			}}
		>
			<div class="dialog-body">
				<header>
					<h2>{title}</h2>
					<button class="icon-button dialog-close" aria-label="Close" onClick={onClose}>
						<CloseIcon />
					</button>
				</header>
				{children}
				{footer !== undefined && <footer>{footer}</footer>}
			</div>
		</dialog>
	);
}
