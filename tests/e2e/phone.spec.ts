// SPDX-License-Identifier: Apache-2.0
import { devices } from '@playwright/test';
import { enter, expect, newPage, test } from './page';

const phone = { ...devices['Pixel 7'] };

test('a phone has the keys that its keyboard lacks', async ({ browser }) => {
	const page = await newPage(browser, phone);
	const term = await enter(page, 'bob');
	const bar = page.getByRole('toolbar', { name: 'Keys' });
	await expect(bar).toBeVisible();
	await term.type('clear; sleep 1000\n');
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

test('nothing is wider than the phone', async ({ browser }) => {
	const page = await newPage(browser, phone);
	await enter(page, 'bob');
	const width = await page.evaluate(() => document.documentElement.scrollWidth);
	expect(width).toBe(phone.viewport.width);
	await expect(page.getByRole('button', { name: 'Menu' })).toBeInViewport();
	await page.context().close();
});
