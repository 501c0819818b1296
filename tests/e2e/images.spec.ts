// SPDX-License-Identifier: Apache-2.0
// Images of programs: nowhere, unless the server allows them and the person wants them.
import { enter, expect, test } from './page';
import { startServer, type Running } from './server';

/** Twelve columns of six red dots each; behind it a line of its own, for text draws over an image. */
const sixel = `printf '\\033Pq#0;2;100;0;0#0!12~\\033\\\\\\n'`;

test('a server that does not allow images offers none', async ({ page }) => {
	await enter(page, 'alice');
	await page.getByRole('button', { name: 'Settings' }).click();
	await expect(page.getByRole('switch', { name: 'Blinking cursor' })).toBeVisible();
	await expect(page.getByRole('switch', { name: 'Images' })).toHaveCount(0);
});

test.describe('where they are allowed', () => {
	let server: Running;

	test.beforeAll(async () => {
		server = await startServer('--allow-images');
	});

	test.afterAll(async () => {
		await server.stop();
	});

	test('they are off at first; switched on, a sixel image is drawn in its colour', async ({ page }) => {
		const fetched: string[] = [];
		page.on('request', (request) => fetched.push(new URL(request.url()).pathname));
		const decoder = (): string | undefined => fetched.find((path) => path.includes('addon-image'));

		const term = await enter(page, 'alice', server.url);
		await term.run(sixel);
		await expect(term.pane.locator('.xterm-image-layer')).toHaveCount(0);
		expect(decoder()).toBeUndefined();

		await page.getByRole('button', { name: 'Settings' }).click();
		await page.getByRole('switch', { name: 'Images' }).check();
		await page.keyboard.press('Escape');
		await expect.poll(decoder).toBeDefined();
		const layer = term.pane.locator('canvas.xterm-image-layer');
		const drawn = async (): Promise<boolean> => {
			await term.run(sixel);
			if ((await layer.count()) === 0) return false;
			return layer.evaluate((canvas: HTMLCanvasElement) => {
				const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
				for (let i = 0; i < data.length; i += 4) {
					if (data[i] === 255 && data[i + 1] === 0 && data[i + 3] === 255) return true;
				}
				return false;
			});
		};
		await expect.poll(drawn).toBe(true);

		await page.getByRole('button', { name: 'Settings' }).click();
		await page.getByRole('switch', { name: 'Images' }).uncheck();
		await page.keyboard.press('Escape');
		await expect(layer).toHaveCount(0);
		expect(await term.run('echo fine')).toEqual(['fine']);
	});
});
