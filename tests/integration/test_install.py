# SPDX-License-Identifier: Apache-2.0
"""What `make install` puts where: programs that work from there, manual pages, completions, the unit, the configuration."""

import json
import os
import re
import subprocess

import pytest

from harness import BUILD, REPOSITORY
from harness.process import run


@pytest.fixture
def installed(place):
    """DESTDIR, and the prefix below it. What `make install` does once everything is built."""
    options = json.loads((BUILD / "meson-info/intro-buildoptions.json").read_text())
    prefix = next(o["value"] for o in options if o["name"] == "prefix")
    destination = place.folder / "installed"
    env = os.environ | {"DESTDIR": str(destination)}
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet"], env=env, check=True)
    subprocess.run([REPOSITORY / "packaging/install-data", BUILD, prefix, destination], check=True)
    return destination, destination / prefix.lstrip("/")


def options_of(text):
    return set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", text, re.MULTILINE))


def test_an_installation_works_from_where_it_is(place, installed):
    destination, prefix = installed
    place.need_images("busybox")
    mdocker = [prefix / "bin/mdocker", "--root", place.root, "--state", place.state]
    assert run([*mdocker, "run", "--rm", "busybox", "echo", "from there"]).ok().out == "from there\n"
    checks = {c["check"]: c["level"] for c in json.loads(run([*mdocker, "doctor", "--json"]).out)}
    assert (checks["programs"], checks["default image"]) == ("ok", "ok")
    page = (prefix / "share/minidocker/web/index.html").read_text()
    assert all((prefix / "share/minidocker/web" / name).exists() for name in re.findall(r'(?:src|href)="\./([^"]+)"', page))
    r = run([prefix / "sbin/mdockerd", "--config", destination / "etc/minidocker/minidocker.conf", "--root", place.root,
             "--state", place.state, "--listen", "nonsense"])
    r.failed(1, "nonsense")  # the configuration was read, and nothing else is missing until there

    configuration = destination / "etc/minidocker/minidocker.conf"
    configuration.write_text("mine")
    subprocess.run([REPOSITORY / "packaging/install-data", BUILD, "/" + str(prefix.relative_to(destination)), destination], check=True)
    assert configuration.read_text() == "mine"


def test_manual_pages_tell_each_command_and_option(installed):
    _, prefix = installed
    for program, page in (("bin/mdocker", "man1/mdocker.1"), ("bin/mdocker-runtime", "man8/mdocker-runtime.8"),
                          ("sbin/mdockerd", "man8/mdockerd.8")):
        text = (prefix / "share/man" / page).read_text().replace("\\-", "-")
        help_text = run([prefix / program, "--help"]).ok().out
        commands = re.findall(r"^  ([\w-]+) ", help_text.partition("Commands:\n")[2].partition("\n\n")[0], re.MULTILINE)
        assert (len(commands) > 10) == (program != "sbin/mdockerd")
        for command in commands:
            assert f"\n.SS {command}" in text, command
            help_text += run([prefix / program, command, "--help"]).ok().out
        missing = {o for o in options_of(help_text) if f"{o}\\fR" not in text}
        assert options_of(help_text) and not missing, missing


@pytest.fixture
def complete(installed):
    """What bash offers behind these words."""
    _, prefix = installed
    script = ('. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mdocker; echo "${COMPREPLY[@]}"')
    source = prefix / "share/bash-completion/completions/mdocker"
    env = os.environ | {"PATH": f"{prefix}/bin:{os.environ['PATH']}"}
    return lambda *words: run(["bash", "-c", script, "bash", source, "mdocker", *words], env=env).ok().out.split()


def test_bash_completes_commands_verbs_and_options(complete):
    assert complete("sto") == ["stop"]
    assert complete("run", "--memory-") == ["--memory-swap"]
    assert complete("recordings", "e") == ["export"]
    assert complete("network", "re") == ["reload", "restore"]
    assert complete("profile", "") == ["--profile", "ls", "show"]
    assert complete("profile", "show", "--profile", "str") == ["strict"]
    assert complete("run", "--profile", "de") == ["default"]
    assert complete("stop", "export") == []


def test_bash_completes_names(place, complete):
    place.need_images("busybox")
    place.mdocker("run", "--name", "webbed", "busybox", "true").ok()
    place.mdocker("run", "-d", "--name", "webcam", "busybox", "sleep", "1000").ok()
    place.mdocker("template", "set", "course", "--memory", "200m").ok()
    (w,) = json.loads(place.mdocker("inspect", "webcam").ok().out)
    folder = place.root / "workspaces" / w["workspace"]["id"] / "recordings"
    folder.mkdir(exist_ok=True)
    (folder / "20990101T000000Z-t1.cast").write_text('{"version": 2, "width": 80, "height": 24, "title": "a b"}\n')
    here = "--root", place.root, "--state", place.state
    both = ["webbed", "webcam"]  # names, no ids
    for words in (("rm",), ("recordings", "ls"), ("recordings", "export"), ("network", "detach"), ("workspace", "stop")):
        assert sorted(complete(*here, *words, "w")) == both, words
    assert complete(*here, "profile", "show", "w") == ["webcam"]
    assert complete(*here, "recordings", "rm", "webcam", "2") == ["20990101T000000Z-t1"]
    assert complete(*here, "recordings", "ls", "webcam", "2") == []
    assert complete(*here, "run", "busy") == ["busybox"]
    assert complete(*here, "workspace", "open", "anna", "--image", "b") == ["busybox"]
    assert complete(*here, "template", "show", "c") == complete(*here, "run", "--template", "c") == ["course"]


def test_the_unit_is_sound(installed):
    destination, prefix = installed
    unit = destination / "lib/systemd/system/minidocker.service"
    final = "/" + str(prefix.relative_to(destination))
    text = unit.read_text()
    assert f"ExecStart={final}/sbin/mdockerd " in text and "@" not in text
    unit.write_text(text.replace(f"={final}/", f"={prefix}/"))  # where it is now
    assert run(["systemd-analyze", "verify", "--man=no", unit]).ok().err == ""
    assert (prefix / "share/man/man8" / re.search(r"man:(\w+)\(8\)", text)[1]).with_suffix(".8").exists()
