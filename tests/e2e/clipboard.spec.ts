// SPDX-License-Identifier: Apache-2.0
// Copy and paste by each of their ways, with the browser's own clipboard.
import type { Page } from '@playwright/test';
import { enter, expect, newPage, test, type Term } from './page';

const mayUse = { permissions: ['clipboard-read', 'clipboard-write'] };

function held(page: Page): Promise<string> {
	return page.evaluate(() => navigator.clipboard.readText());
}

function hold(page: Page, text: string): Promise<void> {
	return page.evaluate((t) => navigator.clipboard.writeText(t), text);
}

/** Double click takes the word. */
async function select(term: Term, word: string): Promise<void> {
	const row = term.pane.locator('.xterm-rows > div', { hasText: new RegExp(`^${word}`) });
	const { x, y } = (await row.boundingBox())!;
	await term.page.mouse.dblclick(x + 15, y + 8);
}

async function openMenu(term: Term): Promise<void> {
	await term.pane.locator('.xterm-screen').click({ button: 'right', position: { x: 300, y: 200 } });
}

test('ctrl-shift-C copies what is selected, ctrl-shift-V pastes it', async ({ browser }) => {
	const page = await newPage(browser, mayUse);
	const term = await enter(page, 'alice');
	await term.run('echo takethis');
	await select(term, 'takethis');
	await page.keyboard.press('Control+Shift+C');
	await expect.poll(() => held(page)).toBe('takethis');
	await term.type('clear; echo got:');
	await page.keyboard.press('Control+Shift+V');
	await term.shows(/got:takethis$/); // what is pasted comes when the browser has given it
	await page.keyboard.press('Enter');
	await term.shows('got:takethis');
	await page.context().close();
});

test('a right click offers copy and paste', async ({ browser }) => {
	const page = await newPage(browser, mayUse);
	const term = await enter(page, 'alice');
	await term.run('echo byclick');
	await openMenu(term);
	await expect(page.getByRole('menuitem', { name: 'Copy' })).toBeDisabled();
	await page.keyboard.press('Escape');
	await select(term, 'byclick');
	await openMenu(term);
	await page.getByRole('menuitem', { name: 'Copy' }).click();
	await expect.poll(() => held(page)).toBe('byclick');
	await hold(page, 'echo fromthemenu');
	await openMenu(term);
	await page.getByRole('menuitem', { name: 'Paste', exact: false }).first().click();
	await term.shows(/echo fromthemenu$/);
	await page.keyboard.press('Enter');
	await term.shows('fromthemenu');
	await page.context().close();
});

test('where the browser does not let the page read, paste opens a box', async ({ browser }) => {
	const page = await newPage(browser, { permissions: [] });
	await page.addInitScript(() => {
		navigator.clipboard.readText = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
	});
	const term = await enter(page, 'alice');
	await openMenu(term);
	await page.getByRole('menuitem', { name: 'Paste' }).first().click();
	const box = page.getByLabel('Text to paste');
	await expect(box).toBeFocused();
	await box.fill('echo through the box');
	await page.getByRole('button', { name: 'Send to the terminal' }).click();
	await term.shows(/echo through the box$/);
	await page.keyboard.press('Enter');
	await term.shows('through the box');
	await page.context().close();
});

test('a program that asked for marked pastes gets them marked, whole and without a question', async ({
	browser,
}) => {
	const page = await newPage(browser, mayUse);
	const term = await enter(page, 'alice');
	await hold(page, 'one\ntwo');
	await term.type(`clear; stty -echo -icanon; printf '\\033[?2004hready\\n'; head -c 19 | cat -v; stty sane; echo\n`);
	await term.shows('ready');
	await page.keyboard.press('Control+Shift+V');
	// \x1b[200~one\rtwo\x1b[201~ is 19 bytes; the terminal makes a line feed of the carriage return.
	await term.shows('^[[200~one');
	await term.shows(/^two\^\[\[201~/);
	await expect(page.getByRole('dialog')).toHaveCount(0);
	await page.context().close();
});
