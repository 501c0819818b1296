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

// The page notices by itself that nothing answers its keys.
const noticed = { timeout: 15_000 };

test('keys that a dead line swallowed are sent again', async ({ page }) => {
	const term = await enter(page, 'alice', proxy.url);
	await term.run('true');
	proxy.freeze();
	await term.type('echo swallowed\n');
	await expect(page.locator('.link-status')).toBeVisible(noticed);
	await term.shows('swallowed');
	await expect(page.locator('.link-status')).toHaveCount(0);
	const lines = await term.lines();
	expect(lines.filter((line) => line === 'swallowed')).toHaveLength(1);
	await expect(page.locator('.toast', { hasText: 'may be lost' })).toHaveCount(0);
});

test('keys that arrived unseen before a cut are not sent again', async ({ page }) => {
	const term = await enter(page, 'alice', proxy.url);
	await term.run('rm -f /tmp/count');
	proxy.deafen();
	await term.type('echo x >> /tmp/count\n');
	await expect(page.locator('.link-status')).toBeVisible(noticed);
	await expect(page.locator('.link-status')).toHaveCount(0);
	expect(await term.run('cat /tmp/count')).toEqual(['x']);
	await expect(page.locator('.toast', { hasText: 'may be lost' })).toHaveCount(0);
});

test('what is typed while the workspace is restarted reaches no other shell, and the page says so', async ({
	page,
}) => {
	const term = await enter(page, 'bob', proxy.url);
	const cookies = await page.context().cookies();
	const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
	await term.run('rm -f /root/typed');
	proxy.cut();
	await expect(page.locator('.link-status')).toBeVisible();
	const restarted = await fetch(`${serverUrl()}api/v1/workspace/restart`, {
		method: 'POST',
		headers: { cookie, 'content-type': 'application/json' },
		body: '{}',
	});
	expect(restarted.status).toBe(200);
	await term.type('touch /root/typed\n');
	proxy.restore();
	const ending = page.locator('.ending');
	await expect(ending).toContainText('The workspace was restarted');
	await expect(ending).toContainText('18 B typed meanwhile were sent nowhere');
	await page.getByRole('button', { name: 'New shell' }).click();
	await term.live();
	expect(await term.run('ls /root/typed 2>&1 | grep -c "No such"')).toEqual(['1']);
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
