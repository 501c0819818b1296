// SPDX-License-Identifier: Apache-2.0
// A terminal is recorded, everybody on it is told, and the recording is played, downloaded and removed in the page.
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { enter, expect, newPage, Term, test } from './page';
import { startServer } from './server';

async function choose(page: Page, item: string): Promise<void> {
	await page.getByRole('button', { name: 'Menu' }).click();
	await page.getByRole('menuitem', { name: item }).click();
}

/** What the replay shows, as text. */
async function shown(page: Page): Promise<string> {
	const rows = await page.locator('.replay-screen .xterm-rows > div').allTextContents();
	return rows.map((row) => row.replaceAll('\u00a0', ' ').trimEnd()).join('\n');
}

/** Records `first` and a line behind it; returns what was shown last. */
async function recordLines(page: Page, term: Term, first = 'true'): Promise<string> {
	const last = `last-${Math.random().toString(36).slice(2, 8)}`;
	await choose(page, 'Record this terminal');
	await expect(term.pane.locator('.banner.recorded')).toContainText('This terminal is recorded');
	await term.run(first);
	await term.run(`echo ${last}`);
	await choose(page, 'Stop recording');
	await expect(term.pane.locator('.banner.recorded')).toHaveCount(0);
	return last;
}

test('a recording is begun, shown to all who are there, played, downloaded and removed', async ({
	page,
	browser,
}) => {
	const term = await enter(page, 'alice');
	await term.fresh();
	const other = await newPage(browser);
	const otherTerm = await enter(other, 'alice');
	await choose(page, 'Record this terminal');
	for (const each of [term, otherTerm]) {
		await expect(each.pane.locator('.banner.recorded')).toContainText('This terminal is recorded');
	}
	const late = await newPage(browser);
	const lateTerm = await enter(late, 'alice');
	await expect(lateTerm.pane.locator('.banner.recorded')).toBeVisible();
	await late.context().close();
	await term.run('echo seen-in-the-replay');
	await otherTerm.pane.getByRole('button', { name: 'Stop recording' }).click();
	for (const each of [term, otherTerm]) {
		await expect(each.pane.locator('.banner.recorded')).toHaveCount(0);
	}
	await other.context().close();

	await choose(page, 'Recordings');
	const rows = page.locator('.recordings li');
	await expect(rows.first()).toBeVisible();
	const before = await rows.count();
	const downloading = page.waitForEvent('download');
	await rows.first().getByRole('link', { name: /Download/ }).click();
	const download = await downloading;
	expect(download.suggestedFilename()).toMatch(/^\d{8}T\d{6}Z-t\d+\.cast$/);
	expect(readFileSync(await download.path(), 'utf8')).toContain('seen-in-the-replay');

	await rows.first().getByRole('button', { name: /Play/ }).click();
	await expect(page.getByRole('slider', { name: 'Position' })).toBeVisible();
	await page.keyboard.press('End');
	await expect.poll(() => shown(page)).toContain('seen-in-the-replay');
	await page.getByRole('button', { name: 'Back to the recordings' }).click();

	await rows.first().getByRole('button', { name: /Remove/ }).click();
	await page.getByRole('button', { name: 'Remove', exact: true }).click();
	await expect(rows).toHaveCount(before - 1);
});

test('the replay is paused, jumped in and sped up, by mouse and keys', async ({ page }) => {
	const term = await enter(page, 'alice');
	await term.fresh();
	const last = await recordLines(page, term, 'sleep 6'); // until which it must have been paused
	await choose(page, 'Recordings');
	await page.locator('.recordings li').first().getByRole('button', { name: /Play/ }).click();
	const slider = page.getByRole('slider', { name: 'Position' });
	await page.getByRole('button', { name: 'Pause' }).click();
	await expect(page.getByRole('button', { name: 'Play' })).toBeVisible();

	await page.keyboard.press('Home');
	await expect(slider).toHaveJSProperty('value', '0');
	await expect.poll(() => shown(page)).not.toContain(last);
	await page.keyboard.press('End');
	await expect.poll(() => shown(page)).toContain(last);
	await page.keyboard.press('ArrowLeft');
	const max = Number(await slider.getAttribute('max'));
	await expect.poll(async () => Number(await slider.inputValue())).toBeCloseTo(Math.max(0, max - 5), 1);

	await page.keyboard.press('Home');
	await page.keyboard.press('>');
	await page.keyboard.press('>');
	await page.keyboard.press('>');
	await expect(page.getByLabel('Speed')).toHaveValue('8');
	await page.keyboard.press('k');
	await expect.poll(() => shown(page)).toContain(last);
	await expect(page.getByRole('button', { name: 'Play' })).toBeVisible();
	await slider.fill('0');
	await expect.poll(() => shown(page)).not.toContain(last);
	await page.getByLabel('Short pauses').check();
	await expect.poll(async () => Number(await slider.getAttribute('max'))).toBeLessThan(max);
});

