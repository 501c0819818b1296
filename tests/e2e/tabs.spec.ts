// SPDX-License-Identifier: Apache-2.0
import { enter, expect, newPage, test } from './page';

test('a new tab opens in the folder of the present one; both stay after a reload', async ({
	page,
}) => {
	const term = await enter(page, 'bob');
	await term.fresh();
	await term.run('cd /usr/share');
	await page.getByRole('button', { name: 'New terminal' }).click();
	await expect(page.getByRole('tab')).toHaveCount(2);
	await term.live();
	expect(await term.run('pwd')).toEqual(['/usr/share']);
	await page.reload();
	await expect(page.getByRole('tab')).toHaveCount(2);
	await term.live();
	expect(await term.run('pwd')).toEqual(['/usr/share']);
	await term.fresh();
});

test('tabs are renamed, moved, and the same in another browser', async ({ page, browser }) => {
	const term = await enter(page, 'bob');
	await term.fresh();
	await page.keyboard.press('Control+Shift+Enter');
	await expect(page.getByRole('tab')).toHaveCount(2);
	await page.getByRole('tab').nth(1).dblclick();
	await page.keyboard.type('second one\n');
	await expect(page.getByRole('tab').nth(1)).toHaveText('second one');
	await page.getByRole('tab').nth(1).focus();
	await page.keyboard.press('Alt+ArrowLeft');
	await expect(page.getByRole('tab').nth(0)).toHaveText('second one');
	const other = await newPage(browser);
	await enter(other, 'bob');
	await expect(other.getByRole('tab').nth(0)).toHaveText('second one');
	await other.context().close();
	await term.fresh();
});

test('a tab is dragged to another place, and is there in another browser, too', async ({ page, browser }) => {
	const term = await enter(page, 'bob');
	await term.fresh();
	const tabs = page.getByRole('tab');
	await page.getByRole('button', { name: 'New terminal' }).click();
	await expect(tabs).toHaveCount(2);
	await tabs.nth(1).dblclick();
	await page.keyboard.type('dragged\n');
	await expect(tabs.nth(1)).toHaveText('dragged');
	await tabs.nth(1).dragTo(tabs.nth(0));
	await expect(tabs.nth(0)).toHaveText('dragged');
	const other = await newPage(browser);
	await enter(other, 'bob');
	await expect(other.getByRole('tab').nth(0)).toHaveText('dragged');
	await other.context().close();
	await term.fresh();
});

test('closing a tab asks first, and ends its shell', async ({ page }) => {
	const term = await enter(page, 'bob');
	await term.fresh();
	await page.keyboard.press('Control+Shift+Enter');
	await expect(page.getByRole('tab')).toHaveCount(2);
	await term.live();
	await page.keyboard.press('Control+Shift+X');
	await expect(page.getByRole('dialog')).toContainText('Close this terminal?');
	await page.keyboard.press('Enter');
	await expect(page.getByRole('tab')).toHaveCount(1);
	await page.reload();
	await expect(page.getByRole('tab')).toHaveCount(1);
});

test('a split shows two shells, each of its own size', async ({ page }) => {
	const term = await enter(page, 'bob');
	await term.fresh();
	const [whole] = await term.run('stty size');
	await page.keyboard.press('Control+Shift+D');
	await expect(page.locator('.pane:visible')).toHaveCount(2);
	await term.live();
	const [half] = await term.run('stty size');
	expect(Number(half!.split(' ')[1])).toBeLessThan(Number(whole!.split(' ')[1]));
	const pid = await term.pid();
	await page.keyboard.press('Control+Shift+O');
	expect(await term.pid()).not.toBe(pid);
	await term.fresh();
});

test('when a split ends, what stays has all of the room, whichever half it was', async ({ page }) => {
	const term = await enter(page, 'bob');
	await term.fresh();
	const [whole] = await term.run('stty size');
	for (const half of ['right', 'left']) {
		await page.keyboard.press('Control+Shift+D');
		await expect(page.locator('.pane:visible')).toHaveCount(2);
		await term.live();
		if (half === 'left') await page.keyboard.press('Control+Shift+O');
		await page.getByRole('button', { name: 'One terminal only' }).click();
		await expect(page.locator('.pane:visible')).toHaveCount(1);
		await expect.poll(async () => (await term.run('stty size'))[0], half).toBe(whole);
	}
	await term.fresh();
});
