// SPDX-License-Identifier: Apache-2.0
// The page for people who use a keyboard, a screen reader, larger text or less motion.
import AxeBuilder from '@axe-core/playwright';
import { devices, type Page } from '@playwright/test';
import { enter, expect, newPage, serverUrl, Term, test } from './page';

/** Nothing that axe calls serious or critical; what programs draw in a terminal is theirs. */
async function expectAccessible(page: Page, state: string): Promise<void> {
	const { violations } = await new AxeBuilder({ page }).exclude('.xterm-screen').analyze();
	const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
	const said = bad.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.target.join(' ')).join(', ')}`);
	expect(said, state).toEqual([]);
}

async function choose(page: Page, item: string): Promise<void> {
	await page.getByRole('button', { name: 'Menu' }).click();
	await page.getByRole('menuitem', { name: item }).click();
}

for (const theme of ['dark', 'light']) {
	test(`no serious violation in the ${theme} theme`, async ({ browser }) => {
		// Motion would be caught half-way, in colours between two.
		const page = await newPage(browser, { reducedMotion: 'reduce' }, { theme });
		await page.goto(serverUrl());
		await expect(page.getByLabel('User name')).toBeVisible();
		await expectAccessible(page, 'login');
		const term = await enter(page, 'alice');
		await term.fresh();
		await expectAccessible(page, 'terminal');
		await page.keyboard.press('Control+Shift+D');
		await expect(page.locator('.pane:visible')).toHaveCount(2);
		await page.keyboard.press('Control+Shift+F');
		await page.getByLabel('Search this terminal').fill('root');
		await expectAccessible(page, 'two halves, a search');
		await page.keyboard.press('Escape');
		await page.keyboard.press('Control+Shift+M');
		await expect(page.getByRole('menuitem').first()).toBeFocused();
		await expectAccessible(page, 'menu');
		await page.keyboard.press('Escape');
		for (const item of ['Share', 'Workspace', 'Settings', 'Keyboard shortcuts', 'Change password']) {
			await choose(page, item);
			await expect(page.getByRole('dialog')).toBeVisible();
			await expectAccessible(page, item);
			await page.keyboard.press('Escape');
			await expect(page.getByRole('dialog')).toHaveCount(0);
		}
		await term.type('exit 3\n');
		await expect(page.getByRole('alertdialog')).toBeVisible();
		await expectAccessible(page, 'an ended shell');
		await page.getByRole('button', { name: 'Close the tab' }).click();
		await page.context().close();
	});

	test(`no serious violation where terminals are recorded, shared and looked at, ${theme}`, async ({ browser }) => {
		test.slow(); // Many states, of three people.
		const options = { reducedMotion: 'reduce' } as const;
		const page = await newPage(browser, options, { theme });
		const term = await enter(page, 'bob');
		await term.fresh();
		const terminal = (await term.pane.getAttribute('data-terminal'))!;
		await choose(page, 'Record this terminal');
		await expect(term.pane.locator('.banner.recorded')).toBeVisible();

		const admin = await newPage(browser, options, { theme });
		await enter(admin, 'admin');
		await admin.evaluate(() => (location.hash = '#/wall'));
		await expect(admin.locator('.tile[data-user="bob"]').first()).toHaveAttribute('data-phase', 'live');
		await expectAccessible(admin, 'wall');
		await admin.getByLabel('Find').fill('nobody at all');
		await expectAccessible(admin, 'wall without a tile');
		await admin.getByLabel('Find').fill('');
		await expect(term.pane.locator('.banner.admin')).toBeVisible();
		await expectAccessible(page, 'recorded, on a wall');
		await admin.goto(`${serverUrl()}#/look/bob/${terminal}`);
		await admin.reload();
		await new Term(admin).live();
		await expectAccessible(admin, 'look');
		await admin.getByRole('button', { name: 'Help' }).click();
		await expect(term.pane.locator('.banner.admin')).toContainText('can type');
		await expectAccessible(admin, 'help');
		await admin.context().close();

		await term.pane.getByRole('button', { name: 'Stop recording' }).click();
		await expect(term.pane.locator('.banner.recorded')).toHaveCount(0);
		await choose(page, 'Recordings');
		const row = page.locator('.recordings li').first();
		await expect(row).toBeVisible();
		await expectAccessible(page, 'recordings');
		await row.getByRole('button', { name: /^Remove/ }).click();
		await expect(page.getByRole('dialog')).toBeVisible();
		await expectAccessible(page, 'a recording is to be removed');
		await page.keyboard.press('Escape');
		await row.getByRole('button', { name: /^Play/ }).click();
		await expect(page.getByRole('slider', { name: 'Position' })).toBeVisible();
		await page.keyboard.press('End');
		await expectAccessible(page, 'replay');
		await page.evaluate(() => (location.hash = '#/recordings/bob/20200101T000000Z-t9'));
		await expect(page.locator('.replay')).toContainText('can’t be played');
		await expectAccessible(page, 'a recording that is gone');

		const link = await page.evaluate(async (id) => {
			const headers = { 'Content-Type': 'application/json' };
			const body = JSON.stringify({ terminal: Number(id), can_type: false, seconds: 600 });
			const made = await fetch('api/v1/links', { method: 'POST', headers, body });
			return ((await made.json()) as { link: string }).link;
		}, terminal);
		const guest = await newPage(browser, options, { theme });
		await guest.goto(`${serverUrl()}#/watch/${link}`);
		await new Term(guest).live();
		await expectAccessible(guest, 'a shared link');
		await guest.goto(`${serverUrl()}#/watch/${'0'.repeat(64)}`);
		await guest.reload();
		await expect(guest.getByRole('alertdialog')).toContainText('not valid');
		await expectAccessible(guest, 'a link that is not valid');
		await guest.context().close();
		await page.context().close();
	});

	test(`no serious violation on a phone and for an admin, ${theme}`, async ({ browser }) => {
		const page = await newPage(browser, { ...devices['Pixel 7'], reducedMotion: 'reduce' }, { theme });
		await enter(page, 'admin');
		await page.getByRole('button', { name: 'Write a line' }).click();
		await expect(page.getByRole('textbox', { name: 'Write a line' })).toBeFocused();
		await expectAccessible(page, 'keys and writing');
		await choose(page, 'Users');
		await expect(page.getByRole('row', { name: 'alice' })).toBeVisible();
		await expectAccessible(page, 'users');
		await page.context().close();
	});
}

