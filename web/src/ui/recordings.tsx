// SPDX-License-Identifier: Apache-2.0
// The recordings of a person, and the replay of one.
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { formatBytes, formatPosition, plainTitle } from '../base/text';
import { downloadUrl, type Recording } from '../net/api';
import { recordingPlace, showPage, showRecordings } from '../store/app';
import { loadRecordings, recordings, recordMode, removeRecording } from '../store/recordings';
import { Dialog } from './dialog';
import { DownloadIcon, PlayIcon, TrashIcon } from './icons';
import { PageFrame } from './page_frame';
import { Replay } from './replay';

const removing = signal<Recording | null>(null);

function titleOf(r: Recording): string {
	return plainTitle(r.title) || `Terminal ${r.terminal}`;
}

function begun(r: Recording): string {
	return new Date(r.startedMs).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

function Row({ recording: r, of }: { recording: Recording; of: string | null }) {
	const title = titleOf(r);
	const what = `${title}, ${begun(r)}`;
	return (
		<li>
			<button
				class="play"
				aria-label={`Play ${what}`}
				title="Play"
				onClick={() => showRecordings(of, r.id)}
			>
				<PlayIcon />
			</button>
			<div class="what">
				<strong>{title}</strong>
				<span class="facts-line">
					<span>{begun(r)}</span>
					<span>{formatPosition(r.seconds)}</span>
					<span>{formatBytes(r.bytes)}</span>
					{r.live && <span class="badge off">being recorded</span>}
				</span>
			</div>
			<a
				class="icon-button"
				href={downloadUrl(r.id, of)}
				download={`${r.id}.cast`}
				aria-label={`Download ${what}`}
				title="Download (asciicast)"
			>
				<DownloadIcon />
			</a>
			<button
				class="icon-button"
				aria-label={`Remove ${what}`}
				title={r.live ? 'It is still being recorded' : 'Remove'}
				disabled={r.live || (of === null && recordMode.value === 'always')}
				onClick={() => (removing.value = r)}
			>
				<TrashIcon />
			</button>
		</li>
	);
}

const explained: Record<string, string> = {
	ask: 'A terminal is recorded when its user asks for it in the menu. What is shown is kept; keys that are not shown are not. The oldest go when there are too many.',
	always: 'Terminals are always recorded here. What is shown is kept; keys that are not shown are not. Only an administrator removes a recording.',
	never: 'Terminals are not recorded here.',
};

function Removal({ recording, of }: { recording: Recording; of: string | null }) {
	const close = (): void => void (removing.value = null);

	function remove(): void {
		close();
		void removeRecording(recording.id, of);
	}

	return (
		<Dialog
			title="Remove this recording?"
			onClose={close}
			footer={
				<>
					<button onClick={close}>Cancel</button>
					<button class="primary danger" autofocus onClick={remove}>
						Remove
					</button>
				</>
			}
		>
			<p>
				“{titleOf(recording)}” of {begun(recording)} is gone then for good.
			</p>
		</Dialog>
	);
}

function List({ of }: { of: string | null }) {
	useEffect(() => void loadRecordings(of), [of]);
	const list = recordings.value;
	const removed = removing.value;
	return (
		<PageFrame
			title={of === null ? 'Recordings' : `Recordings of ${of}`}
			onBack={() => showPage(of === null ? 'terminals' : 'users')}
		>
			{list !== null && <p class="quiet">{explained[recordMode.value]}</p>}
			{list === null && <p class="quiet">Looking…</p>}
			{list?.length === 0 && <p class="nothing">Nothing has been recorded yet.</p>}
			{list !== null && list.length > 0 && (
				<ul class="recordings">
					{list.map((r) => (
						<Row key={r.id} recording={r} of={of} />
					))}
				</ul>
			)}
			{removed !== null && <Removal recording={removed} of={of} />}
		</PageFrame>
	);
}

export function Recordings() {
	const { of, item } = recordingPlace.value;
	return item === null ? <List of={of} /> : <Replay key={item} id={item} of={of} />;
}
