// SPDX-License-Identifier: Apache-2.0
// The network goes away and comes back.
import { CutProxy } from './cut_proxy';
import { enter, expect, serverUrl, test } from './page';

let proxy: CutProxy;

test.beforeEach(async () => {
	proxy = await CutProxy.start(serverUrl());
});

test.afterEach(async () => {
	await proxy.stop();
});

test('a cut is shown, keys typed meanwhile are sent once, and nothing of the output is lost', async ({
	page,
}) => {
	const term = await enter(page, 'alice', proxy.url);
	const pid = await term.pid();
	await term.type('clear; for i in 1 2 3 4 5 6; do echo line $i; sleep 0.5; done\n');
	await term.shows('line 2');
	proxy.cut();
	await expect(page.locator('.link-status')).toContainText('Reconnecting');
	await term.type('echo typed while away\n');
	await expect(page.locator('.link-status')).toContainText('typed will be sent');
	proxy.restore();
	await expect(page.locator('.link-status')).toHaveCount(0);
	await term.shows('line 6');
	await term.shows('typed while away');
	const lines = await term.lines();
	expect(lines.filter((line) => /^line \d$/.test(line))).toHaveLength(6);
	expect(lines.filter((line) => line === 'typed while away')).toHaveLength(1);
	expect(await term.pid()).toBe(pid);
});

test('a dead line is noticed when the browser says so, and the keys are kept', async ({ page }) => {
	const term = await enter(page, 'alice', proxy.url);
	await term.run('true');
	proxy.freeze();
	await page.context().setOffline(true);
	await term.type('echo after the freeze\n');
	await expect(page.locator('.link-status')).toBeVisible();
	await page.context().setOffline(false);
	await term.shows('after the freeze');
	await expect(page.locator('.link-status')).toHaveCount(0);
	const lines = await term.lines();
	expect(lines.filter((line) => line === 'after the freeze')).toHaveLength(1);
});

test('more output than can be resumed: the screen is right all the same', async ({ page }) => {
	const term = await enter(page, 'alice', proxy.url);
	await term.type('clear; sleep 1; seq -f "%080.0f" 1 60000; echo all there\n');
	proxy.cut();
	await expect(page.locator('.link-status')).toBeVisible();
	await page.waitForTimeout(2500);
	proxy.restore();
	await term.shows('all there');
	const lines = await term.lines();
	expect(lines).toContain('60000'.padStart(80, '0'));
	expect(await term.run('echo fine')).toEqual(['fine']);
});
