// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from '@playwright/test';

// One worker: the tests share the demo accounts, each of which has one workspace.
export default defineConfig({
	testDir: '.',
	testMatch: '*.spec.ts',
	outputDir: '../../build/test-results/e2e',
	globalSetup: './server.ts',
	workers: 1,
	fullyParallel: false,
	timeout: 40_000,
	expect: { timeout: 10_000 },
	forbidOnly: true,
	retries: 0,
	use: {
		viewport: { width: 1100, height: 700 },
		trace: 'off',
		screenshot: 'only-on-failure',
		launchOptions: {
			executablePath: process.env['MD_CHROMIUM'] ?? '/usr/bin/chromium',
			args: [
				'--no-sandbox',
				'--disable-background-networking',
				'--disable-component-update',
				'--disable-sync',
				'--no-first-run',
				'--disable-dev-shm-usage',
			],
		},
	},
});
