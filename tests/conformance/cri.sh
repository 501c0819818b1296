#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cri.sh RUNTIME - containerd's CRI, as Kubernetes uses it, with the runtime as BinaryName. The kubelet's part is cri.py; PYTHONPATH has the
# messages (see `run`). Pods are on the host's network: that of this script.
. "$(dirname "$0")/engine-lib.sh"
cat >"$W/config.toml" <<END
version = 2
root = "$W/root"
state = "$W/state"
[grpc]
  address = "$W/s"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "conformance.local/busybox:1"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    default_runtime_name = "tested"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.tested]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.tested.options]
        BinaryName = "$RT"
END
containerd --config "$W/config.toml" >"$W/log" 2>&1 &
pid=$!
until_true ctr -a "$W/s" version
/usr/bin/python3 "$(dirname "$0")/cri.py" "$W/s" "$W"
grep -E 'io.containerd.grpc.v1.cri.*(error|failed)|level=(error|fatal)' "$W/log" | head -20 >&2
kill $pid
wait $pid
end >/dev/null
