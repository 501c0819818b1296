// SPDX-License-Identifier: Apache-2.0
// Starts the real server with its demonstration accounts, in folders of its own: one for all tests of a run (MD_E2E_URL names
// one that already runs instead), and further ones for a test.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const startWithin = 30_000;

function freePort(): Promise<number> {
	return new Promise((done) => {
		const server = createServer();
		server.listen(0, '127.0.0.1', () => {
			const { port } = server.address() as { port: number };
			server.close(() => done(port));
		});
	});
}

async function answers(url: string): Promise<boolean> {
	try {
		return (await fetch(`${url}healthz`)).ok;
	} catch {
		return false;
	}
}

async function untilUp(url: string, server: ChildProcess, log: string): Promise<void> {
	const deadline = Date.now() + startWithin;
	while (!(await answers(url))) {
		if (server.exitCode !== null || Date.now() > deadline) {
			throw new Error(`mdockerd did not come up:\n${readFileSync(log, 'utf8')}`);
		}
		await new Promise((next) => setTimeout(next, 50));
	}
}

async function end(server: ChildProcess): Promise<void> {
	if (server.exitCode !== null) return;
	const ended = new Promise((done) => server.once('exit', done));
	server.kill('SIGTERM');
	const timer = setTimeout(() => server.kill('SIGKILL'), 10_000);
	await ended;
	clearTimeout(timer);
}

export interface Running {
	url: string;
	/** Its --root. */
	root: string;
	stop(): Promise<void>;
}

/** A server with options of its own beside those that all have. */
export async function startServer(...options: string[]): Promise<Running> {
	const build = resolve(process.env['MD_BUILD'] ?? fileURLToPath(new URL('../../build', import.meta.url)));
	const folder = mkdtempSync(join(tmpdir(), 'minidocker-e2e-'));
	const places = ['--root', join(folder, 'root'), '--state', join(folder, 'state')];
	const mdocker = (...args: string[]): void => {
		execFileSync(join(build, 'src/mdocker'), [...places, ...args], {
			stdio: ['ignore', 'ignore', 'inherit'],
		});
	};
	const url = `http://127.0.0.1:${await freePort()}/`;
	const log = join(folder, 'server.log');
	const out = openSync(log, 'a');

	mdocker('import', join(build, 'default-image.tar'), 'default');
	// Who has little: for the tests of what the page says when that is used up.
	mdocker('template', 'set', 'small', '--disk', '32m', '--pids-limit', '15');
	const server = spawn(
		join(build, 'src/mdockerd'),
		[
			...places,
			...['--demo', '--template', 'small=small', '--listen', new URL(url).host],
			...['--assets', join(build, 'web'), ...options],
		],
		{ stdio: ['ignore', out, out] },
	);

	async function stop(): Promise<void> {
		await end(server);
		mdocker('stop', '--all');
		rmSync(folder, { recursive: true, force: true });
	}

	try {
		await untilUp(url, server, log);
	} catch (error) {
		await stop();
		throw error;
	}
	return { url, root: join(folder, 'root'), stop };
}

export default async function setup(): Promise<(() => Promise<void>) | void> {
	if (process.env['MD_E2E_URL'] !== undefined) return;
	const { url, stop } = await startServer();
	process.env['MD_E2E_URL'] = url;
	return stop;
}
