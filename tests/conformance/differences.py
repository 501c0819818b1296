# SPDX-License-Identifier: Apache-2.0
"""What two runtimes did differently, and which of it differences.txt explains.

A difference is a line "RUNTIME: VARIATION: OBSERVATION: OURS | THEIRS". differences.txt has a line "= WHAT | OURS | RUNC | CRUN" for each row of the
document's table, and below it patterns of such lines, in which only "*" is special.
"""
import collections
import re

OURS = "mdocker-runtime"


class Difference:
    def __init__(self, runtime, variation, key, ours, theirs):
        self.runtime, self.variation, self.key, self.ours, self.theirs = runtime, variation, key, ours, theirs
        empty = "''"
        self.line = f"{runtime}: {variation}: {key}: {ours or empty} | {theirs or empty}".replace("\n", "\\n")
        self.row = None


class Row:
    """A row of the table, with its patterns."""

    def __init__(self, cells):
        self.cells, self.patterns = cells, []


class Pattern:
    def __init__(self, text, row):
        """`sometimes`: it depends on a moment, so it may explain nothing."""
        self.sometimes, text = text.startswith("? "), text.removeprefix("? ")
        self.text, self.row, self.count = text, row, 0
        self.match = re.compile(".*".join(map(re.escape, text.split("*"))) + r"\Z").match

    def runtimes(self, names):
        """Those of `names` that it can be about."""
        front = self.text.partition(":")[0]
        return [n for n in names if re.fullmatch(".*".join(map(re.escape, front.split("*"))), n)]


def read_rows(path):
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("= "):
            rows.append(Row([cell.strip() for cell in line[2:].split(" | ")]))
        elif line.strip() and not line.startswith("#"):
            if not rows:
                raise SystemExit(f"{path}:{number}: a pattern before the first row")
            rows[-1].patterns.append(Pattern(line.strip(), rows[-1]))
    return rows


def compare(runtime, variation, ours, theirs):
    """The differences of two observations. Where one did what the other refused, all else follows from that."""
    keys = sorted(set(ours) | set(theirs))
    for first in ("create", "start", "exit", "state afterwards"):
        if ours.get(first) != theirs.get(first):
            keys = [first] + [key for key in keys if key.startswith("left:")]
            break
    for key in keys:
        a, b = ours.get(key, "nothing"), theirs.get(key, "nothing")
        if a != b and not key.startswith("_"):
            yield Difference(runtime, variation, key, a, b)


def find(variations, results, names):
    """All differences between ours and each of `names`; what the base shows is not told again of every variation of it."""
    base = variations[0]
    for name in names:
        known = set()
        for v in variations:
            if v not in results[OURS] or v not in results[name]:
                continue
            for d in compare(name, v, results[OURS][v], results[name][v]):
                told = (d.key, d.ours, d.theirs)
                if v == base:
                    known.add(told)
                elif told in known:
                    continue
                yield d


def explain(differences, rows):
    """Sets the row of each, and counts for the patterns."""
    patterns = [p for row in rows for p in row.patterns]
    for d in differences:
        for p in patterns:
            if p.match(d.line):
                p.count += 1
                d.row = d.row or p.row
                break
    return [d for d in differences if not d.row]


def stale(rows, names, known):
    """Patterns that explained nothing, if all runtimes took part that they are about."""
    return [p.text for row in rows for p in row.patterns
            if not p.count and not p.sometimes and set(p.runtimes(known)) <= set(names)]


def table(rows, differences):
    counts = collections.Counter(id(d.row) for d in differences)
    lines = ["| what | ours | runc | crun | differences |", "|---|---|---|---|---|"]
    return lines + [f"| {' | '.join(row.cells)} | {counts[id(row)]} |" for row in rows if counts[id(row)]]
