// SPDX-License-Identifier: Apache-2.0
// What the tests do with the page, in their own words.
import { expect, test as base, type Browser, type BrowserContextOptions, type Page } from '@playwright/test';

export interface Settings {
	renderer?: 'auto' | 'webgl' | 'dom';
	[name: string]: unknown;
}

/** The DOM renderer, so that the screen can be read as text. */
const readable: Settings = { renderer: 'dom', cursorBlink: false };

export function serverUrl(): string {
	return process.env['MD_E2E_URL']!;
}

export async function prepare(page: Page, settings: Settings = {}): Promise<void> {
	await page.addInitScript((text) => {
		if (localStorage.getItem('minidocker.settings') === null) {
			localStorage.setItem('minidocker.settings', text);
		}
	}, JSON.stringify({ ...readable, ...settings }));
}

export async function fillLogin(page: Page, user: string, password: string): Promise<void> {
	await page.getByLabel('User name').fill(user);
	await page.getByLabel('Password').fill(password);
	await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Opens the page, logs in, and waits for a prompt. */
export async function enter(page: Page, user: string, url = serverUrl()): Promise<Term> {
	await page.goto(url);
	await fillLogin(page, user, user === 'admin' ? 'admin' : 'password');
	const term = new Term(page);
	await term.live();
	return term;
}

/** The terminal that has the focus. */
export class Term {
	constructor(readonly page: Page) {}

	get pane() {
		return this.page.locator('.pane.focused');
	}

	async live(): Promise<void> {
		await expect(this.pane).toHaveAttribute('data-phase', 'live', { timeout: 20_000 });
		await expect(this.pane.locator('.xterm-rows')).toContainText(/[#$]/);
	}

	/** The lines on the screen, without the spaces at their ends. */
	async lines(): Promise<string[]> {
		const rows = await this.pane.locator('.xterm-rows > div').allTextContents();
		return rows.map((row) => row.replaceAll('\u00a0', ' ').trimEnd());
	}

	async shows(text: string | RegExp): Promise<void> {
		const matches = async (): Promise<boolean> =>
			(await this.lines()).some((line) =>
				typeof text === 'string' ? line === text : text.test(line),
			);
		await expect.poll(matches, { message: `a line ${text}` }).toBe(true);
	}

	async type(text: string): Promise<void> {
		await this.pane.locator('.xterm-helper-textarea').focus();
		await this.page.keyboard.type(text);
	}

	/** Runs a command; its output ends when `marker` shows. The marker is written so that the echo doesn't match. */
	async run(command: string): Promise<string[]> {
		const marker = `end${Math.random().toString(36).slice(2, 8)}`;
		await this.type(`clear; ${command}; echo ${marker.slice(0, 3)}''${marker.slice(3)}\n`);
		await this.shows(marker);
		const lines = await this.lines();
		const end = lines.indexOf(marker);
		const start = lines.findIndex((line) => line.includes(`''${marker.slice(3)}`));
		return lines.slice(start + 1, end);
	}

	/** The process that is this shell. */
	async pid(): Promise<string> {
		return (await this.run('echo $$')).at(-1)!;
	}

	/** Any terminals of earlier tests go, and one with a fresh shell stays. */
	async fresh(): Promise<void> {
		const close = this.page.locator('.tab-close');
		while ((await close.count()) > 1) {
			const before = await close.count();
			await close.last().click({ force: true });
			const sure = this.page.getByRole('button', { name: 'Close the terminal' });
			// An ended one goes without a question.
			const asked = async (): Promise<boolean> => (await sure.isVisible()) || (await close.count()) < before;
			await expect.poll(asked).toBe(true);
			if (await sure.isVisible()) await sure.click();
			await expect(close).toHaveCount(before - 1);
		}
		await this.live();
	}
}

export async function newPage(
	browser: Browser,
	options: BrowserContextOptions = {},
	settings: Settings = {},
): Promise<Page> {
	const context = await browser.newContext(options);
	const page = await context.newPage();
	await prepare(page, settings);
	return page;
}

/** A page that fails the test on any error of its own, and on anything that its security policy refuses. */
export const test = base.extend<{ page: Page }>({
	page: async ({ page }, use) => {
		const errors: string[] = [];
		page.on('pageerror', (error) => errors.push(error.message));
		page.on('console', (message) => {
			if (/Content Security Policy/.test(message.text())) errors.push(message.text());
		});
		await prepare(page);
		await use(page);
		expect(errors).toEqual([]);
	},
});

export { expect };
