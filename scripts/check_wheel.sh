#!/usr/bin/env bash
# The wheel as a user gets it: built with build isolation, every module inside, installed into an empty environment and
# used outside the source tree, from Python and by programs in C and C++.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python -m pip wheel --quiet --no-deps --wheel-dir "$work" .
wheel=$(echo "$work"/hpe_edge-*.whl)

{ find hpe_edge -name '*.py'; find training -name '*.py' -o -name '*.toml' | sed 's|^|hpe_edge/|'; find hpe_edge/models -type f -not -path '*__pycache__*'; find hpe_edge/serve/page hpe_edge/bench/page -type f -not -path '*__pycache__*'; } |
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

echo "wheel of $size bytes"
python scripts/check_platform.py "$wheel"

cp -r examples/c examples/cpp docs/demo.mp4 "$work"
python - "$work/photo.ppm" <<'PYTHON'  # here, where scikit-image is
import sys
from pathlib import Path
from skimage.data import astronaut

Path(sys.argv[1]).write_bytes(b"P6 512 512 255\n" + astronaut().tobytes())
PYTHON

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

for language in c cpp; do
    cmake -S $language -B build-$language -Dhpe_edge_DIR="$(venv/bin/python -m hpe_edge --cmake-dir)" >/dev/null
    cmake --build build-$language >/dev/null
done
venv/bin/python - <<'PYTHON'
import json
import subprocess
from pathlib import Path
import numpy as np
from hpe_edge import HeadPose
from hpe_edge.hub import models_folder

photo_rgb = np.frombuffer(Path("photo.ppm").read_bytes()[-512 * 512 * 3 :], np.uint8).reshape(512, 512, 3)
expected = HeadPose(precision="int8").estimate(photo_rgb, pixel_format="rgb8")
assert len(expected) == 1, expected
for program in ("build-c/estimate_image_c", "build-cpp/estimate_image"):
    done = subprocess.run([program, models_folder() / "fsanet.json", "photo.ppm"], capture_output=True, check=True)
    found = [[pose[f"{name}_deg"] for name in ("yaw", "pitch", "roll")] for pose in json.loads(done.stdout)["poses"]]
    np.testing.assert_allclose(found, expected.euler_deg, atol=1e-3, err_msg=program)
print("programs in C and C++ say the same as Python")
PYTHON
if [ -x build-cpp/capture_loop ]; then  # OpenCV is there
    build-cpp/capture_loop --print "$(venv/bin/python -m hpe_edge --models-dir)/fsanet.json" demo.mp4 >angles
    test "$(grep -c '^yaw ' angles)" -gt 50
    echo "the capture loop follows a video"
else
    echo "CAPTURE LOOP NOT BUILT: OpenCV for C++ not found; install it with: apt-get install libopencv-dev"
fi
