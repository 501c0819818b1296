# SPDX-License-Identifier: Apache-2.0
"""Debian's sources, of an older or newer release than the machine's own: for tests and for rivals to measure."""
import pathlib
import subprocess
import sys
import tempfile

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def mirror():
    """Where this machine gets Debian's own packages from."""
    said = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(COMPONENT)", "Created-By: Packages"],
                          check=True, capture_output=True, text=True).stdout
    return next(uri for uri, origin, component in (line.split(" ", 2) for line in said.splitlines() if line.count(" ") == 2)
                if origin == "Debian" and component == "main").rstrip("/")


def fetch(work, name, suite):
    """Unpacks Debian's source NAME of SUITE; returns its folder."""
    marker = work / f".{name}-{suite}"
    if marker.exists():
        return pathlib.Path(marker.read_text())
    apt = work / "apt"
    (apt / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (apt / "cache").mkdir(exist_ok=True)
    sources = apt / "sources.list"
    sources.write_text("".join(f"deb-src [signed-by={KEYRING}] {mirror()} {s} main\n" for s in ("bookworm", "trixie", "forky")))
    options = [f"Dir::Etc::SourceList={sources}", "Dir::Etc::SourceParts=/dev/null", f"Dir::State::Lists={apt}/lists",
               f"Dir::Cache={apt}/cache", "APT::Sandbox::User=root"]
    command = ["apt-get", "-q"] + [word for option in options for word in ("-o", option)]
    if not (apt / "updated").exists():
        subprocess.run(command + ["update"], check=True, stdout=sys.stderr)
        (apt / "updated").touch()
    place = pathlib.Path(tempfile.mkdtemp(dir=work, prefix=f"{name[:20]}-"))
    subprocess.run(command + ["source", "--tar-only", "--download-only", f"{name}/{suite}"], cwd=place, check=True,
                   stdout=sys.stderr)
    archive = next(place.glob("*.orig.tar.*"))
    subprocess.run(["tar", "-xf", archive.name], cwd=place, check=True)
    folder = next(p for p in place.iterdir() if p.is_dir())
    marker.write_text(str(folder))
    return folder
