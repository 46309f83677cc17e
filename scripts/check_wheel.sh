#!/usr/bin/env bash
# The wheel as a user gets it: built with build isolation, every module inside, installed into an empty environment and
# used outside the source tree.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python -m pip wheel --quiet --no-deps --wheel-dir "$work" .
wheel=$(echo "$work"/hpe_edge-*.whl)

{ find hpe_edge -name '*.py'; find training -name '*.py' -o -name '*.toml' | sed 's|^|hpe_edge/|'; find hpe_edge/models -type f -not -path '*__pycache__*'; find hpe_edge/serve/page -type f; } |
    sort -u >"$work/expected"
python -m zipfile -l "$wheel" | awk 'NR > 1 {print $1}' | sort >"$work/inside"
missing=$(comm -23 "$work/expected" "$work/inside")
if [ -n "$missing" ]; then
    echo "expected in $(basename "$wheel") and not there:" "$missing" >&2
    exit 1
fi

size=$(stat -c %s "$wheel")
if [ "$size" -gt 5000000 ]; then
    echo "expected a wheel of at most 5 MB, got $size bytes" >&2
    exit 1
fi

python -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "$wheel"
cd "$work"
venv/bin/hpe-edge --help >/dev/null
venv/bin/python - <<'PYTHON'
import numpy as np
from hpe_edge import HeadPose

pose = HeadPose()
poses = pose.estimate(np.full((720, 1280, 3), 90, np.uint8), boxes=[[600, 300, 700, 410]])
assert poses.euler_deg.shape == (1, 3) and np.isfinite(poses.euler_deg).all(), poses
print(pose.info)

with open("/proc/self/status") as lines:
    peak_kb = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
assert peak_kb <= 60_000, f"expected at most 60 MB at the peak, got {peak_kb} kB"
print(f"peak memory {peak_kb} kB")
PYTHON
