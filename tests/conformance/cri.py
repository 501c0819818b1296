#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
cri.py SOCKET FOLDER - what a kubelet asks of a container runtime, by the CRI; prints TAP. FOLDER/rootfs is a root file system.

The messages are api_pb2, made from the definition that comes with containerd's source.
"""
import io
import json
import pathlib
import subprocess
import sys
import tarfile
import time

import grpc

import api_pb2 as api

IMAGE = "conformance.local/busybox:1"
RUNNING, EXITED = 1, 2
SECONDS = 60


class Service:
    """runtime.v1.RuntimeService: service.Name(field=...) sends a NameRequest, and returns the NameResponse."""

    def __init__(self, channel):
        self.channel = channel

    def __getattr__(self, name):
        request, response = getattr(api, name + "Request"), getattr(api, name + "Response")
        call = self.channel.unary_unary(f"/runtime.v1.RuntimeService/{name}", request_serializer=request.SerializeToString,
                                        response_deserializer=response.FromString)
        return lambda **fields: call(request(**fields), timeout=SECONDS)


def save_image(folder):
    """FOLDER/rootfs as an image in the form of `docker save`, whose command is a long sleep: the sandbox's too."""
    layer = folder / "layer.tar"
    subprocess.run(["tar", "-cf", layer, "-C", folder / "rootfs", "."], check=True)
    config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sleep", "100000"], "Env": ["PATH=/bin"]},
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha256(layer)]}}
    manifest = [{"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]
    with tarfile.open(folder / "image.tar", "w") as image:
        image.add(layer, "layer.tar")
        for name, document in (("config.json", config), ("manifest.json", manifest)):
            data = json.dumps(document).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            image.addfile(entry, io.BytesIO(data))
    return folder / "image.tar"


def sha256(path):
    return subprocess.run(["sha256sum", path], check=True, capture_output=True, text=True).stdout.split()[0]


class Kubelet:
    def __init__(self, service, folder):
        self.service, self.folder, self.count = service, folder, 0

    def check(self, name, test):
        """One result: test() tells whether it is so, or raises."""
        self.count += 1
        try:
            said = test()
            good = bool(said) or said is None
        except (grpc.RpcError, AssertionError) as error:
            good, said = False, error
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}")
        if not good:
            print("# " + str(said)[:800].replace("\n", "\n# "), flush=True)

    # ---- pods and containers ----

    def pod(self, name, pid=api.CONTAINER, privileged=False):
        namespaces = api.NamespaceOption(network=api.NODE, pid=pid, ipc=api.POD)
        context = api.LinuxSandboxSecurityContext(namespace_options=namespaces, privileged=privileged)
        config = api.PodSandboxConfig(metadata=api.PodSandboxMetadata(name=name, uid=name, namespace="tests", attempt=1),
                                      log_directory=str(self.folder / "logs"),
                                      linux=api.LinuxPodSandboxConfig(cgroup_parent="/conformance-cri", security_context=context))
        return self.service.RunPodSandbox(config=config).pod_sandbox_id, config

    def create(self, pod, name, *command, context=None, resources=None, **more):
        """Its id. The container has the namespaces of its pod, as the kubelet says again."""
        sandbox, config = pod
        context = context or api.LinuxContainerSecurityContext()
        context.namespace_options.CopyFrom(config.linux.security_context.namespace_options)
        container = api.ContainerConfig(metadata=api.ContainerMetadata(name=name, attempt=1), image=api.ImageSpec(image=IMAGE),
                                        command=command, log_path=name + ".log",
                                        linux=api.LinuxContainerConfig(security_context=context, resources=resources), **more)
        return self.service.CreateContainer(pod_sandbox_id=sandbox, config=container, sandbox_config=config).container_id

    def run(self, pod, name, *command, **more):
        made = self.create(pod, name, *command, **more)
        self.service.StartContainer(container_id=made)
        return made

    def status(self, container):
        return self.service.ContainerStatus(container_id=container).status

    def ended(self, container):
        """Its status when it has ended."""
        for _ in range(SECONDS * 10):
            status = self.status(container)
            if status.state == EXITED:
                return status
            time.sleep(0.1)
        raise AssertionError(f"{container} does not end")

    def output(self, name):
        """What it wrote to its standard output, out of the log as Kubernetes has it: TIME STREAM TAG TEXT."""
        lines = [line.split(" ", 3) for line in (self.folder / "logs" / (name + ".log")).read_text().splitlines()]
        return [text for _, stream, _, text in lines if stream == "stdout"]

    def exec(self, container, *command, timeout=0):
        done = self.service.ExecSync(container_id=container, cmd=command, timeout=timeout)
        return done.exit_code, done.stdout.decode()

    def shell(self, pod, name, script, **more):
        """Runs a script to its end: (exit code, lines)."""
        code = self.ended(self.run(pod, name, "/bin/sh", "-c", script, **more)).exit_code
        return code, self.output(name)


def check_life(k, pod):
    long = k.create(pod, "long", "/bin/sleep", "1000", resources=api.LinuxContainerResources(
        memory_limit_in_bytes=64 << 20, cpu_quota=50000, cpu_period=100000, cpu_shares=512, oom_score_adj=900))
    k.check("CreateContainer: created", lambda: k.status(long).state == api.CONTAINER_CREATED)
    k.check("StartContainer", lambda: k.service.StartContainer(container_id=long) and None)
    k.check("ContainerStatus: running", lambda: k.status(long).state == RUNNING)
    k.check("ExecSync", lambda: k.exec(long, "/bin/echo", "hello") == (0, "hello\n"))
    k.check("ExecSync: exit code", lambda: k.exec(long, "/bin/sh", "-c", "exit 7")[0] == 7)
    k.check("ExecSync: no such program", lambda: fails(lambda: k.exec(long, "/nope")))
    k.check("ExecSync: timeout", lambda: fails(lambda: k.exec(long, "/bin/sleep", "100", timeout=1), grpc.StatusCode.DEADLINE_EXCEEDED))
    k.check("the running one is none the worse", lambda: k.exec(long, "/bin/true")[0] == 0)
    k.check("ContainerStats", lambda: k.service.ContainerStats(container_id=long).stats.memory.working_set_bytes.value > 0)
    k.check("limits", lambda: "67108864" in k.exec(long, "/bin/sh", "-c", "cat /sys/fs/cgroup/memory/memory.limit_in_bytes || "
                                                   "cat /sys/fs/cgroup/memory.max")[1])
    k.check("UpdateContainerResources", lambda: k.service.UpdateContainerResources(
        container_id=long, linux=api.LinuxContainerResources(memory_limit_in_bytes=32 << 20)) and None)
    k.check("limits: updated", lambda: "33554432" in k.exec(long, "/bin/sh", "-c", "cat /sys/fs/cgroup/memory/memory.limit_in_bytes || "
                                                            "cat /sys/fs/cgroup/memory.max")[1])
    k.check("StopContainer", lambda: k.service.StopContainer(container_id=long, timeout=1) and None)
    k.check("ContainerStatus: exited by SIGKILL", lambda: k.status(long).exit_code == 137)
    k.check("RemoveContainer", lambda: k.service.RemoveContainer(container_id=long) and None)


def fails(call, code=None):
    try:
        call()
    except grpc.RpcError as error:
        return code is None or error.code() == code
    return False


def context(**fields):
    return api.LinuxContainerSecurityContext(**fields)


def check_containers(k, pod):
    k.check("exit code and log", lambda: k.shell(pod, "exit", "echo out; exit 3") == (3, ["out"]))
    k.check("StartContainer: no such program", lambda: fails(lambda: k.run(pod, "nope", "/nope")))
    k.check("user and groups", lambda: k.shell(pod, "user", "id -u; id -g; id -G", context=context(
        run_as_user=api.Int64Value(value=1000), run_as_group=api.Int64Value(value=1001), supplemental_groups=[7])) ==
        (0, ["1000", "1001", "1001 7"]))
    k.check("read-only root", lambda: k.shell(pod, "ro", "touch /x", context=context(readonly_rootfs=True))[0] == 1)
    k.check("seccomp and no_new_privs", lambda: k.shell(pod, "seccomp", "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status", context=context(
        no_new_privs=True, seccomp=api.SecurityProfile(profile_type=api.SecurityProfile.RuntimeDefault))) ==
        (0, ["NoNewPrivs:\t1", "Seccomp:\t2"]))
    k.check("capabilities", lambda: k.shell(pod, "caps", "grep CapEff /proc/self/status", context=context(
        capabilities=api.Capability(drop_capabilities=["ALL"], add_capabilities=["CHOWN"]))) == (0, ["CapEff:\t0000000000000001"]))
    (k.folder / "volume").mkdir()
    k.check("a volume", lambda: k.shell(pod, "volume", "echo x >/v/f; cat /w/f; touch /w/g || echo no", mounts=[
        api.Mount(host_path=str(k.folder / "volume"), container_path="/v"),
        api.Mount(host_path=str(k.folder / "volume"), container_path="/w", readonly=True)]) == (0, ["x", "no"]))
    k.check("environment and folder", lambda: k.shell(pod, "env", "echo $A; pwd", envs=[api.KeyValue(key="A", value="b")],
                                                      working_dir="/tmp") == (0, ["b", "/tmp"]))
    k.check("a terminal", lambda: k.shell(pod, "tty", "test -t 0 && test -t 1 && echo yes", tty=True, stdin=True)[1] == ["yes"])
    k.check("out of memory", lambda: k.ended(k.run(
        pod, "oom", "/bin/sh", "-c", "head -c 100m /dev/zero | tail -c 90m | wc -c; exit 5",
        resources=api.LinuxContainerResources(memory_limit_in_bytes=16 << 20, memory_swap_limit_in_bytes=16 << 20))).reason == "OOMKilled")


def check_shared(k):
    """A pod whose containers are each other's neighbours, with all rights."""
    pod = k.pod("shared", pid=api.POD, privileged=True)
    k.check("a shared pid namespace: the sandbox is process 1", lambda: k.shell(
        pod, "shared", "tr '\\0' ' ' </proc/1/cmdline; echo") == (0, ["/bin/sleep 100000 "]))
    k.check("privileged: devices and capabilities", lambda: k.shell(
        pod, "privileged", "ls /dev/loop-control && mount -t tmpfs none /tmp && echo yes", context=context(privileged=True))[1][-1] == "yes")
    k.check("RemovePodSandbox: with what runs in it", lambda: k.run(pod, "left", "/bin/sleep", "1000") and
            k.service.RemovePodSandbox(pod_sandbox_id=pod[0]) and None)


def wait_for_plugin(service):
    """The CRI is offered a moment after containerd's own services."""
    for _ in range(SECONDS * 10):
        if not fails(service.Version, grpc.StatusCode.UNIMPLEMENTED):
            return
        time.sleep(0.1)


def main():
    folder = pathlib.Path(sys.argv[2])
    subprocess.run(["ctr", "-a", sys.argv[1], "-n", "k8s.io", "image", "import", save_image(folder)], check=True, stdout=subprocess.DEVNULL)
    service = Service(grpc.insecure_channel("unix:" + sys.argv[1]))
    wait_for_plugin(service)
    k = Kubelet(service, folder)
    k.check("Version", lambda: k.service.Version().runtime_name == "containerd")
    try:
        pod = k.pod("p")
    except grpc.RpcError as error:
        print(f"not ok 2 - RunPodSandbox\n# {error.details()}\n1..2")
        return
    k.check("RunPodSandbox", lambda: k.service.PodSandboxStatus(pod_sandbox_id=pod[0]).status.state == api.SANDBOX_READY)
    check_life(k, pod)
    check_containers(k, pod)
    check_shared(k)
    k.check("StopPodSandbox", lambda: k.service.StopPodSandbox(pod_sandbox_id=pod[0]) and None)
    k.check("PodSandboxStatus: not ready", lambda: k.service.PodSandboxStatus(pod_sandbox_id=pod[0]).status.state == api.SANDBOX_NOTREADY)
    k.check("RemovePodSandbox", lambda: k.service.RemovePodSandbox(pod_sandbox_id=pod[0]) and None)
    k.check("nothing is left", lambda: not k.service.ListPodSandbox().items and not k.service.ListContainers().containers)
    print(f"1..{k.count}")


if __name__ == "__main__":
    main()
