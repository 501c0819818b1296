// SPDX-License-Identifier: Apache-2.0
// Drawn on a 16x16 grid in the colour of the text around them.
import type { ComponentChildren } from 'preact';

function icon(children: ComponentChildren) {
	return () => (
		<svg
			class="icon"
			viewBox="0 0 16 16"
			width="16"
			height="16"
			fill="none"
			stroke="currentColor"
			stroke-width="1.5"
			stroke-linecap="round"
			stroke-linejoin="round"
			aria-hidden="true"
		>
			{children}
		</svg>
	);
}

export function Logo({ size }: { size: number }) {
	return <img class="logo" src="./icon.svg" width={size} height={size} alt="" />;
}

export const PlusIcon = icon(<path d="M8 3v10M3 8h10" />);
export const CloseIcon = icon(<path d="M4 4l8 8M12 4l-8 8" />);
export const SearchIcon = icon(
	<>
		<circle cx="7" cy="7" r="4.2" />
		<path d="M10.2 10.2L13.5 13.5" />
	</>,
);
export const SettingsIcon = icon(
	<>
		<path d="M2 4.5h5M11 4.5h3M2 11.5h3M9 11.5h5" />
		<circle cx="9" cy="4.5" r="1.9" />
		<circle cx="7" cy="11.5" r="1.9" />
	</>,
);
export const SplitIcon = icon(
	<>
		<rect x="2" y="3" width="12" height="10" rx="1.5" />
		<path d="M8 3v10" />
	</>,
);
export const UnsplitIcon = icon(<rect x="2" y="3" width="12" height="10" rx="1.5" />);
export const UserIcon = icon(
	<>
		<circle cx="8" cy="5.5" r="2.7" />
		<path d="M2.8 13.5c.6-2.7 2.7-4 5.2-4s4.6 1.3 5.2 4" />
	</>,
);
export const UpIcon = icon(<path d="M4 10l4-4 4 4" />);
export const DownIcon = icon(<path d="M4 6l4 4 4-4" />);
export const PasteIcon = icon(
	<>
		<rect x="3" y="3" width="10" height="11" rx="1.5" />
		<path d="M6 3V2h4v1M6 7.5h4M6 10.5h4" />
	</>,
);
export const EyeIcon = icon(
	<>
		<path d="M1.5 8s2.4-4 6.5-4 6.5 4 6.5 4-2.4 4-6.5 4-6.5-4-6.5-4z" />
		<circle cx="8" cy="8" r="1.8" />
	</>,
);
export const WallIcon = icon(
	<>
		<rect x="2" y="3" width="5" height="4" rx="1" />
		<rect x="9" y="3" width="5" height="4" rx="1" />
		<rect x="2" y="9.5" width="5" height="4" rx="1" />
		<rect x="9" y="9.5" width="5" height="4" rx="1" />
	</>,
);
export const BackIcon = icon(<path d="M9.5 3.5L5 8l4.5 4.5" />);
export const KeyboardIcon = icon(
	<>
		<rect x="1.5" y="4" width="13" height="8.5" rx="1.5" />
		<path d="M4 7h.01M6.7 7h.01M9.3 7h.01M12 7h.01M5 10h6" />
	</>,
);
export const PlayIcon = icon(<path d="M5 3.2v9.6L12.5 8z" fill="currentColor" />);
export const PauseIcon = icon(<path d="M5.5 3.5v9M10.5 3.5v9" stroke-width="2.4" />);
export const DownloadIcon = icon(<path d="M8 2.5v7.5M4.8 7L8 10.2 11.2 7M3 13.2h10" />);
export const TrashIcon = icon(<path d="M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5" />);
export const WarningIcon = icon(<path d="M8 2.5l6 10.5H2zM8 6.5v3M8 11.3v.01" />);
