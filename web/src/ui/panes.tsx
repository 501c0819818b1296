// SPDX-License-Identifier: Apache-2.0
import type { CSSProperties } from 'preact';
import { listen, type Disposables } from '../base/disposable';
import { active, shown, split, splitRatio, tabs, type Tab } from '../store/tabs';
import { Pane } from './pane';
import { SplitHandle } from './split_handle';

/** The height that the on-screen keyboard leaves. */
export function followKeyboard(disposables: Disposables): void {
	const viewport = window.visualViewport;
	if (viewport === null) return;
	const update = (): void => {
		document.documentElement.style.setProperty('--height', `${viewport.height}px`);
		window.scrollTo(0, 0);
	};
	update();
	disposables.add(listen(viewport, 'resize', update));
}

/**
 * Where the pane at `index` of `count` stands, in parts of the whole. All four edges are named each time: of a shorthand
 * beside one of them nothing is left to hold that edge when it goes.
 */
function place(index: number, count: number): CSSProperties {
	const edges = { top: '0', right: '0', bottom: '0', left: '0' };
	if (count < 2) return edges;
	const at = `${splitRatio.value * 100}%`;
	const rest = `${(1 - splitRatio.value) * 100}%`;
	if (split.value === 'right') {
		return index === 0 ? { ...edges, right: rest } : { ...edges, left: at };
	}
	return index === 0 ? { ...edges, bottom: rest } : { ...edges, top: at };
}

export function Panes() {
	const visible = shown.value;
	// A tab that was never shown has no pane: its terminal is not even connected.
	const made = tabs.value.filter((t) => visible.includes(t) || t.state.value.phase !== 'closed');
	return (
		<div class={visible.length > 1 ? 'panes two' : 'panes'}>
			{made.map((tab: Tab) => {
				const index = visible.indexOf(tab);
				return (
					<Pane
						key={tab.key}
						tab={tab}
						visible={index >= 0}
						focused={active.value === tab}
						style={place(index, visible.length)}
					/>
				);
			})}
			{visible.length > 1 && <SplitHandle />}
		</div>
	);
}
