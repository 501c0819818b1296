// SPDX-License-Identifier: Apache-2.0
import { devices } from '@playwright/test';
import { enter, expect, newPage, serverUrl, Term, test } from './page';

const phone = { ...devices['Pixel 7'] };

test('a phone has the keys that its keyboard lacks', async ({ browser }) => {
	const page = await newPage(browser, phone);
	const term = await enter(page, 'bob');
	const bar = page.getByRole('toolbar', { name: 'Keys' });
	await expect(bar).toBeVisible();
	await term.type(`clear; echo g''o; sleep 1000\n`);
	await term.shows('go');
	await bar.getByRole('button', { name: 'ctrl' }).click();
	await page.keyboard.type('c');
	await term.shows(/\^C/);
	await term.run('echo first');
	await bar.getByRole('button', { name: 'Up', exact: true }).click();
	await page.keyboard.press('Enter');
	await term.shows('first');
	await page.context().close();
});

test('a line can be written in a field of its own and sent', async ({ browser }) => {
	const page = await newPage(browser, phone);
	const term = await enter(page, 'bob');
	const bar = page.getByRole('toolbar', { name: 'Keys' });
	await bar.getByRole('button', { name: 'Write a line' }).click();
	await page.getByRole('textbox', { name: 'Write a line' }).fill('clear; echo $((40+2))');
	await page.getByRole('button', { name: 'Send' }).click();
	await term.shows('42');
	await page.context().close();
});

for (const deviceScaleFactor of [1.5, phone.deviceScaleFactor]) {
	test(`the terminal is as wide as the phone, with ${deviceScaleFactor} pixels a point`, async ({ browser }) => {
		const page = await newPage(browser, { ...phone, deviceScaleFactor });
		const term = await enter(page, 'bob');
		const screen = term.pane.locator('.xterm-screen');
		await expect.poll(() => screen.evaluate((e) => e.clientWidth)).toBeLessThan(phone.viewport.width);
		await expect.poll(async () => Number((await term.run('stty size'))[0]!.split(' ')[1])).toBeLessThan(60);
		await page.context().close();
	});
}

test('two halves fit on a phone, with a search in one, and can be one again', async ({ browser }) => {
	const page = await newPage(browser, phone);
	const term = await enter(page, 'bob');
	await term.fresh();
	await page.keyboard.press('Control+Shift+D');
	await expect(page.locator('.pane:visible')).toHaveCount(2);
	await term.live();
	await page.getByRole('button', { name: 'Menu' }).click();
	await page.getByRole('menuitem', { name: 'Search' }).click();
	const field = page.getByLabel('Search this terminal');
	await expect(field).toBeFocused();
	await field.fill('container');
	const close = page.locator('.search-bar').getByRole('button').last();
	await expect(close).toBeInViewport({ ratio: 1 });
	await close.click();
	await expect(field).toHaveCount(0);
	await page.getByRole('button', { name: 'One terminal only' }).click();
	await expect(page.locator('.pane:visible')).toHaveCount(1);
	await term.fresh();
	await page.context().close();
});

test('an admin who looks with a phone sees all of a larger terminal, and types in one that fits', async ({ browser }) => {
	const large = await newPage(browser);
	const users = await enter(large, 'bob');
	await users.fresh();
	const columns = Number((await users.run('stty size'))[0]!.split(' ')[1]);
	const page = await newPage(browser, phone);
	await enter(page, 'admin');
	await page.goto(`${serverUrl()}#/look/bob/${await users.pane.getAttribute('data-terminal')}`);
	await page.reload();
	const look = new Term(page);
	await look.live();
	const fits = async (): Promise<boolean> => {
		const drawn = (await look.pane.locator('.xterm-screen').boundingBox())!;
		const wide = await page.evaluate(() => document.documentElement.scrollWidth);
		return drawn.x >= 0 && drawn.x + drawn.width <= phone.viewport.width && wide === phone.viewport.width;
	};
	await expect.poll(fits).toBe(true);
	await expect(page.getByRole('button', { name: 'Help' })).toBeInViewport({ ratio: 1 });
	await page.getByRole('button', { name: 'Help' }).click();
	await expect(page.getByRole('button', { name: 'Only look' })).toBeVisible();
	await look.live();
	expect(Number((await look.run('stty size'))[0]!.split(' ')[1])).toBeLessThan(Math.min(60, columns));
	await expect.poll(fits).toBe(true);
	await page.context().close();
	await large.context().close();
});

test('a notice lies on no banner and on no way back', async ({ browser }) => {
	const page = await newPage(browser, phone);
	const term = await enter(page, 'bob');
	await term.fresh();
	await page.getByRole('button', { name: 'Menu' }).click();
	await page.getByRole('menuitem', { name: 'Record this terminal' }).click();
	const stop = term.pane.getByRole('button', { name: /^Stop/ });
	await expect(stop).toBeVisible();
	await page.route('**/api/v1/terminals', (route) =>
		route.request().method() === 'POST' ? route.fulfill({ status: 503, body: '{}' }) : route.continue(),
	);
	await page.getByRole('button', { name: 'New terminal' }).click();
	await expect(page.locator('.toast.error')).toBeVisible();
	await stop.click();
	await expect(stop).toHaveCount(0);
	await page.getByRole('button', { name: 'Menu' }).click();
	await page.getByRole('menuitem', { name: 'Recordings' }).click();
	await page.locator('.recordings li').first().getByRole('button', { name: /^Play/ }).click();
	await expect(page.getByRole('slider', { name: 'Position' })).toBeVisible();
	await page.getByLabel('Speed').selectOption({ index: 1 });
	await expect(page.locator('.toast')).toBeVisible();
	await page.getByRole('button', { name: /^Back/ }).first().click();
	await page.context().close();
});

test('nothing is wider than the phone', async ({ browser }) => {
	const page = await newPage(browser, phone);
	await enter(page, 'bob');
	const width = await page.evaluate(() => document.documentElement.scrollWidth);
	expect(width).toBe(phone.viewport.width);
	await expect(page.getByRole('button', { name: 'Menu' })).toBeInViewport();
	await page.context().close();
});
