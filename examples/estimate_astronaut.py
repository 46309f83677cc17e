"""Head pose of a real photograph: the public-domain portrait that scikit-image carries.

Prints the angles and writes ``astronaut_pose.png`` (or the file named as the first argument).

    pip install 'hpe-edge[video]' scikit-image
    python examples/estimate_astronaut.py
"""

from __future__ import annotations

import sys

from skimage.data import astronaut

from hpe_edge import HeadPose, draw_axes, write_image


def main(out_path: str = "astronaut_pose.png") -> None:
    photo_rgb = astronaut()  # Eileen Collins, NASA, public domain; (512, 512, 3) uint8, RGB
    pose = HeadPose()
    poses = pose.estimate(photo_rgb, pixel_format="rgb8")

    head = poses[0]
    print(f"yaw   {head.yaw_deg:+6.1f} degrees  (+: the nose points to image-left)")
    print(f"pitch {head.pitch_deg:+6.1f} degrees  (+: the face looks up)")
    print(f"roll  {head.roll_deg:+6.1f} degrees  (+: the head is turned clockwise in the image)")
    print(f"model {pose.info.model} on {pose.info.backend}, {pose.info.provider}")

    write_image(out_path, draw_axes(photo_rgb[..., ::-1], poses, labels=True))
    print(f"wrote {out_path}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
