// SPDX-License-Identifier: Apache-2.0
// A TCP relay on loopback between the browser and the server, to cut the network as a cable does: a browser's own "offline"
// leaves open WebSockets alone.
import { connect, createServer, type Server, type Socket } from 'node:net';

export class CutProxy {
	private server: Server;
	private sockets = new Set<Socket>();
	private pairs = new Set<{ client: Socket; upstream: Socket }>();
	private isCut = false;
	url = '';

	private constructor(private readonly target: URL) {
		this.server = createServer((client) => this.relay(client));
	}

	static async start(target: string): Promise<CutProxy> {
		const proxy = new CutProxy(new URL(target));
		await new Promise<void>((done) => proxy.server.listen(0, '127.0.0.1', done));
		const { port } = proxy.server.address() as { port: number };
		proxy.url = `http://127.0.0.1:${port}/`;
		return proxy;
	}

	/** Ends all connections and refuses new ones. */
	cut(): void {
		this.isCut = true;
		for (const socket of this.sockets) socket.destroy();
	}

	/** Nothing passes any more, and nobody is told: as when the cable is pulled. */
	freeze(): void {
		for (const socket of this.sockets) {
			socket.unpipe();
			socket.pause();
		}
	}

	/** The server hears the page, the page no longer the server. */
	deafen(): void {
		for (const { client, upstream } of this.pairs) {
			upstream.unpipe(client);
			upstream.pause();
		}
	}

	restore(): void {
		this.isCut = false;
	}

	async stop(): Promise<void> {
		this.cut();
		await new Promise((done) => this.server.close(done));
	}

	private relay(client: Socket): void {
		if (this.isCut) {
			client.destroy();
			return;
		}
		const upstream = connect(Number(this.target.port), this.target.hostname);
		const pair = { client, upstream };
		this.pairs.add(pair);
		client.on('close', () => this.pairs.delete(pair));
		for (const [one, other] of [
			[client, upstream],
			[upstream, client],
		] as const) {
			this.sockets.add(one);
			one.on('error', () => undefined);
			one.on('close', () => {
				this.sockets.delete(one);
				other.destroy();
			});
			one.pipe(other);
		}
	}
}
