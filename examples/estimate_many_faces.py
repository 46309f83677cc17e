"""Many heads at once: several boxes in one image, and several images in one call of the network.

python examples/estimate_many_faces.py
"""

from __future__ import annotations

import numpy as np
from skimage.data import astronaut

from hpe_edge import HeadPose

FACE_BOX = (180.0, 86.0, 271.0, 178.0)


def main() -> None:
    photo = np.ascontiguousarray(astronaut()[..., ::-1])  # BGR, as OpenCV reads it
    width = photo.shape[1]
    x0, y0, x1, y1 = FACE_BOX

    # A group picture: the portrait beside its mirror image, two faces.
    group = np.concatenate([photo, photo[:, ::-1]], axis=1)
    mirrored_box = (2 * width - x1, y0, 2 * width - x0, y1)

    pose = HeadPose()
    for head in pose.estimate(group, boxes=[FACE_BOX, mirrored_box]):
        print(f"yaw {head.yaw_deg:+6.1f}  pitch {head.pitch_deg:+6.1f}  roll {head.roll_deg:+6.1f}")

    # Images of any sizes; one (N, 4) array of boxes for each of them.
    half = np.ascontiguousarray(photo[::2, ::2])
    batch = pose.estimate_batch([photo, half], boxes=[[FACE_BOX], [[value / 2 for value in FACE_BOX]]])
    for index, poses in enumerate(batch):
        print(f"image {index}: {poses}")

    # For a robot: the rotation in the ROS optical frame, and as a quaternion x y z w.
    print("quaternion", " ".join(f"{value:+.3f}" for value in batch[0].quaternion_xyzw[0]))


if __name__ == "__main__":
    main()
