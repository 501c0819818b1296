// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseCast, shortenPauses } from '../src/play/cast';

const head = '{"version":2,"width":80,"height":24,"title":"build"}';

describe('parseCast', () => {
	it('reads head, output and sizes', () => {
		const cast = parseCast(`${head}\n[0.5,"o","a\\r\\n"]\n[2,"r","100x30"]\n[3.25,"m","mark"]\n`)!;
		expect(cast.size).toEqual({ rows: 24, cols: 80 });
		expect(cast.title).toBe('build');
		expect(cast.events).toEqual([
			{ time: 0.5, text: 'a\r\n', size: null },
			{ time: 2, text: null, size: { rows: 30, cols: 100 } },
		]);
		expect(cast.duration).toBe(2);
	});

	it('leaves out what it can not read, and a torn end', () => {
		const lines = [head, 'x', '[1]', '[1,"o",2]', '["1","o","x"]', '[1,"r","0xx"]', '[1,"o","kept"]', '[2,"o","to'];
		expect(parseCast(lines.join('\n'))!.events).toEqual([{ time: 1, text: 'kept', size: null }]);
	});

	it('never lets time go back', () => {
		const cast = parseCast(`${head}\n[5,"o","a"]\n[1,"o","b"]\n[-3,"o","c"]`)!;
		expect(cast.events.map((e) => e.time)).toEqual([5, 5, 5]);
	});

	it.each(['', '[]', 'null', '{"version":1}', 'no json', '<html>'])('refuses %j', (text) => {
		expect(parseCast(text)).toBeNull();
	});

	it('brings sizes that make no sense inside', () => {
		const cast = parseCast('{"version":2,"width":1e9,"height":-4}\n[0,"r","99999x99999"]')!;
		expect(cast.size).toEqual({ rows: 24, cols: 80 });
		expect(cast.events[0]!.size).toEqual({ rows: 24, cols: 80 });
	});
});

it('shortenPauses cuts each pause and keeps the rest', () => {
	const cast = parseCast(`${head}\n[1,"o","a"]\n[100,"o","b"]\n[101.5,"o","c"]`)!;
	expect(shortenPauses(cast, 2)).toEqual([1, 3, 4.5]);
});
