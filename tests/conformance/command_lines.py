# SPDX-License-Identifier: Apache-2.0
"""The command lines: every command and option of runc, in all spellings, before and after the container's id, with good and bad values."""

ID, BUNDLE, FOLDER = "@ID@", "@BUNDLE@", "@FOLDER@"


class CommandLine:
    """`state`: what the container is before (none: there is none); `ends`: this ends its program, which is waited for."""

    def __init__(self, name, state, args, ends=False, stdin=""):
        self.name, self.state, self.args, self.ends, self.stdin = name, state, args, ends, stdin


def text_of(args):
    return " ".join(a if a and " " not in a else repr(a) for a in args)


class Command:
    """`state`: in which most of its lines are tried; `options`: {long name: (short one, good values, bad ones)}, values None for a flag;
    `rest`: what follows the id."""

    def __init__(self, name, state, options, rest=(), states=("none", "created", "running", "stopped", "paused"), needs=(), ends=False):
        self.name, self.state, self.options, self.rest = name, state, options, list(rest)
        self.states, self.needs, self.ends = states, list(needs), ends

    def line(self, *options, state=None, target=(ID,), after=(), ends=None):
        args = [self.name, *self.needs, *options, *target, *after, *self.rest]
        return args, state or self.state, self.ends and state in (None, self.state) if ends is None else ends

    def lines(self):
        for state in self.states:
            yield self.line(state=state)
        yield [self.name], self.state, False
        yield [self.name, *self.needs, ID, *self.rest, "more"], self.state, self.ends
        yield self.line(target=("none-such",), ends=False)
        yield self.line(target=("",), ends=False)
        yield self.line("--none-such", ends=False)
        yield self.line("-Z", ends=False)
        yield self.line("--")
        yield self.line("--help", ends=False)
        yield self.line("-h", ends=False)
        yield [self.name, "--help"], self.state, False
        kinds = set()
        for name, (letter, good, bad) in self.options.items():
            # The rarer spellings of one of each kind: it is one parser.
            kind = good is None, bool(letter)
            if good is None:
                yield from self.flag(name, letter, kind not in kinds)
            else:
                yield from self.option(name, letter, good, bad, kind not in kinds)
            kinds.add(kind)

    def flag(self, name, letter, all_spellings):
        yield self.line(f"--{name}")
        yield self.line(after=(f"--{name}",))
        if letter:
            yield self.line(f"-{letter}")
        if all_spellings:
            for spelling in (f"-{name}", f"--{name}=true", f"--{name}=false", f"--{name}=x", f"--{name}=", f"--{letter or name[0]}"):
                yield self.line(spelling)
            yield self.line(f"--{name}", f"--{name}")

    def option(self, name, letter, good, bad, all_spellings):
        first = good[0]
        for value in [*good, *bad, ""]:
            yield self.line(f"--{name}", value)
        yield self.line(f"--{name}={first}")
        yield self.line(after=(f"--{name}", first))
        if letter:
            yield self.line(f"-{letter}", first)
        if all_spellings:
            for spelling in ((f"-{name}", first), (f"-{name}={first}",), (f"--{name}", first, f"--{name}", good[-1]), (f"--{name[0]}", first)):
                yield self.line(*spelling)
            yield [self.name, ID, f"--{name}"], self.state, False
            if letter:
                yield self.line(f"-{letter}={first}")
                yield self.line(f"-{letter}{first}")


