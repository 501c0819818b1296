// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Disposables, listen } from '../base/disposable';

export interface MenuItem {
	label: string;
	keys?: string;
	disabled?: boolean;
	danger?: boolean;
	run: () => void;
}

interface Props {
	label: string;
	items: (MenuItem | 'line')[];
	onClose: () => void;
	header?: ComponentChildren;
	at?: { x: number; y: number };
}

/** Arrow keys go round the items that can be chosen. */
function moveFocus(menu: HTMLElement, by: number): void {
	const items = [...menu.querySelectorAll<HTMLElement>('[role=menuitem]:not(:disabled)')];
	const at = items.indexOf(document.activeElement as HTMLElement);
	items[(at + by + items.length) % items.length]?.focus();
}

function keepOnPage(menu: HTMLElement, at: { x: number; y: number }): void {
	const { width, height } = menu.getBoundingClientRect();
	menu.style.left = `${Math.max(4, Math.min(at.x, innerWidth - width - 4))}px`;
	menu.style.top = `${Math.max(4, Math.min(at.y, innerHeight - height - 4))}px`;
}

/** A list of things to do: closes on a choice, escape, or a click elsewhere. */
export function Menu({ label, items, onClose, header, at }: Props) {
	const ref = useRef<HTMLDivElement>(null);

	// Before the next key press, which must find the focus here already.
	useLayoutEffect(() => {
		const menu = ref.current;
		if (menu === null) return;
		const before = document.activeElement;
		if (at !== undefined) keepOnPage(menu, at);
		moveFocus(menu, 1);
		const disposables = new Disposables();
		const outside = (e: Event): void => {
			if (!menu.contains(e.target as Node)) onClose();
		};
		disposables.add(listen(document, 'pointerdown', outside, { capture: true }));
		disposables.add(listen(window, 'blur', onClose));
		return () => {
			disposables.dispose();
			// What was chosen may have taken the focus; else it goes back to where it was.
			if (menu.contains(document.activeElement) && before instanceof HTMLElement) before.focus();
		};
	}, []);

	function onKey(event: KeyboardEvent): void {
		if (event.key === 'Escape' || event.key === 'Tab') onClose();
		else if (event.key === 'ArrowDown') moveFocus(ref.current!, 1);
		else if (event.key === 'ArrowUp') moveFocus(ref.current!, -1);
		else return;
		event.preventDefault();
	}

	return (
		<div
			ref={ref}
			class={at === undefined ? 'menu' : 'menu floating'}
			role="menu"
			aria-label={label}
			onKeyDown={onKey}
		>
			{header}
			{items.map((item, i) =>
				item === 'line' ? (
					<hr key={i} />
				) : (
					<button
						key={i}
						role="menuitem"
						class={item.danger === true ? 'danger' : ''}
						disabled={item.disabled === true}
						onClick={() => {
							onClose();
							item.run();
						}}
					>
						<span>{item.label}</span>
						{item.keys !== undefined && <kbd>{item.keys}</kbd>}
					</button>
				),
			)}
		</div>
	);
}
