// SPDX-License-Identifier: Apache-2.0
// For screens without a keyboard: the keys that theirs lacks, and a field to write a whole line in.
import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { pasteFromClipboard } from '../store/commands';
import { held, toggle } from '../store/modifiers';
import { settings } from '../store/settings';
import { active } from '../store/tabs';
import { barKeys, type BarKey, type Modifiers } from '../term/keys';
import { KeyboardIcon, PasteIcon } from './icons';

const composing = signal(false);
const coarse = matchMedia('(pointer: coarse)');
const isTouch = signal(coarse.matches);
coarse.addEventListener('change', (e) => (isTouch.value = e.matches));

/** A press must not take the focus, and with it the on-screen keyboard, from the terminal. */
function keepFocus(event: Event): void {
	event.preventDefault();
}

function press(key: BarKey): void {
	const view = active.value?.view;
	if (view === null || view === undefined) return;
	view.type(view.applicationCursor ? (key.application ?? key.send) : key.send);
}

function ModifierKey({ which }: { which: keyof Modifiers }) {
	return (
		<button
			class="key"
			aria-pressed={held.value[which]}
			onPointerDown={keepFocus}
			onClick={() => toggle(which)}
		>
			{which}
		</button>
	);
}

function Key({ barKey }: { barKey: BarKey }) {
	return (
		<button
			class="key"
			aria-label={barKey.name}
			onPointerDown={keepFocus}
			onClick={() => press(barKey)}
		>
			{barKey.label}
		</button>
	);
}

function Compose() {
	const field = useRef<HTMLInputElement>(null);

	useLayoutEffect(() => field.current?.focus(), []);

	function send(event: Event): void {
		event.preventDefault();
		const text = field.current?.value ?? '';
		active.value?.view?.type(`${text}\r`);
		if (field.current !== null) field.current.value = '';
	}

	return (
		<form class="compose" onSubmit={send}>
			<input
				ref={field}
				aria-label="Write a line"
				placeholder="Write a line, then send it"
				autocapitalize="none"
				enterkeyhint="send"
			/>
			<button class="primary" type="submit">
				Send
			</button>
		</form>
	);
}

export function KeyBar() {
	const { keyBar } = settings.value;
	if (keyBar === 'off' || (keyBar === 'auto' && !isTouch.value)) return null;
	return (
		<section class="key-area" aria-label="Keys and writing">
			{composing.value && <Compose />}
			<div class="key-bar" role="toolbar" aria-label="Keys">
				<button
					class="key"
					aria-label="Write a line"
					aria-pressed={composing.value}
					onClick={() => (composing.value = !composing.value)}
				>
					<KeyboardIcon />
				</button>
				<Key barKey={barKeys[0]!} />
				<ModifierKey which="ctrl" />
				<ModifierKey which="alt" />
				{barKeys.slice(1).map((key) => (
					<Key key={key.name} barKey={key} />
				))}
				<button
					class="key"
					aria-label="Paste"
					onPointerDown={keepFocus}
					onClick={() => {
						if (active.value !== null) void pasteFromClipboard(active.value);
					}}
				>
					<PasteIcon />
				</button>
			</div>
		</section>
	);
}