NUMBERS = ["x", "-1", "1.5", "99999999999999999999"]
CREATE = {
    "bundle": ("b", [BUNDLE], ["/proc/none/such", "relative"]),
    "console-socket": ("", [f"{FOLDER}/none"], []),
    "pid-file": ("", [f"{FOLDER}/pid"], ["/proc/none/such"]),
    "no-pivot": ("", None, None),
    "no-new-keyring": ("", None, None),
    "preserve-fds": ("", ["0"], NUMBERS),
}
COMMANDS = [
    Command("create", "none", {k: v for k, v in CREATE.items() if k != "bundle"}, needs=("--bundle", BUNDLE)),
    Command("run", "none", {k: v for k, v in CREATE.items() if k != "bundle"} | {
        "detach": ("d", None, None), "keep": ("", None, None), "no-subreaper": ("", None, None)}, needs=("--bundle", BUNDLE)),
    Command("start", "created", {}),
    Command("state", "running", {}),
    Command("kill", "running", {"all": ("a", None, None)}, rest=["TERM"], ends=True),
    Command("delete", "stopped", {"force": ("f", None, None)}),
    Command("pause", "running", {}),
    Command("resume", "paused", {}),
    Command("ps", "running", {"format": ("f", ["json", "table"], ["xml"])}),
    Command("list", "running", {"format": ("f", ["json", "table"], ["xml"]), "quiet": ("q", None, None)}),
    Command("events", "running", {"interval": ("", ["1s", "1h1m", "100ms"], ["x", "0", "-1s", "5", "0s"])}, needs=("--stats",)),
    Command("exec", "running", {
        "cwd": ("", ["/tmp"], ["/none", "tmp"]),
        "env": ("e", ["A=1", "A=1=2", "PATH=/none"], ["A", "=x"]),
        "tty": ("t", None, None),
        "user": ("u", ["1000", "1000:1001", "0:5"], ["user", "x:y", "-1", ":", "5:", ":5", "+5", "8589934592", "4294967295"]),
        "additional-gids": ("g", ["5"], ["x", "-1"]),
        "process": ("p", [f"{FOLDER}/process.json"], ["/proc/none/such", BUNDLE]),
        "detach": ("d", None, None),
        "pid-file": ("", [f"{FOLDER}/pid"], []),  # of one that can't be written it depends on a moment what the process says before its end
        "process-label": ("", ["system_u:system_r:container_t:s0"], []),
        "apparmor": ("", ["none-such"], []),
        "no-new-privs": ("", None, None),
        "cap": ("c", ["CAP_SYS_ADMIN", "CAP_KILL"], ["CAP_NONE", "SYS_ADMIN"]),
        "preserve-fds": ("", ["0"], NUMBERS),
        "cgroup": ("", ["/"], ["none-such", "../x", "memory:none"]),
        "ignore-paused": ("", None, None),
        "console-socket": ("", [f"{FOLDER}/none"], []),
    }, rest=["/look", "word"]),
    Command("update", "running", {
        "resources": ("r", [f"{FOLDER}/resources.json"], ["/proc/none/such"]),
        "memory": ("", ["67108864", "64m", "-1"], ["x", "-2", "1.5g"]),
        "memory-reservation": ("", ["33554432"], ["x"]),
        "memory-swap": ("", ["-1"], ["x"]),
        "kernel-memory": ("", ["33554432"], ["x"]),
        "kernel-memory-tcp": ("", ["33554432"], ["x"]),
        "cpu-period": ("", ["50000"], ["x", "-1", "5"]),
        "cpu-quota": ("", ["20000", "-1"], ["x", "5"]),
        "cpu-share": ("", ["512"], ["x", "-1"]),
        "cpu-rt-period": ("", ["1000000"], ["x"]),
        "cpu-rt-runtime": ("", ["0"], ["x"]),
        "cpuset-cpus": ("", ["0"], ["x", "99"]),
        "cpuset-mems": ("", ["0"], ["x", "99"]),
        "pids-limit": ("", ["100", "-1", "0"], ["x"]),
        "blkio-weight": ("", ["500"], ["x", "5"]),
        "l3-cache-schema": ("", ["L3:0=f"], []),
        "mem-bw-schema": ("", ["MB:0=50"], []),
    }),
    Command("spec", "none", {}, states=()),
    Command("features", "none", {}, states=()),
]
SIGNALS = ["0", "1", "HUP", "SIGHUP", "hup", "sighup", "15", "9", "KILL", "SIGKILL", "2", "64", "34", "RTMIN", "SIGRTMIN", "SIGRTMIN+3", "RTMIN+3", "RTMAX",
           "RTMAX-1", "POLL", "SIGPOLL", "IO", "CLD", "CHLD", "STKFLT", "SYS", "UNUSED", "PWR", "WINCH", "USR1", "09", ""]
NO_SIGNALS = ["65", "99", "-1", "x", "SIG", "SIGNONE", "1.5", " 9", "9 ", "0x9", "RTMIN+31", "SIGSIGHUP"]
IDS = ["", ".", "..", "a/b", "/a", "a b", "-x", "a+b", "a.b", "a_b", "A-1", "\u00e9", "x" * 200, "x" * 2000, "a\nb", "@x", "a:b", "1"]


def global_lines():
    state = ["state", ID]
    for args in ([], ["--version"], ["-v"], ["-version"], ["version"], ["--help"], ["-h"], ["help"], ["help", "state"], ["h"], ["none-such"],
                 ["--none-such"], ["--none-such", *state], ["-Z", *state], ["--debug", *state], ["-debug", *state], ["--debug=true", *state],
                 ["--debug=x", *state], ["--log-format", "text", *state], ["--log-format=json", *state], ["--log-format", "xml", *state],
                 ["--log-format", "", *state], ["--log-format"], ["--log", "/proc/none/such/log", *state], ["--log", "", *state],
                 ["--log=@FOLDER@/log2", *state], ["--root", "/proc/none/such", *state], ["--root", "", *state], ["--root"], ["--criu", "x", *state],
                 ["--rootless", "true", *state], ["--rootless=auto", *state], ["--rootless", "false", *state], ["--rootless", "x", *state],
                 ["--rootless", "1", *state], ["--", *state], ["state", "--debug", ID], ["state", ID, "--debug"], ["", ID], ["STATE", ID]):
        yield args, "running", False


