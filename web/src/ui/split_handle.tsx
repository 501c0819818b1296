// SPDX-License-Identifier: Apache-2.0
import { split, splitRatio } from '../store/tabs';

const least = 0.15;

function setRatio(ratio: number): void {
	splitRatio.value = Math.min(1 - least, Math.max(least, ratio));
}

function drag(event: PointerEvent): void {
	const handle = event.currentTarget as HTMLElement;
	const box = handle.parentElement?.getBoundingClientRect();
	if (box === undefined || !handle.hasPointerCapture(event.pointerId)) return;
	if (split.value === 'right') setRatio((event.clientX - box.left) / box.width);
	else setRatio((event.clientY - box.top) / box.height);
}

function onKey(event: KeyboardEvent): void {
	const steps: Record<string, number> = {
		ArrowLeft: -0.02,
		ArrowUp: -0.02,
		ArrowRight: 0.02,
		ArrowDown: 0.02,
	};
	const step = steps[event.key];
	if (step === undefined) return;
	event.preventDefault();
	setRatio(splitRatio.value + step);
}

/** The line between two terminals, moved by pointer or arrow keys. */
export function SplitHandle() {
	const at = `${splitRatio.value * 100}%`;
	const right = split.value === 'right';
	return (
		<div
			class={right ? 'split-handle right' : 'split-handle down'}
			style={right ? { left: at } : { top: at }}
			role="separator"
			tabIndex={0}
			aria-label="Size of the two terminals"
			aria-orientation={right ? 'vertical' : 'horizontal'}
			aria-valuenow={Math.round(splitRatio.value * 100)}
			onPointerDown={(e) => e.currentTarget.setPointerCapture(e.pointerId)}
			onPointerMove={drag}
			onDblClick={() => setRatio(0.5)}
			onKeyDown={onKey}
		/>
	);
}
