// SPDX-License-Identifier: Apache-2.0
import type { ITheme } from '@xterm/xterm';

const dark: ITheme = {
	background: '#0c0f15',
	foreground: '#d6dce8',
	cursor: '#5ce0b0',
	cursorAccent: '#0c0f15',
	selectionBackground: '#2c4a63',
	overviewRulerBorder: '#0c0f15',
	scrollbarSliderBackground: '#8993a640',
	scrollbarSliderHoverBackground: '#8993a680',
	scrollbarSliderActiveBackground: '#8993a6a0',
	black: '#1b212c',
	red: '#f2777a',
	green: '#7fd88f',
	yellow: '#e8c36a',
	blue: '#6cb0ff',
	magenta: '#c594f5',
	cyan: '#5fd3d3',
	white: '#c5cddb',
	brightBlack: '#657085',
	brightRed: '#ff9a9c',
	brightGreen: '#a3ecae',
	brightYellow: '#ffdc8c',
	brightBlue: '#9bcbff',
	brightMagenta: '#dcb8ff',
	brightCyan: '#8eeaea',
	brightWhite: '#f4f7fc',
};

const light: ITheme = {
	background: '#fbfcfe',
	foreground: '#232a36',
	cursor: '#0b7a58',
	cursorAccent: '#fbfcfe',
	selectionBackground: '#bfdcf5',
	overviewRulerBorder: '#fbfcfe',
	scrollbarSliderBackground: '#5c667640',
	scrollbarSliderHoverBackground: '#5c667680',
	scrollbarSliderActiveBackground: '#5c6676a0',
	black: '#232a36',
	red: '#c02a35',
	green: '#1f7a37',
	yellow: '#8a5f00',
	blue: '#1f5fc4',
	magenta: '#8637b8',
	cyan: '#0b7285',
	white: '#66707f',
	brightBlack: '#7b8595',
	brightRed: '#d7404a',
	brightGreen: '#2b9447',
	brightYellow: '#a47200',
	brightBlue: '#3576df',
	brightMagenta: '#9d4fd0',
	brightCyan: '#138aa0',
	brightWhite: '#3a4250',
};

export const terminalThemes: Record<'dark' | 'light', ITheme> = { dark, light };

export const fontFamily =
	"'JetBrains Mono', 'Cascadia Code', 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono', monospace";
