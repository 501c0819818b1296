// SPDX-License-Identifier: Apache-2.0
import { enter, expect, fillLogin, serverUrl, test } from './page';

test('the name has the focus, and the demonstration accounts are announced', async ({ page }) => {
	await page.goto(serverUrl());
	await expect(page.getByLabel('User name')).toBeFocused();
	await expect(page.getByRole('note')).toContainText('Demo');
});

test('a wrong password is said, and the right one then works', async ({ page }) => {
	await page.goto(serverUrl());
	await fillLogin(page, 'alice', 'wrong');
	await expect(page.getByRole('alert')).toHaveText('The name or the password is wrong.');
	await expect(page.getByLabel('Password')).toBeFocused();
	await fillLogin(page, 'alice', 'password');
	await expect(page.locator('.pane.focused')).toHaveAttribute('data-phase', 'live');
});

test('an unknown name is answered like a wrong password', async ({ page }) => {
	await page.goto(serverUrl());
	await fillLogin(page, 'nobody', 'password');
	await expect(page.getByRole('alert')).toHaveText('The name or the password is wrong.');
});

test('a login by keyboard alone ends at a prompt that takes keys', async ({ page }) => {
	await page.goto(serverUrl());
	await expect(page.getByLabel('User name')).toBeFocused();
	await page.keyboard.type('alice');
	await page.keyboard.press('Tab');
	await page.keyboard.type('password\n');
	await expect(page.locator('.pane.focused')).toHaveAttribute('data-phase', 'live');
	await expect(page.locator('.xterm-helper-textarea')).toBeFocused();
});

test('signing out ends the session: a reload asks for the password', async ({ page }) => {
	await enter(page, 'alice');
	await page.getByRole('button', { name: 'Menu' }).click();
	await page.getByRole('menuitem', { name: 'Sign out' }).click();
	await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
	await page.reload();
	await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
});

test('another person who logs in on the same page gets nothing of the first one', async ({
	page,
}) => {
	const alice = await enter(page, 'alice');
	await alice.run('echo of alice');
	await page.getByRole('button', { name: 'Menu' }).click();
	await page.getByRole('menuitem', { name: 'Sign out' }).click();
	await fillLogin(page, 'bob', 'password');
	await alice.live();
	expect((await alice.lines()).join('\n')).not.toContain('of alice');
});

test('a login that ended elsewhere is asked for again, and goes on in the same shell', async ({
	page,
}) => {
	const term = await enter(page, 'alice');
	const pid = await term.pid();
	await term.run('echo on the screen');
	const other = await page.context().newPage();
	await other.goto(serverUrl());
	await other.evaluate(() => {
		const headers = { 'Content-Type': 'application/json' };
		return fetch('api/v1/logout', { method: 'POST', headers, body: '{}' });
	});
	await expect(page.getByText('You were signed out')).toBeVisible();
	await expect(page.getByLabel('Password')).toBeFocused();
	await page.keyboard.type('password\n');
	await term.live();
	await term.shows('on the screen');
	expect(await term.pid()).toBe(pid);
	await other.close();
});