test('in a recording of 10 MB a jump back is quick', async ({ page }, info) => {
	const head = JSON.stringify({ version: 2, width: 80, height: 24, timestamp: 1_700_000_000, title: 'long' });
	const lines = [head];
	// A line a second, in events as small as a program's that writes each line by itself.
	for (let i = 0, size = 0; size < 10 << 20; i++) {
		lines.push(JSON.stringify([i, 'o', `line ${i} \u001b[3${i % 8}mof a long log\u001b[0m, as such lines are\r\n`]));
		size += lines.at(-1)!.length + 1;
	}
	await page.route('**/api/v1/recordings/20260101T000000Z-t1', (route) =>
		route.fulfill({ body: lines.join('\n') + '\n', contentType: 'application/x-asciicast' }),
	);
	await enter(page, 'alice');
	await page.evaluate(() => (location.hash = '#/recordings/alice/20260101T000000Z-t1'));
	const slider = page.getByRole('slider', { name: 'Position' });
	await expect(slider).toBeVisible({ timeout: 30_000 });
	await page.keyboard.press('k');
	await page.keyboard.press('End');
	await expect.poll(() => shown(page), { timeout: 30_000 }).toContain(`line ${lines.length - 2} `);
	const target = `line ${lines.length - 2 - 5} `;
	const unwanted = `line ${lines.length - 2} `;
	const ms = await page.evaluate(
		([wanted, gone]) =>
			new Promise<number>((done) => {
				const began = performance.now();
				const look = (): void => {
					const text = (document.querySelector('.replay-screen .xterm-rows')?.textContent ?? '').replaceAll('\u00a0', ' ');
					if (text.includes(wanted!) && !text.includes(gone!)) done(performance.now() - began);
					else requestAnimationFrame(look);
				};
				document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true }));
				requestAnimationFrame(look);
			}),
		[target, unwanted],
	);
	const text = `a jump back in 10 MB: ${ms.toFixed(0)} ms`;
	info.annotations.push({ type: 'figure', description: text });
	console.log(text);
	expect(ms).toBeLessThan(10_000);
});

test('what is played outlives the workspace: it is there while that is stopped, and after a reload', async ({
	page,
}) => {
	const term = await enter(page, 'bob');
	await term.fresh();
	const last = await recordLines(page, term);
	await choose(page, 'Recordings');
	await page.locator('.recordings li').first().getByRole('button', { name: /Play/ }).click();
	await expect(page.getByRole('slider', { name: 'Position' })).toBeVisible();
	await page.evaluate(() => fetch('api/v1/workspace/stop', { method: 'POST', headers: { 'Content-Type': 'application/json' } }));
	await page.reload();
	await expect(page.getByRole('slider', { name: 'Position' })).toBeVisible();
	await page.keyboard.press('End');
	await expect.poll(() => shown(page)).toContain(last);
});

test('the page of recordings on a phone needs no sideways scrolling', async ({ browser }) => {
	const page = await newPage(browser, { viewport: { width: 390, height: 760 }, isMobile: true, hasTouch: true });
	const term = await enter(page, 'alice');
	await choose(page, 'Record this terminal');
	await expect(term.pane.locator('.banner.recorded')).toBeVisible();
	await choose(page, 'Stop recording');
	await choose(page, 'Recordings');
	await expect(page.locator('.recordings li').first()).toBeVisible();
	const wide = (selector: string): Promise<boolean> =>
		page.locator(selector).evaluate((e) => e.scrollWidth > e.clientWidth);
	expect(await wide('.page')).toBe(false);
	await page.locator('.recordings li').first().getByRole('button', { name: /Play/ }).click();
	await expect(page.getByRole('slider', { name: 'Position' })).toBeInViewport();
	await expect(page.getByRole('button', { name: /Pause|Play/ })).toBeInViewport();
	expect(await wide('.replay')).toBe(false);
	await page.context().close();
});

test('where recordings are required the banner is there from the start, and nothing ends or removes one', async ({
	page,
}) => {
	test.slow();
	const server = await startServer('--workspace=record=always');
	try {
		const term = await enter(page, 'alice', server.url);
		await expect(term.pane.locator('.banner.recorded')).toContainText('This terminal is recorded');
		await expect(term.pane.getByRole('button', { name: 'Stop recording' })).toHaveCount(0);
		await page.getByRole('button', { name: 'Menu' }).click();
		await expect(page.getByRole('menuitem', { name: 'Stop recording' })).toBeDisabled();
		await page.getByRole('menuitem', { name: 'Recordings' }).click();
		await expect(page.locator('.recordings li')).toContainText('being recorded');
		await expect(page.getByRole('button', { name: /^Remove/ })).toBeDisabled();
		await expect(page.locator('.page')).toContainText('Terminals are always recorded here');
	} finally {
		await server.stop();
	}
});
