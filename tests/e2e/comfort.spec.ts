// SPDX-License-Identifier: Apache-2.0
// Clipboard, links, search, settings.
import { enter, expect, newPage, test, type Term } from './page';

/** A command that shows what a terminal answers to `sequence`; behind it comes its answer to whether it is well: [0. */
function answer(sequence: string): string {
	return `stty -echo; printf '${sequence}\\033[5n'; IFS= read -r -d n x; stty echo; echo "[\${x//$'\\033'/}]"`;
}

async function paste(term: Term, text: string): Promise<void> {
	await term.pane.locator('.xterm-helper-textarea').evaluate((field, pasted) => {
		const data = new DataTransfer();
		data.setData('text/plain', pasted);
		const init = { clipboardData: data, bubbles: true, cancelable: true };
		field.dispatchEvent(new ClipboardEvent('paste', init));
	}, text);
}

test('several lines are shown before they are pasted where the program would run them', async ({
	page,
}) => {
	const term = await enter(page, 'alice');
	await term.type(`clear; echo ca''t; cat\n`);
	await term.shows('cat'); // before it the shell itself would be pasted into
	await paste(term, 'one\ntwo\n');
	await expect(page.getByRole('dialog')).toContainText('Paste 3 lines?');
	await page.getByRole('button', { name: 'Paste as one line' }).click();
	await term.shows('one two');
	await page.keyboard.press('Control+c');
});

test('a pasted escape sequence is not sent as one', async ({ page }) => {
	const term = await enter(page, 'alice');
	await term.type(`clear; echo ca''t; cat -v\n`);
	await term.shows('cat');
	await paste(term, 'a\x1b[201~b');
	await expect(page.getByRole('dialog')).toContainText('invisible control characters');
	await page.getByRole('button', { name: 'Paste', exact: true }).click();
	await term.shows('a[201~b');
	await page.keyboard.press('Control+c');
});

test('a program may set the clipboard only when allowed, and never read it', async ({ browser }) => {
	const page = await newPage(browser, { permissions: ['clipboard-read', 'clipboard-write'] });
	const term = await enter(page, 'alice');
	await page.evaluate(() => navigator.clipboard.writeText('mine'));
	await term.run(`printf '\\033]52;c;dGhlaXJz\\007'`);
	await expect(page.locator('.toast')).toContainText('wants to write to your clipboard');
	expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('mine');
	await page.locator('.toast').getByRole('button', { name: 'Allow' }).click();
	await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe('theirs');
	expect(await term.run(answer(`\\033]52;c;?\\007`))).toEqual(['[[0]']);
	await page.context().close();
});

test('a link is shown with its address before it is opened', async ({ page }) => {
	const term = await enter(page, 'alice');
	await term.run('echo http://example.invalid/path');
	const row = term.pane.locator('.xterm-rows > div', { hasText: /^http:/ });
	const box = (await row.boundingBox())!;
	await page.mouse.move(box.x + 40, box.y + box.height / 2);
	await expect(term.pane.locator('.xterm-cursor-pointer')).toBeVisible();
	await page.mouse.click(box.x + 40, box.y + box.height / 2);
	await expect(page.getByRole('dialog')).toContainText('http://example.invalid');
	await page.keyboard.press('Escape');
	await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('a title is text, whatever it contains', async ({ page }) => {
	const term = await enter(page, 'alice');
	await term.run(`saved=$PS1 PROMPT_COMMAND=; PS1='$ '; printf '\\033]0;<img src=x onerror=alert(1)>\\007'`);
	await expect(page.getByRole('tab').first()).toHaveText('<img src=x onerror=alert(1)>');
	await expect(page.locator('.tab img')).toHaveCount(0);
	await term.run(`PS1=$saved; printf '\\033]0;\\007'`);
});

test('a program may neither read the title nor move the window', async ({ page }) => {
	const term = await enter(page, 'alice');
	// 21 and 20 ask for titles, 14 and 19 for sizes in pixels and of the screen, 13 for the place, 11 for the state.
	for (const report of ['21', '20', '14', '19', '13', '11'])
		expect(await term.run(answer(`\\033[${report}t`))).toEqual(['[[0]']);
});

test('the search finds what has scrolled away', async ({ page }) => {
	const term = await enter(page, 'alice');
	await term.run('echo needle; seq 300');
	await page.keyboard.press('Control+Shift+F');
	await page.getByLabel('Search this terminal').fill('needle');
	await expect(page.locator('.search-bar output')).toContainText('of');
	await term.shows('needle');
	await page.keyboard.press('Escape');
	await expect(page.locator('.search-bar')).toHaveCount(0);
});

test('text size and theme are kept', async ({ page }) => {
	const term = await enter(page, 'alice');
	const rows = await term.pane.locator('.xterm-rows > div').count();
	await page.keyboard.press('Control+Shift+Equal');
	await page.keyboard.press('Control+Shift+Equal');
	await expect.poll(() => term.pane.locator('.xterm-rows > div').count()).toBeLessThan(rows);
	await page.getByRole('button', { name: 'Settings' }).click();
	await page.getByLabel('Theme').selectOption('light');
	await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');
	await page.reload();
	await term.live();
	await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');
	await expect.poll(() => term.pane.locator('.xterm-rows > div').count()).toBeLessThan(rows);
});

test('the bell is seen, and marks the tab of a terminal that is not shown', async ({ page }) => {
	const term = await enter(page, 'bob');
	await term.fresh();
	await term.run(`printf '\\007'`);
	await expect(term.pane.locator('.terminal.bell')).toHaveCount(1);
	const [device] = await term.run('tty');
	await page.keyboard.press('Control+Shift+Enter');
	await expect(page.getByRole('tab')).toHaveCount(2);
	await term.live();
	await term.run(`printf '\\007' > ${device}`);
	await expect(page.locator('.tab').first()).toHaveClass(/unseen-bell/);
	await page.getByRole('tab').first().click();
	await expect(page.locator('.tab').first()).not.toHaveClass(/unseen/);
	await term.fresh();
});

test('the state of the connection and its delay are shown', async ({ page }) => {
	await enter(page, 'alice');
	await expect(page.locator('.status')).toHaveText(/^Connected<?\d+(\.\d)? m?s$/);
});