def separate_lines():
    """What doesn't come out of the tables."""
    for text in SIGNALS:
        yield ["kill", ID, text], "running", text != "0"
    for text in NO_SIGNALS:
        yield ["kill", ID, text], "running", False
    for state in ("none", "created", "stopped", "paused"):
        yield ["kill", ID, "KILL"], state, state in ("created", "paused")
        yield ["kill", "--all", ID, "KILL"], state, state in ("created", "paused")
        yield ["delete", "--force", ID], state, state in ("created", "paused")
    yield ["delete", "--force", ID], "running", True
    yield ["kill", ID], "running", True
    for name in IDS:
        yield ["create", "--bundle", BUNDLE, name], "none", False
        yield ["state", name], "none", False
    for args in (["--bundle", BUNDLE], [f"--bundle={BUNDLE}"], ["-b", BUNDLE], [f"-b={BUNDLE}"], [f"-b{BUNDLE}"], ["-bundle", BUNDLE], ["--b", BUNDLE],
                 ["--bundle", "/proc/none/such"], ["--bundle", ""], ["--bundle", f"{BUNDLE}/rootfs"], ["--bundle", f"{BUNDLE}/config.json"], []):
        yield ["create", *args, ID], "none", False
        yield ["run", *args, ID], "none", False
    yield ["create", ID, "--bundle", BUNDLE], "none", False
    yield ["run", ID, "--bundle", BUNDLE], "none", False
    yield ["create", "--bundle", BUNDLE, ID], "running", False
    for args in ([], ["--bundle", f"{FOLDER}/new"], ["-b", f"{FOLDER}/new"], [f"--bundle={FOLDER}/new"], ["--bundle", BUNDLE], ["--bundle", "/proc/none/such"],
                 ["--rootless", "--bundle", f"{FOLDER}/new"], ["--rootless=false", "--bundle", f"{FOLDER}/new"], ["x"]):
        yield ["spec", *args], "none", False
    for args in (["/look"], ["look"], ["/none"], ["/tmp"], ["/file"], [], ["--", "/look", "--help"], ["/look", "--cwd", "/tmp"], [""]):
        yield ["exec", ID, *args], "running", False
        yield ["exec", "--detach", ID, *args], "running", False
    for args in (["-e", "A=1", "-e", "B=2"], ["-e", "A=1", "-e", "A=2"], ["-eA=1"], ["-g", "5", "-g", "6"], ["-c", "CAP_KILL", "-c", "CAP_CHOWN"], ["-dt"],
                 ["-d", "-t"], ["-u", "1000", "-c", "CAP_CHOWN"], ["--no-new-privs", "-u", "1000"]):
        yield ["exec", *args, ID, "/look"], "running", False
    for state in ("created", "stopped", "paused"):
        yield ["exec", "--ignore-paused", "--detach", ID, "/look"], state, False
    for args in (["-o", "pid"], ["aux"], ["-Z"], ["--none"], ["-f"]):
        yield ["ps", ID, *args], "running", False
        yield ["ps", "--format", "json", ID, *args], "running", False
    for state in ("none", "created", "stopped", "paused"):
        yield ["list", "--format", "json"], state, False
        yield ["list", "--quiet"], state, False
    for args in ([], ["--format", "json"], ["-q"], ["--format=table"]):
        yield ["list", *args], "running", False
    yield ["update", "--memory", "64m", "--cpu-share", "512", "--pids-limit", "50", ID], "running", False
    yield ["update", "--cpu-period", "50000", "--cpu-quota", "20000", ID], "running", False
    yield ["update", "--memory", "64m", ID], "created", False
    yield ["update", "--memory", "64m", ID], "paused", False


def command_lines():
    """All of them, in the same order each time."""
    found = {}
    every = list(global_lines())
    for command in COMMANDS:
        every += command.lines()
    for args, state, ends in every + list(separate_lines()):
        name = f"$ {text_of(args)} ({state})"
        found.setdefault(name if len(name) < 150 else f"{name[:100]}... ({len(name)})", CommandLine(name, state, args, ends))
    return [CommandLine(name, c.state, c.args, c.ends) for name, c in found.items()]
