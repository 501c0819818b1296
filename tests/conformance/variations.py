# SPDX-License-Identifier: Apache-2.0
"""The variations of config.json: for each field of the OCI runtime specification 1.2 for Linux, what it may hold and what it may not.

FIELDS is the table. A field is left out, null, of each wrong kind, empty, at and past its limits, and has each of its ordinary values;
COMBINATIONS are documents of their own, and TEXTS are documents that are no proper JSON.
"""
import copy
import json

BASE = {
    "ociVersion": "1.0.2",
    "process": {
        "user": {"uid": 0, "gid": 0},
        "args": ["/look", "word"],
        "env": ["PATH=/bin", "TERM=xterm"],
        "cwd": "/",
        "capabilities": {kind: ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"] for kind in ("bounding", "effective", "permitted")},
        "noNewPrivileges": True,
    },
    "root": {"path": "rootfs"},
    "hostname": "box",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
         "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
    ],
    "linux": {
        "cgroupsPath": "/@PARENT@/@ID@",
        "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "network", "cgroup")],
        "maskedPaths": ["/proc/kcore", "/sys/firmware"],
        "readonlyPaths": ["/proc/sys"],
    },
}
MISSING = object()
WRONG = {
    "text": [5, True, ["x"]],
    "number": ["5", True, 1.5, {}],
    "flag": ["true", 1, []],
    "list": ["x", 5, {}],
    "object": ["x", True, []],
}
EMPTY = {"text": "", "list": [], "object": {}}
LIMITS = {
    "u8": (0, 2**8 - 1), "u16": (0, 2**16 - 1), "u32": (0, 2**32 - 1), "i32": (-2**31, 2**31 - 1), "u64": (0, 2**64 - 1), "i64": (-2**63, 2**63 - 1)}


class Field:
    """`path`: "process.rlimits[0].soft"; `kind`: text, flag, list, object, or a number's (u32); `values`: ordinary ones; `within`: what stands
    where the field is, {path: value}, set first; `label`: tells it from another with this path; `probes`: what the process looks at;
    `kinds`: False for the ordinary values alone; `more`: how the container is made (owner, veth)."""

    def __init__(self, path, kind, *values, within=None, label="", probes=(), kinds=True, **more):
        self.path, self.kind, self.values, self.label = path, kind, values, label
        self.within, self.probes, self.kinds, self.more = within or {}, probes, kinds, more

    def document(self):
        d = copy.deepcopy(BASE)
        for path, value in self.within.items():
            put(d, path, value)
        return d

    def candidates(self):
        """(value, it is one of the wrong kinds)"""
        for value in self.values:
            yield value, False
        if not self.kinds:
            return
        yield MISSING, False
        yield None, False
        number = self.kind in LIMITS
        for value in WRONG["number" if number else self.kind]:
            yield value, True
        if number:
            low, high = LIMITS[self.kind]
            for value in sorted({low - 1, low, -1, 0, high, high + 1, 2**63, 2**64} - set(self.values)):
                yield value, not low <= value <= high
        elif self.kind == "flag":
            yield from ((True, False), (False, False))
        elif EMPTY[self.kind] not in self.values:
            yield EMPTY[self.kind], False


class Variation:
    """A document by name. `wrong`: of a kind that the specification doesn't have; `field`: which field's that is."""

    def __init__(self, name, text, field="", wrong=False, probes=(), **more):
        self.name, self.text, self.field, self.wrong = name, text, field, wrong
        self.probes, self.more = probes, more


def steps(path):
    """"a.b[0]" -> ["a", "b", 0]; a name that holds dots stands in quotes: a."b.c"."""
    found, rest = [], path
    while rest:
        if rest[0] == "[":
            number, _, rest = rest[1:].partition("]")
            found.append(int(number))
        elif rest[0] == '"':
            name, _, rest = rest[1:].partition('"')
            found.append(name)
        elif rest[0] == ".":
            rest = rest[1:]
        else:
            end = min(i for i in (rest.find("."), rest.find("["), len(rest)) if i >= 0)
            found.append(rest[:end])
            rest = rest[end:]
    return found


def put(document, path, value):
    *parents, last = steps(path)
    at = document
    for step in parents:
        at = at[step] if isinstance(step, int) else at.setdefault(step, {})
    if value is MISSING:
        if isinstance(at, dict):
            at.pop(last, None)
        else:
            del at[last]
    elif isinstance(last, int) and last == len(at):
        at.append(copy.deepcopy(value))
    else:
        at[last] = copy.deepcopy(value)  # a variation of it is no other one's


def short(value):
    if value is MISSING:
        return "missing"
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:40]}... ({len(text)})"


def of_field(field):
    names = set()
    for value, wrong in field.candidates():
        d = field.document()
        put(d, field.path, value)
        name = f"{field.path}{field.label and ' ' + field.label} = {short(value)}{' (wrong)' if wrong else ''}"
        if name not in names:
            names.add(name)
            yield Variation(name, json.dumps(d), field.path, wrong, field.probes, **field.more)


def of_combination(name, changes, probes=(), **more):
    d = copy.deepcopy(BASE)
    for path, value in changes.items():
        put(d, path, value)
    return Variation(name, json.dumps(d), probes=probes, **more)


def variations():
    """All of them, the unchanged document first; the same ones in the same order each time."""
    import documents
    found = [Variation("the base", json.dumps(BASE))]
    for field in documents.FIELDS:
        found += of_field(field)
    found += [of_combination(name, changes, **more) for name, changes, more in documents.combinations()]
    found += [Variation(f"text: {name}", text) for name, text in documents.texts()]
    seen = {}
    for v in found:
        assert seen.setdefault(v.name, v) is v, f"{v.name} twice"
    return found
