"""An installed wheel at work: angles of a picture as JSON. Needs NumPy and nothing else.

python scripts/smoke.py                              # a made-up frame with a box
python scripts/smoke.py photograph.npy fp32          # (H, W, 3) uint8, RGB; the detector finds the faces
"""

from __future__ import annotations

import json
import platform
import sys

import numpy as np

from hpe_edge import HeadPose


def main(photograph: str | None = None, precision: str = "auto") -> None:
    """Estimate, check, print."""
    pose = HeadPose(backend="native", precision=precision)
    if photograph is None:
        frame = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), dtype=np.uint8)
        poses = pose.estimate(frame, boxes=[[600, 300, 700, 410]])
    else:
        poses = pose.estimate(np.load(photograph), pixel_format="rgb8")
    assert len(poses) > 0 and np.isfinite(poses.euler_deg).all(), poses
    info = pose.info
    print(f"{platform.machine()}, {info.instruction_set}, {info.precision}, {info.sha256[:12]}", file=sys.stderr)
    print(json.dumps({"euler_deg": poses.euler_deg.tolist(), "boxes_xyxy": poses.boxes_xyxy.tolist()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
