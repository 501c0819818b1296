# SPDX-License-Identifier: Apache-2.0
"""Two layers for what matters: the techniques still fail with the system call filter off, and again with the user namespace off.

What the other layer alone holds back is listed here by name: each of these reaches nothing of the host or of a neighbour by itself,
or (the kernel's own attack surface) is what the filter exists for.
"""

import json

import pytest

from harness.process import run
from test_probe import PROBE, Canaries, leaks, verdicts

# Held back by the filter alone: entry points of the kernel that ask for no privilege.
FILTER_ALONE = {
    "bpf", "io_uring_setup", "io_uring_enter", "io_uring_register", "add_key", "request_key", "keyctl",
    "perf_event_open", "socket-alg", "socket-alg-high-bits", "socket-vsock", "socket-bluetooth", "socket-tipc", "socket-can",
    "netlink-audit", "netlink-uevent", "netlink-netfilter", "netlink-xfrm", "ioctl-tiocsetd", "personality-no-randomize",
    "abi-i386-getpid", "kcmp", "seccomp-filter", "open_tree", "quotactl", "mount_setattr",
}
# Held back by the user namespace alone.
USER_NAMESPACE_ALONE = {"uid-map", "gid-map"}


def confined(place, canaries, change):
    """The probe's verdicts in a container with a workspace's own config.json, changed by `change`."""
    place.need_images("busybox")
    place.mdocker("run", "-d", "--name", "model", "--pids-limit", "50", "busybox", "/bin/sleep", "600").ok()
    model = place.state / "workspaces" / next(iter(place.workspaces())) / "bundle" / "config.json"
    config = json.loads(model.read_text())
    bundle = place.folder / "layers"
    bundle.mkdir(mode=0o711)
    run(["cp", "-a", place.layer("busybox"), bundle / "rootfs"]).ok()
    config["process"]["args"] = ["/run/probe", *canaries.arguments()]
    config["mounts"] = [m for m in config["mounts"] if m["destination"] != "/run/mdocker-init"]
    config["mounts"].append({"destination": "/run/probe", "type": "bind", "source": str(PROBE), "options": ["bind", "ro"]})
    config["linux"]["cgroupsPath"] = "/minidocker/layers-" + canaries.secret[:8]
    change(config)
    owner = config["linux"].get("uidMappings", [{"hostID": 0}])[0]["hostID"]
    run(["chown", "-hR", f"{owner}:{owner}", bundle / "rootfs"]).ok()
    (bundle / "config.json").write_text(json.dumps(config))
    name = "layers-" + canaries.secret[:8]
    place.ids.add(name)
    return verdicts(place.runtime("run", "--bundle", bundle, name, timeout=120).ok())


@pytest.fixture
def canaries(place):
    c = Canaries(place)
    yield c
    c.close()


def without_filter(config):
    del config["linux"]["seccomp"]


def without_user_namespace(config):
    linux = config["linux"]
    linux["namespaces"] = [n for n in linux["namespaces"] if n["type"] != "user"]
    del linux["uidMappings"], linux["gidMappings"]
    # These would be the host's own.
    linux["sysctl"] = {k: v for k, v in linux["sysctl"].items() if not k.startswith("user.")}


@pytest.mark.parametrize("change, alone", [(without_filter, FILTER_ALONE), (without_user_namespace, USER_NAMESPACE_ALONE)],
                         ids=["filter off", "user namespace off"])
def test_the_other_layer_holds(place, canaries, change, alone):
    found = verdicts_but(confined(place, canaries, change), alone)
    assert not leaks(found), "\n".join(leaks(found))


def verdicts_but(found, names):
    return {name: verdict for name, verdict in found.items() if name not in names}
