// SPDX-License-Identifier: Apache-2.0
// What happens to a program is said in the page, and what it drew is there again.
import { enter, expect, test } from './page';

test('what the memory limit killed is said by name', async ({ page }) => {
	const term = await enter(page, 'alice');
	await term.type('clear; tail /dev/zero\n');
	const said = page.locator('.toast.error', { hasText: 'memory limit' });
	await expect(said).toContainText('tail', { timeout: 20_000 });
	expect(await term.run('echo alive')).toEqual(['alive']);
});

test('a full-screen program is there again after a reload', async ({ page }) => {
	const term = await enter(page, 'alice');
	await term.run('printf "first line\\nsecond line\\n" > /tmp/note');
	await term.type('vi /tmp/note\n');
	await term.shows('second line');
	await term.shows('~');
	const before = await term.lines();
	await page.reload();
	await expect(term.pane).toHaveAttribute('data-phase', 'live');
	await term.shows('second line');
	expect(await term.lines()).toEqual(before);
	await term.type(':q!\n');
	expect(await term.run('echo left')).toEqual(['left']);
});
