# SPDX-License-Identifier: Apache-2.0
"""What the documents name is there: files, folders, links, tests, what `make` makes; and the map leaves no folder out."""

import fnmatch
import os
import pathlib
import re

import pytest

from harness import program
from harness.process import run

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")])
# Whole paths; those that begin in src/, as in `engine/start.c`; and file names alone, as in `warden.c` or `test_limits.py`.
TOP = r"(?:src|tests|docs|packaging|bench|web)/"
PATH = re.compile(rf"(?<![\w./@-]){TOP}[\w./*{{}},-]*\w[*/]?|(?<![\w./*-])(?:[\w*-]+/)?[\w*{{}},-]+\.(?:c|h|py|ts|tsx|sh)\b(?!/)")
NOT_OURS = {".git", "node_modules", "__pycache__", "test-results", ".pytest_cache", "playwright-report"}
LINK = re.compile(r"\]\(([^)#:]+)[^):]*\)")


def spellings(name):
    """cgroup{,_v1}.c: cgroup.c and cgroup_v1.c."""
    braces = re.search(r"\{([^{}]*)\}", name)
    if not braces:
        return [name]
    return [s for word in braces[1].split(",") for s in spellings(name[:braces.start()] + word + name[braces.end():])]


@pytest.fixture(scope="module")
def names():
    """Each file and folder by every end of its path: src/engine/start.c, engine/start.c, start.c."""
    found = set()
    for above, folders, files in os.walk(REPOSITORY):
        folders[:] = [f for f in folders if f not in NOT_OURS and not (above == str(REPOSITORY) and f.startswith("build"))]
        for name in folders + files:
            parts = pathlib.Path(above, name).relative_to(REPOSITORY).parts
            found |= {"/".join(parts[i:]) for i in range(len(parts))}
    return found


def exists(name, names):
    name = name.rstrip("/")
    return bool(fnmatch.filter(names, name) if "*" in name else name in names)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_each_path_in_a_document_exists(document, names):
    text = document.read_text()
    missing = {m[0] for m in PATH.finditer(text) if not all(exists(s, names) for s in spellings(m[0]))}
    assert not missing
    assert not [link for link in LINK.findall(text) if not (document.parent / link).exists()]


def test_the_map_names_each_folder_of_the_source():
    text = (REPOSITORY / "docs/ARCHITECTURE.md").read_text()
    folders = [p.name for p in (REPOSITORY / "src").iterdir() if p.is_dir()]
    assert not [f for f in folders if f"| `src/{f}` |" not in text]
    assert not [p.name for p in (REPOSITORY / "tests").iterdir() if p.is_dir() and p.name not in NOT_OURS and f"`{p.name}/`" not in text]
    assert not [p.name for p in (REPOSITORY / "web/src").iterdir() if p.is_dir() and f"`src/{p.name}`" not in text]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_each_target_of_make_in_a_document_exists(document):
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|sudo )make ([a-z-]+)", document.read_text())) <= targets


def helps(name):
    """What each command of a program says of itself."""
    own = run([program(name), "--help"]).ok().out
    listed = own.split("Commands:\n")[1].split("\n\n")[0] if "Commands:" in own else ""
    return [own, *(run([program(name), line.split()[0], "--help"]).ok().out for line in listed.splitlines())]


@pytest.mark.parametrize("name", ["mdocker", "mdocker-runtime", "mdockerd"])
def test_what_options_do_stands_in_one_column(name):
    rows = [line for text in helps(name) for line in text.splitlines() if re.match(r" +(-\w, +)?--\w", line)]
    assert len(rows) > 15
    assert [r for r in rows if not re.match(r".{32} \S", r)] == []
