// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config';

// Relative URLs (base './'), so that one build works under any base path of a proxy. Nothing is inlined, because
// the server's content security policy allows fonts and scripts from files of its own only.
export default defineConfig({
	base: './',
	esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
	build: {
		outDir: process.env['WEB_OUT'] ?? '../build/web',
		emptyOutDir: true,
		target: 'es2022',
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		chunkSizeWarningLimit: 900,
	},
	server: {
		proxy: {
			'/api': process.env['WEB_PROXY'] ?? 'http://127.0.0.1:8080',
			'/ws': { target: process.env['WEB_PROXY'] ?? 'http://127.0.0.1:8080', ws: true },
		},
	},
	test: { include: ['test/**/*.test.ts'], environment: 'node' },
});
