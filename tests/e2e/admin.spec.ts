// SPDX-License-Identifier: Apache-2.0
import { enter, expect, fillLogin, newPage, serverUrl, Term, test } from './page';

test('a user sees no users page', async ({ page }) => {
	await enter(page, 'alice');
	await page.getByRole('button', { name: 'Menu' }).click();
	await expect(page.getByRole('menuitem', { name: 'Settings' })).toBeVisible();
	await expect(page.getByRole('menuitem', { name: 'Users' })).toHaveCount(0);
});

test('who logs in where an admin left the users page gets terminals', async ({ page }) => {
	await enter(page, 'admin');
	await page.evaluate(() => (location.hash = '#/users'));
	await expect(page.getByRole('heading', { name: 'Users' })).toBeVisible();
	await page.getByRole('button', { name: 'Menu' }).click();
	await page.getByRole('menuitem', { name: 'Sign out' }).click();
	await fillLogin(page, 'alice', 'password');
	await new Term(page).live();
	await expect(page.getByRole('heading', { name: 'Users' })).toHaveCount(0);
	await expect(page.locator('.toast')).toHaveCount(0);
});

test('what failed is no longer said when it was done after all', async ({ page }) => {
	const name = 'x'.repeat(24) + Date.now().toString(36).slice(-8);
	await enter(page, 'admin');
	await page.evaluate(() => (location.hash = '#/users'));
	await page.getByLabel('User name').fill(name);
	await page.getByLabel('Password').fill('long enough password');
	await page.route('**/api/v1/users', (route) => route.abort(), { times: 1 });
	await page.getByRole('button', { name: 'Add' }).click();
	await expect(page.locator('.toast.error')).toContainText(name);
	await page.getByRole('button', { name: 'Add' }).click();
	const row = page.getByRole('row', { name });
	await expect(page.locator('.toast.error')).toHaveCount(0);
	// However long the name is, all that can be done is in view.
	await expect(row.getByRole('button', { name: 'Remove…' })).toBeInViewport({ ratio: 1 });
});

test('an admin adds a user, who can log in until disabled', async ({ page, browser }) => {
	const name = `u${Date.now().toString(36)}`;
	await enter(page, 'admin');
	await page.getByRole('button', { name: 'Menu' }).click();
	await page.getByRole('menuitem', { name: 'Users' }).click();
	await page.getByLabel('User name').fill(name);
	await page.getByLabel('Password').fill('long enough password');
	await page.getByRole('button', { name: 'Add' }).click();
	const row = page.getByRole('row', { name });
	await expect(row).toBeVisible();

	const theirs = await newPage(browser);
	await theirs.goto(serverUrl());
	await fillLogin(theirs, name, 'long enough password');
	await expect(theirs.locator('.pane.focused')).toHaveAttribute('data-phase', 'live');

	await row.getByRole('button', { name: 'Disable' }).click();
	await expect(row).toContainText('disabled');
	await expect(theirs.getByRole('button', { name: 'Sign in' })).toBeVisible();
	await fillLogin(theirs, name, 'long enough password');
	await expect(theirs.getByRole('alert')).not.toBeEmpty();
	await theirs.context().close();
});

test('the workspace shows its use and can be restarted', async ({ page }) => {
	const term = await enter(page, 'bob');
	const pid = await term.run('echo mark > /dev/shm/mark; ls /dev/shm');
	expect(pid).toEqual(['mark']);
	await page.getByRole('button', { name: 'Menu' }).click();
	await page.getByRole('menuitem', { name: 'Workspace' }).click();
	await expect(page.getByRole('meter', { name: 'Memory' })).toBeVisible();
	await expect(page.getByRole('meter', { name: 'Processes' })).toBeVisible();
	await page.getByRole('button', { name: 'Restart…' }).click();
	await page.getByRole('button', { name: 'Restart', exact: true }).click();
	await expect(page.getByRole('button', { name: 'New shell' })).toBeVisible();
	await page.getByRole('button', { name: 'New shell' }).click();
	await term.live();
	expect(await term.run('ls /dev/shm | wc -l')).toEqual(['0']);
});
