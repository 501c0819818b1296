// SPDX-License-Identifier: Apache-2.0
import { logout, me, page, showPage, showRecordings } from '../store/app';
import { askToClose } from '../store/commands';
import { dialog, menuOpen, renaming, searching } from '../store/dialogs';
import { active, closeAllTabs, recordTab, shown, splitTab, unsplit } from '../store/tabs';
import { attempt } from '../store/toasts';
import { Logo, SearchIcon, SettingsIcon, SplitIcon, UnsplitIcon, UserIcon } from './icons';
import { Menu, type MenuItem } from './menu';
import { Status } from './status';
import { TabBar } from './tab_bar';

function signOut(): void {
	void attempt('Signing out', async () => {
		await logout();
		closeAllTabs();
	});
}

function menuItems(): (MenuItem | 'line')[] {
	const tab = active.value;
	const share = (): void => {
		if (tab !== null) dialog.value = { kind: 'share', tab };
	};
	const recorded = tab?.recorded.value === true;
	const record: MenuItem = {
		label: recorded ? 'Stop recording' : 'Record this terminal',
		disabled: tab?.alive !== true || !tab.mayRecord.value,
		run: () => void (tab !== null && recordTab(tab, !recorded)),
	};
	const rename = (): void => {
		if (tab === null) return;
		showPage('terminals');
		renaming.value = tab;
	};
	const admin: MenuItem[] =
		me.value?.role === 'admin'
			? [
					{ label: 'Users…', run: () => showPage('users') },
					{ label: 'Wall…', run: () => showPage('wall') },
				]
			: [];
	return [
		{ label: 'Share this terminal…', disabled: tab?.alive !== true, run: share },
		record,
		{
			label: 'Search…',
			keys: 'ctrl shift F',
			disabled: tab === null,
			run: () => {
				showPage('terminals');
				searching.value = true;
			},
		},
		{ label: 'Rename this terminal…', disabled: tab === null, run: rename },
		{
			label: 'Close this terminal…',
			disabled: tab === null,
			run: () => void (tab !== null && askToClose(tab)),
		},
		'line',
		{ label: 'Workspace…', run: () => (dialog.value = { kind: 'workspace' }) },
		{ label: 'Recordings…', run: () => showRecordings(null) },
		...admin,
		'line',
		{ label: 'Settings…', run: () => (dialog.value = { kind: 'settings' }) },
		{
			label: 'Keyboard shortcuts…',
			keys: 'ctrl shift ?',
			run: () => (dialog.value = { kind: 'shortcuts' }),
		},
		{ label: 'Change password…', run: () => (dialog.value = { kind: 'password' }) },
		'line',
		{ label: 'Sign out', run: signOut },
	];
}

function UserMenu() {
	const open = menuOpen.value;
	const who = me.value;
	return (
		<div class="user-menu">
			<button
				class="icon-button user"
				aria-haspopup="menu"
				aria-expanded={open}
				aria-label="Menu"
				title="Menu (ctrl-shift-M)"
				onPointerDown={(e) => {
					if (open) e.stopPropagation();
				}}
				onClick={() => (menuOpen.value = !open)}
			>
				<UserIcon />
				<span class="user-name">{who?.username}</span>
			</button>
			{open && (
				<Menu
					label="Menu"
					items={menuItems()}
					onClose={() => (menuOpen.value = false)}
					header={
						<p class="menu-header">
							{who?.username}
							<small>{who?.role === 'admin' ? 'Administrator' : 'User'}</small>
						</p>
					}
				/>
			)}
		</div>
	);
}

function SplitButton() {
	const two = shown.value.length > 1;
	return (
		<button
			class={two ? 'icon-button' : 'icon-button wide-only'}
			aria-label={two ? 'One terminal only' : 'Split to the right'}
			title={two ? 'One terminal only' : 'Split to the right (ctrl-shift-D)'}
			onClick={() => (two ? unsplit() : void splitTab('right'))}
		>
			{two ? <UnsplitIcon /> : <SplitIcon />}
		</button>
	);
}

function TerminalTools() {
	return (
		<>
			<Status />
			<button
				class="icon-button wide-only"
				aria-label="Search"
				title="Search (ctrl-shift-F)"
				onClick={() => (searching.value = !searching.value)}
			>
				<SearchIcon />
			</button>
			<SplitButton />
		</>
	);
}

export function TopBar() {
	return (
		<header class="top-bar">
			<a
				class="home"
				href="#"
				aria-label="MiniDocker: to the terminals"
				onClick={(e) => {
					e.preventDefault();
					showPage('terminals');
				}}
			>
				<Logo size={22} />
			</a>
			<TabBar />
			<div class="top-tools">
				{page.value === 'terminals' && <TerminalTools />}
				<button
					class="icon-button wide-only"
					aria-label="Settings"
					title="Settings"
					onClick={() => (dialog.value = { kind: 'settings' })}
				>
					<SettingsIcon />
				</button>
				<UserMenu />
			</div>
		</header>
	);
}
