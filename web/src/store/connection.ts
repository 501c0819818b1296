// SPDX-License-Identifier: Apache-2.0
// How a session reaches the server: as the person who is logged in, or by a link that somebody shared.
import { realClock } from '../base/clock';
import * as api from '../net/api';
import { ApiError } from '../net/api';
import { subprotocol } from '../net/codec';
import type { Diagnosis, SessionDeps, Socket } from '../net/session';

function openSocket(query: Record<string, string>): Socket {
	const url = api.serverUrl('ws');
	url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
	url.search = new URLSearchParams(query).toString();
	return new WebSocket(url, subprotocol) as unknown as Socket;
}

function newStream(): string {
	return String(crypto.getRandomValues(new BigUint64Array(1))[0]! | 1n);
}

export const byLogin: SessionDeps = {
	clock: realClock,
	newStream,
	open: openSocket,
	async diagnose(terminal: string | null): Promise<Diagnosis> {
		try {
			const list = await api.fetchTerminals();
			if (terminal === null || list.some((t) => t.id === terminal)) return 'reachable';
			return 'gone';
		} catch (error) {
			return error instanceof ApiError && error.status === 401 ? 'unauthorized' : 'retry';
		}
	},
};

/** An admin at a terminal of `user`: to look, or to type, too. */
export function byLook(user: string, control: boolean): SessionDeps {
	const more = control ? { user, control: '1' } : { user };
	return {
		clock: realClock,
		newStream,
		open: (query) => openSocket({ ...query, ...more }),
		async diagnose(terminal: string | null): Promise<Diagnosis> {
			try {
				const list = await api.fetchTerminals(user);
				return list.some((t) => t.id === terminal) ? 'retry' : 'gone';
			} catch (error) {
				const status = error instanceof ApiError ? error.status : 0;
				if (status === 404) return 'gone';
				return status === 401 || status === 403 ? 'unauthorized' : 'retry';
			}
		},
	};
}

/** The wall's pictures of a terminal. `visit` numbers the person's visit to the wall, which is one look at each user. */
export function byWall(user: string, visit: string): SessionDeps {
	return {
		...byLogin,
		open: (query) => openSocket({ ...query, user, wall: visit }),
		async diagnose(terminal: string | null): Promise<Diagnosis> {
			try {
				const { terminals } = await api.fetchWall();
				return terminals.some((t) => t.user === user && t.id === terminal) ? 'retry' : 'gone';
			} catch (error) {
				const status = error instanceof ApiError ? error.status : 0;
				return status === 401 || status === 403 ? 'unauthorized' : 'retry';
			}
		},
	};
}

export function byLink(link: string): SessionDeps {
	return {
		clock: realClock,
		newStream,
		open: (query) => openSocket({ ...query, link }),
		// A link has no session to ask about: a server that answers and refuses has no such link.
		diagnose: async () => ((await api.isUp()) ? 'unauthorized' : 'retry'),
	};
}
