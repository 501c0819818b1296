// SPDX-License-Identifier: Apache-2.0
// The wall of an admin: live pictures of all terminals. Whoever is on it is shown that, and the audit log has it once a visit.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { enter, expect, newPage, Term, test } from './page';
import { startServer, type Running } from './server';

let server: Running;

test.beforeAll(async () => {
	server = await startServer('--group=class=alice');
});

test.afterAll(async () => {
	await server.stop();
});

/** Whose terminals the log says that the wall has shown, one name a visit. */
function logged(): string[] {
	const lines = readFileSync(join(server.root, 'auth', 'audit.log'), 'utf8').trim().split('\n');
	const events = lines.map((line) => JSON.parse(line) as Record<string, string>);
	return events
		.filter((e) => e['event'] === 'admin_wall' && e['user'] === 'admin')
		.map((e) => JSON.stringify(e).match(/the terminals of (\w+)/)![1]!)
		.sort();
}

function others(): string[] {
	const lines = readFileSync(join(server.root, 'auth', 'audit.log'), 'utf8');
	return lines.match(/"admin_(look|look_end|access)"/g) ?? [];
}

async function openWall(page: Page): Promise<void> {
	await enter(page, 'admin', server.url);
	await page.getByRole('button', { name: 'Menu' }).click();
	await page.getByRole('menuitem', { name: 'Wall' }).click();
	await expect(page.getByRole('heading', { name: 'Wall' })).toBeVisible();
}

const tile = (page: Page, user: string) => page.locator(`.tile[data-user="${user}"]`);
const banner = (term: Term) => term.pane.locator('.banner.admin');
const onTheWall = 'The wall of admin (administrator) shows this terminal.';

test('the wall shows what each terminal shows, each user sees that, and the log has one line a visit and user', async ({
	page,
	browser,
}) => {
	test.slow(); // Three people.
	const alice = await enter(page, 'alice', server.url);
	const bobs = await newPage(browser);
	const bob = await enter(bobs, 'bob', server.url);
	await expect(banner(alice)).toHaveCount(0);
	const admin = await newPage(browser);
	await openWall(admin);
	for (const user of ['alice', 'bob', 'admin']) {
		await expect(tile(admin, user)).toHaveAttribute('data-phase', 'live');
	}
	for (const term of [alice, bob]) await expect(banner(term)).toHaveText(onTheWall);
	await alice.run('echo picture of alice');
	await expect(tile(admin, 'alice').locator('.xterm-rows')).toContainText('picture of alice');
	await bob.run(`printf '\\033]2;homework\\007'; echo picture of bob`);
	await expect(tile(admin, 'bob').locator('.xterm-rows')).toContainText('picture of bob');
	await expect(tile(admin, 'alice')).toContainText('active');
	await expect(tile(admin, 'alice').getByRole('link')).toHaveAccessibleName(/^alice, .*, active, there: alice: look$/);
	await expect.poll(logged).toEqual(['alice', 'bob']);

	// Out of view it is not looked at; back in view is the same visit.
	await admin.getByLabel('Find').fill('bob');
	await expect(tile(admin, 'alice')).toHaveCount(0);
	await expect(banner(alice)).toHaveCount(0);
	await expect(banner(bob)).toHaveText(onTheWall);
	await admin.getByLabel('Find').fill('');
	await expect(banner(alice)).toHaveText(onTheWall);
	await expect.poll(logged).toEqual(['alice', 'bob']);
	expect(others()).toEqual([]);

	await admin.getByRole('button', { name: 'Back to the terminals' }).click();
	for (const term of [alice, bob]) await expect(banner(term)).toHaveCount(0);
	await admin.evaluate(() => (location.hash = '#/wall'));
	await expect(banner(alice)).toHaveText(onTheWall);
	await expect(banner(bob)).toHaveText(onTheWall);
	await expect.poll(logged).toEqual(['alice', 'alice', 'bob', 'bob']);
	await bobs.context().close();
	await admin.context().close();
	await expect(banner(alice)).toHaveCount(0);
});

test('it is filtered, grouped and sorted, and a click or enter opens the look', async ({ page, browser }) => {
	const alice = await enter(page, 'alice', server.url);
	const admin = await newPage(browser);
	await openWall(admin);
	const users = async (): Promise<(string | null)[]> =>
		admin.locator('.tile').evaluateAll((tiles) => tiles.map((t) => t.getAttribute('data-user')));
	await expect.poll(users).toEqual(['admin', 'alice', 'bob']);
	await expect(admin.getByRole('status').filter({ hasText: 'terminals' })).toHaveText('3 terminals');
	await admin.getByLabel('Group').selectOption('class');
	await expect.poll(users).toEqual(['alice']);
	await expect(admin.getByRole('status').filter({ hasText: 'terminals' })).toHaveText('1 of 3 terminals');
	await admin.getByLabel('Group').selectOption('everybody');
	await alice.run('true');
	await expect.poll(async () => {
		await admin.getByLabel('Sort by').selectOption('name');
		await admin.getByLabel('Sort by').selectOption('active first');
		return (await users())[0];
	}).toBe('alice');
	await admin.getByLabel('Find').fill('nobody');
	await expect(admin.locator('.page')).toContainText('None is like that');
	await admin.getByLabel('Find').fill('alice');
	const opened = admin.context().waitForEvent('page');
	await tile(admin, 'alice').getByRole('link').focus();
	await admin.keyboard.press('Enter');
	const look = await opened;
	await new Term(look).live();
	await expect(banner(alice).first()).toContainText('admin (administrator) looks at this terminal.');
	await admin.context().close();
});

test('of a workspace that an older version started the tile says so, and it is opened to look', async ({ page, browser }) => {
	const alice = await enter(page, 'alice', server.url);
	const admin = await newPage(browser);
	let tries = 0;
	// As the server answers for such a one (tests/integration/test_shim_versions.py).
	await admin.routeWebSocket(/user=alice.*wall=/, (ws) => {
		tries++;
		ws.close({ code: 4001, reason: 'it was started by an older version, which makes no pictures' });
	});
	await openWall(admin);
	const old = tile(admin, 'alice');
	await expect(old).toContainText('It runs an older version, which makes no pictures. Open it to look.');
	await expect(tile(admin, 'bob')).toHaveAttribute('data-phase', 'live');
	const opened = admin.context().waitForEvent('page');
	await old.getByRole('link').click();
	await new Term(await opened).live();
	await expect(banner(alice).first()).toContainText('admin (administrator) looks at this terminal.');
	expect(tries).toBe(1);
	await admin.context().close();
});

test('nobody but an admin gets there', async ({ page }) => {
	const term = await enter(page, 'alice', server.url);
	await page.getByRole('button', { name: 'Menu' }).click();
	await expect(page.getByRole('menuitem', { name: 'Wall' })).toHaveCount(0);
	await page.keyboard.press('Escape');
	await page.evaluate(() => (location.hash = '#/wall'));
	await expect.poll(() => page.evaluate(() => location.hash)).toBe('');
	await expect(page.getByRole('heading', { name: 'Wall' })).toHaveCount(0);
	await term.live();
	expect(await page.evaluate(async () => (await fetch('api/v1/wall')).status)).toBe(403);
});
