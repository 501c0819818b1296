// SPDX-License-Identifier: Apache-2.0
import type { Page } from '@playwright/test';
import { enter, expect, newPage, Term, test } from './page';

async function makeLink(page: Page, may: 'look' | 'type'): Promise<string> {
	await page.getByRole('button', { name: 'Menu' }).click();
	await page.getByRole('menuitem', { name: 'Share this terminal' }).click();
	await page.getByLabel('They may').selectOption(may);
	await page.getByRole('button', { name: 'Make a link' }).click();
	return page.getByLabel('The link').inputValue();
}

test('a link to look shows the terminal live, takes no keys, and ends when it is taken back', async ({
	page,
	browser,
}) => {
	const term = await enter(page, 'alice');
	const url = await makeLink(page, 'look');
	await page.keyboard.press('Escape');

	const other = await newPage(browser);
	await other.goto(url);
	const guest = new Term(other);
	await guest.live();
	await term.run('echo for the guest');
	await guest.shows('for the guest');
	await expect(other.locator('.watch-title')).toContainText('to look at');
	await expect(page.locator('.watchers')).toHaveText('1');
	await guest.type('echo of the guest\n');
	await term.run('echo still here');
	expect((await term.lines()).join('\n')).not.toContain('of the guest');

	await page.getByRole('button', { name: 'Menu' }).click();
	await page.getByRole('menuitem', { name: 'Share this terminal' }).click();
	await page.getByRole('button', { name: 'Take back' }).first().click();
	await expect(other.getByRole('alertdialog')).toContainText('This link is not valid');
	await other.context().close();
});

test('a link to type drives the shell', async ({ page, browser }) => {
	const term = await enter(page, 'alice');
	const url = await makeLink(page, 'type');
	await page.keyboard.press('Escape');
	const other = await newPage(browser);
	await other.goto(url);
	const guest = new Term(other);
	await guest.live();
	expect(await guest.run('echo typed by a guest')).toEqual(['typed by a guest']);
	await term.shows('typed by a guest');
	await other.context().close();
});

for (const [what, link] of [
	['made-up', '0'.repeat(64)],
	['cut', 'd9ead3617'],
	['garbled', 'not-a=link'],
]) {
	test(`a ${what} link shows nothing`, async ({ page }) => {
		const url = new URL(process.env['MD_E2E_URL']!);
		url.hash = `/watch/${link}`;
		await page.goto(url.href);
		await expect(page.getByRole('alertdialog')).toContainText('This link is not valid');
		await expect(page.locator('.watch-title')).not.toContainText('you can type');
	});
}
