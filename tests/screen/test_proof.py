# SPDX-License-Identifier: Apache-2.0
"""A client that was cut off at any byte and came back with a snapshot equals one that never left, cell by cell: screen, scrollback,
modes, cursor, title and colours, both held in xterm.js. Its rules and what it can't show are in docs/decisions/terminal-state.md."""

import os
import subprocess
import sys

import pytest

from proof import Recording, prove

CUTS = 12

COLORS = r"""
for i in range(256): print(f"\033[48;5;{i}m {i:3} \033[0m", end="\n" if i % 16 == 15 else "")
for i in range(0, 256, 4): print(f"\033[38;2;{i};{255 - i};{i // 2}m#\033[48;2;0;{i};80m.", end="")
print("\033[0m")
for i in range(110): print(f"\033[{i}m{i:3}\033[0m ", end="\n" if i % 10 == 9 else "")
for i in range(6): print(f"\033[4:{i};58;5;{i + 1}munderline {i}\033[0m \033[53moverline\033[0m")
print("\033]4;1;rgb:ff/80/00\033\\\033]11;#102030\a\033]12;rgb:a/b/c\a\033]2;colours\a", end="")
print("\033]8;;https://example.org/\033\\a link\033]8;;\033\\", flush=True)
"""

WIDE = r"""
for n in range(40):
    print("\033[3%dm漢字かな交じり文 한국어 " % (n % 8) + "e\u0301a\u0308o\u0302 " * (n % 5) + "🙂👍🏽👩\u200d💻🇩🇪 ｆｕｌｌ" + "x" * n + "表" * (n % 7))
print("\033[5;10H漢\033[5;11Hx\033[6;3H字\033[6;4H\033[K\033[7;5H\033[2P\033[8;4H\033[3@\033[20;1H", end="", flush=True)
"""


def test_random_streams_first_half():
    prove("random", 1, 350, 2)


def test_random_streams_second_half():
    prove("random", 10001, 350, 2)


def test_the_width_of_every_code_point():
    prove("widths")


def test_vim(tmp_path):
    text = tmp_path / "text.c"
    text.write_text("".join(f"static int number_{n}(void) {{ return {n}; }} /* \u6f22\u5b57 {n} */\n" for n in range(200)))
    with Recording(["vim", "-u", "NONE", "-c", "set nocp nu hls wrap | syntax on", text]) as t:
        t.expect("number_3")
        t.send("GO new line \u00e9\u6f22\x1b:split\r/return\rn")
        t.expect("return")
        t.resize(30, 100)
        t.send(":vsplit\r")
        t.expect("number")
        t.resize(20, 61)
        t.send("\x06\x06\x02:echo 'now'\r")
        t.expect("now")
        t.send(":qa!\r")
        t.wait()
    t.prove(tmp_path, CUTS)


def test_less(tmp_path):
    text = tmp_path / "text"
    text.write_text("".join(f"{n} {'long line ' * (n % 15)}\u6f22\u5b57 \033[3{n % 8}mcoloured\033[m\n" for n in range(300)))
    with Recording(["less", "-R", text]) as t:
        t.expect("coloured")
        t.send("   /7 long\r")
        t.expect("7")
        t.resize(15, 50)
        t.send("bbnGq")
        t.wait()
    t.prove(tmp_path, CUTS)


@pytest.mark.parametrize("program", ["htop", "top"])
def test_a_monitor_of_processes(tmp_path, program):
    with Recording([program, "-d", "2"] if program == "htop" else [program, "-d", "0.3"]) as t:
        t.expect("PID")
        t.expect("%")
        t.resize(18, 70)
        t.expect("PID")
        t.resize(40, 120)
        t.expect("PID")
        t.send("q")
        t.wait()
    t.prove(tmp_path, CUTS)


def test_tmux(tmp_path):
    with Recording(["tmux", "-L", "proof", "-f", "/dev/null", "new-session", "/bin/sh"],
                   env={"TMUX_TMPDIR": str(tmp_path)}) as t:
        t.expect(r"\$ |# ")
        t.line("seq 60; printf '\\033[31m\u6f22\u5b57\\033[m\\n'; echo do''ne")
        t.expect("done")
        t.send("\x02%")
        t.expect(r"\$ |# ")
        t.resize(30, 100)
        t.line("echo a''gain")
        t.expect("again")
        t.send('\x02"')
        t.resize(20, 60)
        t.line("echo th''ird")
        t.expect("third")
        subprocess.run(["tmux", "-L", "proof", "kill-server"], env=os.environ | {"TMUX_TMPDIR": str(tmp_path)}, check=True)
        t.wait()
    t.prove(tmp_path, CUTS)


FULL = r"""
for n in range(1300): print(f"\033[3{n % 8}m{n:5} " + "words and " * (n * 7 % 19) + "\u6f22\u5b57" * (n % 3) + "\033[m")
print("\033]2;fu" "ll\a", flush=True)
"""


@pytest.mark.parametrize("script", [COLORS, WIDE, FULL], ids=["colours", "wide_and_combining", "more_lines_than_are_kept"])
def test_what_a_script_prints(tmp_path, script):
    with Recording([sys.executable, "-c", script + "input()"]) as t:
        t.expect({COLORS: "a link", WIDE: r"\033\[20;1H", FULL: "full"}[script])
        t.resize(24, 53)
        t.resize(12, 97)
        t.line("")
        t.wait()
    t.prove(tmp_path, CUTS)


def test_a_shell(tmp_path):
    with Recording(["bash", "--norc", "--noprofile", "-i"], env={"PS1": "\\[\033[1;32m\\]prompt\\[\033[m\\]$ "}) as t:
        t.expect("prompt")
        t.line("for i in $(seq 80); do echo \"line $i $(printf '%0*d' $i 0)\"; done")
        t.expect("line 80")
        t.resize(24, 50)
        t.line("ls -la --color=always /usr | head -30")
        t.expect("prompt")
        t.resize(30, 132)
        t.send("echo one two three\x01\x1bf\x1bfXYZ\x05\x17\x17 end\r")
        t.expect("end")
        t.line("exit")
        t.wait()
    t.prove(tmp_path, CUTS)
