// SPDX-License-Identifier: Apache-2.0
// The disk of the workspace: who comes back to one that is nearly full is told at once. What happens while this page is
// open the server tells by itself.
import { formatBytes } from '../base/text';
import { fetchWorkspace, type Usage } from '../net/api';
import { toast } from './toasts';

const warnFrom = 0.8;

/** What to say about a disk, if anything. */
export function diskWarning(disk: Usage | null): string | null {
	if (disk === null || disk.limit === null || disk.limit <= 0) return null;
	const part = disk.used / disk.limit;
	if (part < warnFrom) return null;
	const room = `${formatBytes(disk.used)} of ${formatBytes(disk.limit)}`;
	return part >= 0.995 ? `The disk is full: ${room}` : `The disk is ${Math.floor(part * 100)} % full: ${room}`;
}

let looked = false;

/** Once for each load of the page, when its first terminal is there. */
export async function warnOfFullDisk(): Promise<void> {
	if (looked) return;
	looked = true;
	try {
		const warning = diskWarning((await fetchWorkspace()).disk);
		if (warning !== null) toast(warning.includes('%') ? 'warning' : 'error', warning);
	} catch {
		looked = false; // the next terminal tries again
	}
}
