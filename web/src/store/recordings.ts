// SPDX-License-Identifier: Apache-2.0
// The list of recordings: one's own, or, for an admin, somebody else's.
import { signal } from '@preact/signals';
import * as api from '../net/api';
import type { Recording, RecordMode } from '../net/api';
import { attempt, toast } from './toasts';

export const recordings = signal<Recording[] | null>(null);
export const recordMode = signal<RecordMode>('ask');
let shownOf: string | null = null;

/** `of`: somebody else, or null. */
export function loadRecordings(of: string | null): Promise<boolean> {
	if (of !== shownOf) recordings.value = null;
	shownOf = of;
	return attempt('The recordings', async () => {
		const found = await api.fetchRecordings(of);
		if (of !== shownOf) return;
		recordMode.value = found.mode;
		recordings.value = found.list;
	});
}

export async function removeRecording(id: string, of: string | null): Promise<void> {
	const worked = await attempt('Removing the recording', () => api.removeRecording(id, of));
	if (worked) toast('info', 'The recording was removed.');
	await loadRecordings(of);
}
