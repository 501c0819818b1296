// SPDX-License-Identifier: Apache-2.0
// An admin at somebody's terminal, in two browsers: who is there is said for as long as it lasts.
import type { Browser, Page } from '@playwright/test';
import { enter, expect, newPage, Term, test } from './page';

async function lookAt(browser: Browser, user: string): Promise<{ admin: Page; look: Page }> {
	const admin = await newPage(browser);
	await enter(admin, 'admin');
	await admin.getByRole('button', { name: 'Menu' }).click();
	await admin.getByRole('menuitem', { name: 'Users' }).click();
	await admin.getByRole('row', { name: new RegExp(`^${user}`) }).getByRole('button', { name: 'Terminals' }).click();
	const opened = admin.context().waitForEvent('page');
	await admin.getByRole('link', { name: /^Look at/ }).first().click();
	const look = await opened;
	return { admin, look };
}

test('a look is shown to the user at once, in every window, until it ends; nothing is typed', async ({
	page,
	browser,
}) => {
	const term = await enter(page, 'alice');
	await term.fresh();
	const banner = term.pane.locator('.banner.admin');
	await expect(banner).toHaveCount(0);
	const { admin, look } = await lookAt(browser, 'alice');
	const theirs = new Term(look);
	await theirs.live();
	await expect(banner).toContainText('admin (administrator) looks at this terminal.');
	await expect(look.locator('.watch-title')).toContainText('alice sees that you are here');
	await expect(theirs.pane.locator('.banner.admin')).toHaveCount(0);

	const second = await newPage(browser);
	const secondTerm = await enter(second, 'alice');
	await expect(secondTerm.pane.locator('.banner.admin')).toContainText('looks at this terminal');
	await second.context().close();

	await term.run('echo for the admin');
	await theirs.shows('for the admin');
	await theirs.type('echo of the admin\n');
	await term.run('echo still here');
	expect((await term.lines()).join('\n')).not.toContain('of the admin');
	await look.close();
	await expect(banner).toHaveCount(0);
	await admin.context().close();
});

test('to help, the admin asks for the keyboard, and the user is told that, too', async ({
	page,
	browser,
}) => {
	const term = await enter(page, 'alice');
	await term.fresh();
	const { admin, look } = await lookAt(browser, 'alice');
	const theirs = new Term(look);
	await theirs.live();
	await look.getByRole('button', { name: 'Help' }).click();
	await expect(term.pane.locator('.banner.admin')).toContainText('is here and can type in this terminal');
	await theirs.live();
	expect(await theirs.run('echo typed by the admin')).toEqual(['typed by the admin']);
	await term.shows('typed by the admin');
	await look.getByRole('button', { name: 'Only look' }).click();
	await expect(term.pane.locator('.banner.admin')).toContainText('looks at this terminal');
	await admin.context().close();
	await expect(term.pane.locator('.banner.admin')).toHaveCount(0);
});

test('an admin finds the recordings of a user; a user finds no way there', async ({ page, browser }) => {
	const term = await enter(page, 'alice');
	await term.fresh();
	await page.getByRole('button', { name: 'Menu' }).click();
	await page.getByRole('menuitem', { name: 'Record this terminal' }).click();
	await expect(term.pane.locator('.banner.recorded')).toBeVisible();
	await term.run('echo of alice alone');
	await term.pane.getByRole('button', { name: 'Stop recording' }).click();
	await page.evaluate(() => (location.hash = '#/recordings/admin'));
	await expect(page.locator('.toast.error')).toContainText('for admins only');

	const admin = await newPage(browser);
	await enter(admin, 'admin');
	await admin.evaluate(() => (location.hash = '#/users'));
	await admin.getByRole('row', { name: /^alice/ }).getByRole('button', { name: 'Terminals' }).click();
	await admin.getByRole('button', { name: 'Recordings' }).click();
	await expect(admin.getByRole('heading', { name: 'Recordings of alice' })).toBeVisible();
	await admin.locator('.recordings li').first().getByRole('button', { name: /Play/ }).click();
	await expect(admin.getByRole('slider', { name: 'Position' })).toBeVisible();
	await admin.keyboard.press('End');
	await expect(admin.locator('.replay-screen')).toContainText('of alice alone');
	await admin.context().close();
});

test('of a user whose workspace is not running it is said so', async ({ browser }) => {
	const admin = await newPage(browser);
	await enter(admin, 'admin');
	await admin.evaluate(async () => {
		const add = { username: 'never', password: 'long enough', role: 'user' };
		const headers = { 'Content-Type': 'application/json' };
		await fetch('api/v1/users', { method: 'POST', headers, body: JSON.stringify(add) });
		location.hash = '#/users';
	});
	await admin.getByRole('row', { name: /^never/ }).getByRole('button', { name: 'Terminals' }).click();
	await expect(admin.getByRole('dialog')).toContainText("isn't running");
	await admin.context().close();
});