test('by keyboard alone: out of the terminal to the menu, a dialog, and back', async ({ page }) => {
	const term = await enter(page, 'alice');
	await page.keyboard.press('Control+Shift+M');
	await expect(page.getByRole('menuitem').first()).toBeFocused();
	await page.keyboard.press('Escape');
	await expect(page.getByRole('menu')).toHaveCount(0);
	await expect(term.pane.locator('.xterm-helper-textarea')).toBeFocused();
	await page.keyboard.press('Control+Shift+M');
	await page.keyboard.press('ArrowUp');
	await page.keyboard.press('ArrowUp');
	await page.keyboard.press('Enter');
	await expect(page.getByRole('dialog', { name: 'Change password' })).toBeVisible();
	await page.keyboard.press('Escape');
	await expect(term.pane.locator('.xterm-helper-textarea')).toBeFocused();
	const menu = page.getByRole('button', { name: 'Menu' });
	await menu.focus();
	await page.keyboard.press('Enter');
	await page.keyboard.press('Escape');
	await expect(menu).toBeFocused();
});

test('tabs by keyboard: the arrows go, with alt they take the tab along; F2 renames, delete closes', async ({
	page,
}) => {
	const term = await enter(page, 'bob');
	await term.fresh();
	await page.keyboard.press('Control+Shift+Enter');
	const tab = page.getByRole('tab');
	await expect(tab).toHaveCount(2);
	await term.live();
	await tab.nth(1).focus();
	await page.keyboard.press('ArrowLeft');
	await expect(tab.nth(0)).toBeFocused();
	await page.keyboard.press('ArrowRight');
	await expect(tab.nth(1)).toBeFocused();
	await term.type('clear; read -r word; echo "[$word]"\n');
	await tab.nth(1).focus();
	await page.keyboard.press('F2');
	await page.keyboard.type('moved\n');
	await expect(tab.nth(1)).toHaveText('moved');
	await term.type('typed\n');
	await term.shows('[typed]');
	await tab.nth(1).focus();
	await page.keyboard.press('Alt+ArrowLeft');
	await expect(tab.nth(0)).toHaveText('moved');
	await expect(tab.nth(0)).toBeFocused();
	await page.keyboard.press('Delete');
	await expect(page.getByRole('dialog')).toContainText('moved');
	await page.keyboard.press('Enter');
	await expect(tab).toHaveCount(1);
});

test('for a screen reader the output is in a live region, as text', async ({ browser }) => {
	const page = await newPage(browser, {}, { screenReader: true });
	const term = await enter(page, 'alice');
	await term.type('clear; echo $((40+2)) heard\n');
	await expect(term.pane.locator('.live-region')).toContainText('42 heard');
	const rows = term.pane.locator('.xterm-accessibility [role=list] [role=listitem]');
	await expect(rows.filter({ hasText: '42 heard' })).toHaveCount(1);
	await page.context().close();
});

test('without motion the bell is still seen', async ({ browser }) => {
	const page = await newPage(browser, { reducedMotion: 'reduce' });
	const term = await enter(page, 'alice');
	await term.run(`printf '\\007'`);
	const shown = term.pane.locator('.terminal.bell');
	await expect(shown).toHaveCount(1);
	const lasts = await shown.evaluate((host) => getComputedStyle(host, '::after').animationDuration);
	expect(lasts).toBe('0.35s');
	await page.context().close();
});
