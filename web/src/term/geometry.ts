// SPDX-License-Identifier: Apache-2.0
// How many cells fit, and how a terminal of another client's size is shown. Pure.
import type { Size } from '../net/codec';

export interface Box {
	width: number;
	height: number;
}

/** The smallest terminal the page asks for, however small its window: programs break below it. */
export const least: Size = { rows: 2, cols: 10 };

/** The greatest that the server gives a terminal. */
export const most: Size = { rows: 512, cols: 1024 };

export const smallestFont = 5;

/** Cells of size `cell` that fit into `room`; null when the room isn't shown (a hidden tab has none). */
export function fit(room: Box, cell: Box): Size | null {
	if (room.width <= 0 || room.height <= 0 || cell.width <= 0 || cell.height <= 0) return null;
	return {
		rows: Math.min(most.rows, Math.max(least.rows, Math.floor(room.height / cell.height))),
		cols: Math.min(most.cols, Math.max(least.cols, Math.floor(room.width / cell.width))),
	};
}

/** The font size at which `size` cells go into `room`: `font`, where a cell is `cell`, or smaller; never larger. */
export function shrink(size: Size, room: Box, cell: Box, font: number): number {
	const wide = room.width / (size.cols * cell.width);
	const high = room.height / (size.rows * cell.height);
	const ratio = Math.min(1, wide, high);
	return ratio >= 1 ? font : Math.max(smallestFont, Math.floor(font * ratio * 4) / 4);
}
