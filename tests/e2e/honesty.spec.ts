// SPDX-License-Identifier: Apache-2.0
// What happens to a program is said in the page, and what it drew is there again.
import type { Browser, Page } from '@playwright/test';
import { enter, expect, fillLogin, newPage, serverUrl, Term, test } from './page';

/** Somebody whose workspace has a disk of 32 MB and 15 processes (server.ts). */
async function enterSmall(page: Page, browser: Browser): Promise<Term> {
	const admin = await newPage(browser);
	await enter(admin, 'admin');
	await admin.evaluate(async () => {
		const body = JSON.stringify({ username: 'small', password: 'long enough', role: 'user' });
		const headers = { 'Content-Type': 'application/json' };
		await fetch('api/v1/users', { method: 'POST', headers, body });
	});
	await admin.context().close();
	await page.goto(serverUrl());
	await fillLogin(page, 'small', 'long enough');
	const term = new Term(page);
	await term.live();
	return term;
}

test('what the memory limit killed is said by name and pid', async ({ page }) => {
	const term = await enter(page, 'alice');
	// What was gone before anybody on a busy machine looked is said by its name alone: then another one must do.
	await expect(async () => {
		const [hog] = await term.run('sh -c \'echo $$; exec tail /dev/zero\'');
		const said = page.locator('.toast.error', { hasText: 'memory limit' }).last();
		await expect(said).toContainText(`tail (pid ${hog})`, { timeout: 5_000 });
	}).toPass({ timeout: 60_000 });
	expect(await term.run('echo alive')).toEqual(['alive']);
});

test('a full-screen program is there again after a reload', async ({ page }) => {
	const term = await enter(page, 'alice');
	await term.run('printf "first line\\nsecond line\\n" > /tmp/note');
	await term.type('vi /tmp/note\n');
	await term.shows('second line');
	await term.shows('~');
	await term.shows(/note.* 2 ?l/i); // the last that it draws
	const before = await term.lines();
	await page.reload();
	await expect(term.pane).toHaveAttribute('data-phase', 'live');
	await term.shows('second line');
	await expect.poll(() => term.lines()).toEqual(before);
	await term.type(':q!\n');
	await term.shows(/#$/);
	expect(await term.run('echo left')).toEqual(['left']);
});

test('that the process limit was reached is said with its number', async ({ page, browser }) => {
	const term = await enterSmall(page, browser);
	// In a shell of their own: this one would say of each that it is done, in the middle of the next test.
	await term.type('clear; (for i in $(seq 1 20); do sleep 3 & done)\n');
	await expect(page.locator('.toast.error', { hasText: 'processes' })).toContainText(
		'The limit of 15 processes was reached',
	);
});

test('that the disk is full is said, and again to who comes back', async ({ page, browser }) => {
	const term = await enterSmall(page, browser);
	await term.type('clear; dd if=/dev/zero of=/root/big bs=1M count=100\n');
	await expect(page.locator('.toast.error', { hasText: 'disk is full' })).toBeVisible({ timeout: 20_000 });
	await page.reload();
	await term.live();
	await expect(page.locator('.toast', { hasText: /disk is (full|9\d % full): / })).toBeVisible({ timeout: 20_000 });
	expect(await term.run('rm /root/big; echo goes on')).toEqual(['goes on']);
});

test('the exit status and the signal that ended a shell are said', async ({ page }) => {
	const term = await enter(page, 'bob');
	await term.fresh();
	await term.type('exit 7\n');
	const ending = page.getByRole('alertdialog');
	await expect(ending).toContainText('Exited with code 7.');
	await ending.getByRole('button', { name: 'New shell' }).click();
	await term.live();
	await term.type('kill -9 $$\n');
	await expect(ending).toContainText('signal 9 (Killed)');
});

test('that the workspace was stopped, and by whom, is said in every window', async ({ page, browser }) => {
	const term = await enter(page, 'bob');
	await term.fresh();
	const other = await newPage(browser);
	await enter(other, 'bob');
	await page.getByRole('button', { name: 'Menu' }).click();
	await page.getByRole('menuitem', { name: 'Workspace' }).click();
	await page.getByRole('button', { name: 'Stop…' }).click();
	await page.getByRole('button', { name: 'Stop', exact: true }).click();
	for (const each of [page, other]) {
		await expect(each.getByRole('alertdialog')).toContainText('The workspace was stopped');
		await expect(each.getByRole('alertdialog')).toContainText('Stopped by bob.');
	}
	await other.context().close();
});
