// SPDX-License-Identifier: Apache-2.0
import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { showPage } from '../store/app';
import { askToClose } from '../store/commands';
import { renaming } from '../store/dialogs';
import { activate, active, moveTab, newTab, renameTab, shown, tabs, type Tab } from '../store/tabs';
import { CloseIcon, PlusIcon } from './icons';

/** The tab that is being dragged, and where it would go. */
const dragged = signal<number | null>(null);
const dropAt = signal<number | null>(null);

function RenameField({ tab }: { tab: Tab }) {
	const field = useRef<HTMLInputElement>(null);

	useLayoutEffect(() => field.current?.select(), []);

	function finish(save: boolean): void {
		if (renaming.value !== tab) return;
		const name = field.current?.value ?? '';
		renaming.value = null;
		if (save && name !== tab.label.value) void renameTab(tab, name);
		tab.view?.focus();
	}

	return (
		<input
			ref={field}
			class="rename"
			aria-label="Name of the terminal"
			defaultValue={tab.label.value}
			maxLength={60}
			onBlur={() => finish(true)}
			onKeyDown={(e) => {
				e.stopPropagation();
				if (e.key !== 'Enter' && e.key !== 'Escape') return;
				// The rest of this key press would be the terminal's, which has the focus next.
				e.preventDefault();
				finish(e.key === 'Enter');
			}}
		/>
	);
}

function drop(position: number): void {
	const tab = tabs.value.find((t) => t.key === dragged.value);
	const from = tab === undefined ? -1 : tabs.value.indexOf(tab);
	dragged.value = null;
	dropAt.value = null;
	if (tab === undefined || from === position) return;
	void moveTab(tab, position);
}

function classes(tab: Tab, position: number): string {
	const names = ['tab'];
	if (active.value === tab) names.push('active');
	else if (shown.value.includes(tab)) names.push('shown');
	if (tab.unseen.value !== 'no') names.push(`unseen-${tab.unseen.value}`);
	if (!tab.alive) names.push('ended');
	if (dropAt.value === position && dragged.value !== tab.key) names.push('drop');
	return names.join(' ');
}

/** The arrow keys go from tab to tab; with alt they take the tab along. */
function onArrow(event: KeyboardEvent, tab: Tab, position: number, by: 1 | -1): void {
	const button = event.currentTarget as HTMLElement;
	const to = position + by;
	if (to < 0 || to >= tabs.value.length) return;
	if (!event.altKey) {
		const list = button.closest('[role=tablist]');
		list?.querySelectorAll<HTMLElement>('[role=tab]')[to]?.focus();
		return;
	}
	void moveTab(tab, to);
	// An element that is moved loses the focus.
	requestAnimationFrame(() => button.focus());
}

function onTabKey(event: KeyboardEvent, tab: Tab, position: number): void {
	if (event.key === 'F2') renaming.value = tab;
	else if (event.key === 'Delete') askToClose(tab);
	else if (event.key === 'ArrowLeft') onArrow(event, tab, position, -1);
	else if (event.key === 'ArrowRight') onArrow(event, tab, position, 1);
	else return;
	event.preventDefault();
}

function show(tab: Tab): void {
	showPage('terminals');
	activate(tab);
}

function TabItem({ tab, position }: { tab: Tab; position: number }) {
	const label = tab.label.value;
	const ref = useRef<HTMLDivElement>(null);
	const isActive = active.value === tab;

	useEffect(() => {
		if (isActive) ref.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
	}, [isActive]);

	return (
		<div
			ref={ref}
			class={classes(tab, position)}
			draggable={renaming.value !== tab}
			onDragStart={() => (dragged.value = tab.key)}
			onDragEnd={() => (dragged.value = dropAt.value = null)}
			onDragOver={(e) => {
				if (dragged.value === null) return;
				e.preventDefault();
				dropAt.value = position;
			}}
			onDrop={() => drop(position)}
			onAuxClick={(e) => {
				if (e.button === 1) askToClose(tab);
			}}
		>
			{renaming.value === tab ? (
				<RenameField tab={tab} />
			) : (
				<button
					class="tab-label"
					role="tab"
					aria-selected={isActive}
					aria-controls={`pane-${tab.key}`}
					aria-keyshortcuts="F2 Delete Alt+ArrowLeft Alt+ArrowRight"
					tabIndex={isActive ? 0 : -1}
					title={`${label} (double click or F2: rename)`}
					onClick={() => show(tab)}
					onDblClick={() => (renaming.value = tab)}
					onKeyDown={(e) => onTabKey(e, tab, position)}
				>
					{tab.recorded.value && <span class="recording" title="Recorded" />}
					<span class="tab-text">{label}</span>
				</button>
			)}
			{/* For the mouse: by keyboard it is the delete key on the tab, ctrl-shift-X, or the menu. */}
			<button
				class="icon-button tab-close"
				aria-hidden="true"
				tabIndex={-1}
				onClick={() => askToClose(tab)}
			>
				<CloseIcon />
			</button>
		</div>
	);
}

export function TabBar() {
	return (
		<div class="tab-bar">
			<div class="tab-list" role="tablist" aria-label="Terminals">
				{tabs.value.map((tab, i) => (
					<TabItem key={tab.key} tab={tab} position={i} />
				))}
			</div>
			<button
				class="icon-button"
				aria-label="New terminal"
				title="New terminal (ctrl-shift-enter)"
				onClick={() => {
					showPage('terminals');
					void newTab();
				}}
			>
				<PlusIcon />
			</button>
		</div>
	);
}
