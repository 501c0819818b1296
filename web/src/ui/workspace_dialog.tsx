// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from 'preact/hooks';
import { formatBytes, formatDuration } from '../base/text';
import * as api from '../net/api';
import type { Usage, WorkspaceInfo } from '../net/api';
import { attempt, toast } from '../store/toasts';
import { refresh } from '../store/tabs';
import { Dialog } from './dialog';

const lookEvery = 2000;

interface MeterProps {
	label: string;
	usage: Usage | null;
	show: (n: number) => string;
}

function Meter({ label, usage, show }: MeterProps) {
	if (usage === null) return null;
	const { used, limit } = usage;
	const part = limit === null ? 0 : Math.min(1, used / limit);
	const level = part >= 0.95 ? 'full' : part >= 0.8 ? 'high' : 'fine';
	return (
		<div class={`meter ${level}`}>
			<span>{label}</span>
			<span>
				{show(used)}
				{limit !== null && ` of ${show(limit)}`}
			</span>
			<div
				class="meter-bar"
				role="meter"
				aria-label={label}
				aria-valuenow={used}
				aria-valuemin={0}
				aria-valuemax={limit ?? used}
			>
				<div style={{ width: `${part * 100}%` }} />
			</div>
		</div>
	);
}

function useWorkspaceInfo(): WorkspaceInfo | null {
	const [info, setInfo] = useState<WorkspaceInfo | null>(null);

	useEffect(() => {
		const look = (): void => {
			if (document.visibilityState === 'hidden') return;
			api.fetchWorkspace().then(setInfo, () => undefined);
		};
		look();
		const timer = setInterval(look, lookEvery);
		return () => clearInterval(timer);
	}, []);

	return info;
}

function Facts({ info }: { info: WorkspaceInfo }) {
	const facts: [string, string][] = [
		['Name', info.name],
		['State', info.state],
		['Image', info.image],
	];
	if (info.startedMs !== null) {
		facts.push(['Running for', formatDuration((Date.now() - info.startedMs) / 1000)]);
	}
	if (info.cpus !== null) facts.push(['Processors', String(info.cpus)]);
	return (
		<dl class="facts">
			{facts
				.filter(([, value]) => value !== '')
				.map(([name, value]) => (
					<div key={name}>
						<dt>{name}</dt>
						<dd>{value}</dd>
					</div>
				))}
		</dl>
	);
}

type Step = 'stop' | 'restart';
const steps: Record<Step, { ask: string; label: string; done: string; run: () => Promise<void> }> = {
	stop: {
		ask: 'All programs in the workspace end. Files stay.',
		label: 'Stop',
		done: 'The workspace was stopped.',
		run: api.stopWorkspace,
	},
	restart: {
		ask: 'All programs in the workspace end, and it starts anew. Files stay.',
		label: 'Restart',
		done: 'The workspace was restarted.',
		run: api.restartWorkspace,
	},
};

export function WorkspaceDialog({ onClose }: { onClose: () => void }) {
	const info = useWorkspaceInfo();
	const [asked, setAsked] = useState<Step | null>(null);

	function confirm(step: Step): void {
		onClose();
		void attempt('The workspace', async () => {
			await steps[step].run();
			toast('info', steps[step].done);
			await refresh();
		});
	}

	return (
		<Dialog
			title="Workspace"
			onClose={onClose}
			footer={
				asked === null ? (
					<>
						<button onClick={() => setAsked('stop')}>Stop…</button>
						<button onClick={() => setAsked('restart')}>Restart…</button>
						<button class="primary" autofocus onClick={onClose}>
							Close
						</button>
					</>
				) : (
					<>
						<p class="ask">{steps[asked].ask}</p>
						<button onClick={() => setAsked(null)}>Cancel</button>
						<button class="primary danger" onClick={() => confirm(asked)}>
							{steps[asked].label}
						</button>
					</>
				)
			}
		>
			{info === null ? (
				<p class="quiet">Looking…</p>
			) : (
				<>
					<Facts info={info} />
					<Meter label="Memory" usage={info.memory} show={formatBytes} />
					<Meter label="Processes" usage={info.pids} show={String} />
					<Meter label="Disk" usage={info.disk} show={formatBytes} />
				</>
			)}
		</Dialog>
	);
}
