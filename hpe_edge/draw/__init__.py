"""Draw poses on images; needs OpenCV (``pip install 'hpe-edge[video]'``)."""

from hpe_edge.draw.poses import draw_axes, draw_poses
from hpe_edge.draw.shapes import STYLES

__all__ = ["STYLES", "draw_axes", "draw_poses"]
