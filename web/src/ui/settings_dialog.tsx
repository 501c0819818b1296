// SPDX-License-Identifier: Apache-2.0
import { config } from '../store/app';
import { change, settings } from '../store/settings';
import { clampFont, maxFont, minFont, type Settings } from '../store/settings_model';
import { Dialog } from './dialog';

interface ChoiceProps<K extends keyof Settings> {
	name: K;
	label: string;
	options: readonly (readonly [Settings[K], string])[];
}

function Choice<K extends 'theme' | 'bell' | 'renderer' | 'keyBar'>(props: ChoiceProps<K>) {
	return (
		<label class="setting">
			<span>{props.label}</span>
			<select
				value={settings.value[props.name]}
				onChange={(e) =>
					change({ [props.name]: (e.currentTarget as HTMLSelectElement).value })
				}
			>
				{props.options.map(([value, text]) => (
					<option key={value} value={value}>
						{text}
					</option>
				))}
			</select>
		</label>
	);
}

type Switches = 'cursorBlink' | 'clipboardWrite' | 'warnMultiLine' | 'images' | 'screenReader';

function Switch({ name, label, hint }: { name: Switches; label: string; hint?: string }) {
	return (
		<label class="setting">
			<span>
				{label}
				{hint !== undefined && <small>{hint}</small>}
			</span>
			<input
				type="checkbox"
				role="switch"
				class="switch"
				checked={settings.value[name]}
				onChange={(e) => change({ [name]: e.currentTarget.checked })}
			/>
		</label>
	);
}

function FontSize() {
	const { fontSize } = settings.value;
	const step = (by: number): void => change({ fontSize: clampFont(fontSize + by) });
	return (
		<div class="setting">
			<span>Text size</span>
			<span class="stepper">
				<button aria-label="Smaller" disabled={fontSize <= minFont} onClick={() => step(-1)}>
					−
				</button>
				<output>{fontSize}</output>
				<button aria-label="Larger" disabled={fontSize >= maxFont} onClick={() => step(1)}>
					+
				</button>
			</span>
		</div>
	);
}

export function SettingsDialog({ onClose }: { onClose: () => void }) {
	return (
		<Dialog title="Settings" onClose={onClose}>
			<div class="settings">
				<Choice
					name="theme"
					label="Theme"
					options={[
						['dark', 'Dark'],
						['light', 'Light'],
						['system', 'As the system'],
					]}
				/>
				<FontSize />
				<Switch name="cursorBlink" label="Blinking cursor" />
				<Choice
					name="bell"
					label="Bell"
					options={[
						['visual', 'Visible'],
						['sound', 'Sound'],
						['off', 'Off'],
					]}
				/>
				<Switch
					name="clipboardWrite"
					label="Programs may set the clipboard"
					hint="They can never read it."
				/>
				<Switch name="warnMultiLine" label="Ask before pasting several lines" />
				{config.value.images && (
					<Switch
						name="images"
						label="Images in terminals (sixel)"
						hint="They are gone after a reload or a longer break."
					/>
				)}
				<Switch
					name="screenReader"
					label="Screen reader"
					hint="Output is read out; drawing is simpler."
				/>
				<Choice
					name="keyBar"
					label="Key bar"
					options={[
						['auto', 'On touch screens'],
						['on', 'Always'],
						['off', 'Never'],
					]}
				/>
				<Choice
					name="renderer"
					label="Drawing"
					options={[
						['auto', 'Graphics card if there is one'],
						['webgl', 'WebGL always'],
						['dom', 'Page elements'],
					]}
				/>
			</div>
		</Dialog>
	);
}
