# SPDX-License-Identifier: Apache-2.0
"""What a run of the conformance suites says, in Markdown: counts, and each failure of ours with its cause out of causes.txt."""
import fnmatch
import pathlib

OURS = "mdocker-runtime"
NOTHING = ("true", "false")
WORDS = ("passed", "failed", "skipped")
BEGIN, END = "<!-- begin of what tests/conformance/run wrote -->", "<!-- end of what tests/conformance/run wrote -->"


def read_causes(path):
    """[(pattern of "SUITE: TEST", cause)]; lines are "PATTERN # CAUSE"."""
    lines = (line.split("#", 1) for line in path.read_text().splitlines() if "#" in line and not line.startswith("#"))
    return [(pattern.strip(), cause.strip()) for pattern, cause in lines]


def cause_of(causes, test):
    return next((cause for pattern, cause in causes if fnmatch.fnmatchcase(test, pattern)), None)


def failures(results):
    """(test, it passes with another runtime) of each failure of ours."""
    for suite, by_runtime in results.items():
        others = [tests for runtime, tests in by_runtime.items() if runtime not in NOTHING + (OURS,)]
        for test, result in by_runtime.get(OURS, {}).items():
            if result == "failed":
                yield f"{suite}: {test}", any(tests.get(test) == "passed" for tests in others)


def unexplained(results, causes):
    return [test for test, _ in failures(results) if not cause_of(causes, test)]


def count(tests):
    numbers = [sum(result == word for result in tests.values()) for word in WORDS]
    return " / ".join(map(str, numbers if numbers[2] else numbers[:2]))


def counts_table(results, titles, versions):
    """One row a suite, one column a runtime. `versions`: {runtime: heading of its column}."""
    lines = ["| suite | what | " + " | ".join(versions.values()) + " | neither /bin/true nor /bin/false passes |",
             "|---|---|" + "---|" * (len(versions) + 1)]
    for suite, by_runtime in results.items():
        easy = {t for name in NOTHING for t, r in by_runtime.get(name, {}).items() if r == "passed"}
        every = next(iter(by_runtime.values()), {})
        hard = sum(t not in easy for t in every)
        cells = [count(by_runtime[r]) if r in by_runtime else "" for r in versions]
        lines.append(f"| {suite} | {titles[suite]} ({len(every)}) | " + " | ".join(cells) +
                     (f" | {hard} |" if any(name in by_runtime for name in NOTHING) else " | |"))
    return lines


def causes_table(tests, causes):
    """One row a cause."""
    by_cause = {}
    for test in tests:
        by_cause.setdefault(cause_of(causes, test) or "**unexplained**", []).append(test)
    lines = ["| test | cause |", "|---|---|"]
    return lines + [f"| {'<br>'.join(names)} | {cause} |" for cause, names in by_cause.items()]


def markdown(results, titles, versions, causes):
    lost = [test for test, elsewhere in failures(results) if elsewhere]
    common = [test for test, elsewhere in failures(results) if not elsewhere]
    lines = ["Passed / failed / skipped.", ""] + counts_table(results, titles, versions)
    lines += ["", "## What fails here and passes with crun or runc", ""]
    lines += causes_table(lost, causes) if lost else ["Nothing."]
    lines += ["", "## What fails here and with all others", ""]
    lines += causes_table(common, causes) if common else ["Nothing."]
    return "\n".join(lines) + "\n"


def write_into(path, text, begin=BEGIN, end=END):
    """Puts the text between the two marks of a document."""
    document = pathlib.Path(path).read_text()
    before, rest = document.split(begin)
    after = rest.split(end)[1]
    pathlib.Path(path).write_text(f"{before}{begin}\n{text}{end}{after}")
