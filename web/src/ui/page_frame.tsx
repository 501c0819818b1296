// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from 'preact';
import { BackIcon } from './icons';

interface Props {
	title: string;
	onBack: () => void;
	children: ComponentChildren;
	wide?: boolean;
}

/** A page that covers the terminals, which stay connected below it. */
export function PageFrame({ title, onBack, children, wide = false }: Props) {
	return (
		<div class="page">
			<div class={wide ? 'page-body wide' : 'page-body'}>
				<header>
					<button class="icon-button" aria-label="Back to the terminals" onClick={onBack}>
						<BackIcon />
					</button>
					<h1>{title}</h1>
				</header>
				{children}
			</div>
		</div>
	);
}
