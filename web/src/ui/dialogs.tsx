// SPDX-License-Identifier: Apache-2.0
import { useRef } from 'preact/hooks';
import { paste } from '../store/commands';
import { closeDialog, dialog, type DialogState } from '../store/dialogs';
import { active, closeTab } from '../store/tabs';
import { shortcuts } from '../term/keys';
import { openLink } from '../term/links';
import { Dialog } from './dialog';
import { PasswordDialog } from './password_dialog';
import { SettingsDialog } from './settings_dialog';
import { ShareDialog } from './share_dialog';
import { WorkspaceDialog } from './workspace_dialog';

function close(): void {
	// By hand and first: a dialog that closes gives the focus back to where it was, which must not come last.
	document.querySelector<HTMLDialogElement>('dialog[open]')?.close();
	closeDialog();
	active.value?.view?.focus();
}

type Of<K extends DialogState['kind']> = Extract<DialogState, { kind: K }>;

function PasteWarning({ tab, text, risk }: Of<'paste-warning'>) {
	function send(oneLine: boolean): void {
		close();
		tab.view?.paste(text, oneLine);
	}

	return (
		<Dialog
			title={risk.lines > 1 ? `Paste ${risk.lines} lines?` : 'Paste this?'}
			onClose={close}
			footer={
				<>
					<button onClick={close}>Cancel</button>
					{risk.lines > 1 && <button onClick={() => send(true)}>Paste as one line</button>}
					<button class="primary" autofocus onClick={() => send(false)}>
						Paste
					</button>
				</>
			}
		>
			{risk.lines > 1 && <p>The program in this terminal would take each line as if you had pressed enter.</p>}
			{risk.hidden > 0 && (
				<p>{risk.hidden} invisible control characters are in it; they are left out.</p>
			)}
			<pre class="preview">{text.slice(0, 5000)}</pre>
		</Dialog>
	);
}

function PasteBox({ tab }: Of<'paste-box'>) {
	const field = useRef<HTMLTextAreaElement>(null);

	function send(): void {
		const text = field.current?.value ?? '';
		close();
		paste(tab, text);
	}

	return (
		<Dialog
			title="Paste"
			onClose={close}
			footer={
				<>
					<button onClick={close}>Cancel</button>
					<button class="primary" onClick={send}>
						Send to the terminal
					</button>
				</>
			}
		>
			<p>Paste or write here, then send it.</p>
			<textarea ref={field} autofocus rows={8} aria-label="Text to paste" spellcheck={false} />
		</Dialog>
	);
}

function LinkDialog({ link }: Of<'link'>) {
	return (
		<Dialog
			title="Open this link?"
			onClose={close}
			footer={
				<>
					<button onClick={close}>Cancel</button>
					<button
						class="primary"
						autofocus
						onClick={() => {
							openLink(link);
							close();
						}}
					>
						Open in a new tab
					</button>
				</>
			}
		>
			<p>A program in the terminal wrote it. It leads to</p>
			<p class="origin">{link.origin}</p>
			<pre class="preview">{link.url}</pre>
		</Dialog>
	);
}

function CloseTerminal({ tab }: Of<'close-terminal'>) {
	return (
		<Dialog
			title="Close this terminal?"
			onClose={close}
			footer={
				<>
					<button onClick={close}>Cancel</button>
					<button
						class="primary danger"
						autofocus
						onClick={() => {
							close();
							void closeTab(tab);
						}}
					>
						Close the terminal
					</button>
				</>
			}
		>
			<p>
				The shell “{tab.label.value}” and what runs in it end. Closing only the browser’s tab would
				keep them running.
			</p>
		</Dialog>
	);
}

function Shortcuts() {
	return (
		<Dialog title="Keyboard shortcuts" onClose={close}>
			<table class="shortcuts">
				<tbody>
					{shortcuts.map((s) => (
						<tr key={s.command}>
							<td>{s.text}</td>
							<td>
								<kbd>ctrl</kbd> <kbd>shift</kbd> <kbd>{s.keys}</kbd>
							</td>
						</tr>
					))}
					<tr>
						<td>Paste</td>
						<td>
							<kbd>ctrl</kbd> <kbd>shift</kbd> <kbd>V</kbd>
						</td>
					</tr>
					<tr>
						<td>Terminal 1 to 9</td>
						<td>
							<kbd>ctrl</kbd> <kbd>shift</kbd> <kbd>1</kbd>…<kbd>9</kbd>
						</td>
					</tr>
				</tbody>
			</table>
		</Dialog>
	);
}

export function Dialogs() {
	const open = dialog.value;
	switch (open?.kind) {
		case undefined:
			return null;
		case 'settings':
			return <SettingsDialog onClose={close} />;
		case 'shortcuts':
			return <Shortcuts />;
		case 'workspace':
			return <WorkspaceDialog onClose={close} />;
		case 'password':
			return <PasswordDialog onClose={close} />;
		case 'share':
			return <ShareDialog tab={open.tab} onClose={close} />;
		case 'paste-box':
			return <PasteBox {...open} />;
		case 'paste-warning':
			return <PasteWarning {...open} />;
		case 'link':
			return <LinkDialog {...open} />;
		case 'close-terminal':
			return <CloseTerminal {...open} />;
	}
}
