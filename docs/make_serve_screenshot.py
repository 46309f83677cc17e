"""Make docs/serve.jpg: the live page, on a wide screen and on a phone, showing a rendered sequence.

hpe-edge render-sequence --out walk --frames 120 --trajectory mixed --image-size 480 --seed 3 \\
    --without light camera wear occluders --mp4 --assets ASSETS
python docs/make_serve_screenshot.py walk      # needs playwright and a Chromium: --browser PATH

The boxes are the labelled ones, so that the picture shows the page and not a detector.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from hpe_edge import HeadPose, HeadPoses
from hpe_edge.images import ImageArray
from hpe_edge.serve.server import Settings, serve_in_thread
from hpe_edge.serve.worker import Picture
from hpe_edge.sources import Frame, open_source

TARGET = Path(__file__).with_name("serve.jpg")
GAP = 28
SECONDS = 14  # until the plots are full


def labelled(pose: HeadPose, labels: Path, frames: Iterable[Frame]) -> Iterator[tuple[Frame, HeadPoses]]:
    """Frames with the poses of their labelled boxes."""
    boxes = [json.loads(line)["box_xyxy"] for line in labels.read_text(encoding="utf-8").splitlines()]
    for frame in frames:
        yield frame, pose.estimate(frame.image, [boxes[frame.index]])


def shoot(browser: Browser, url: str, size: tuple[int, int], scheme: str) -> ImageArray:
    """The page as it looks after a while."""
    page: Page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page.goto(url)
    page.wait_for_selector("body:not([data-frames='0'])")
    page.wait_for_timeout(1e3 * SECONDS)
    data = np.frombuffer(page.screenshot(full_page=True), np.uint8)
    page.close()
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def beside(pictures: list[ImageArray]) -> ImageArray:
    """Pictures side by side, centred."""
    height = max(len(picture) for picture in pictures) + 2 * GAP
    canvas = np.full((height, GAP + sum(picture.shape[1] + GAP for picture in pictures), 3), 150, np.uint8)
    x = GAP
    for picture in pictures:
        y = (height - len(picture)) // 2
        canvas[y : y + len(picture), x : x + picture.shape[1]] = picture
        x += picture.shape[1] + GAP
    return canvas


def main() -> int:
    """Serve, look, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sequence", type=Path, help="folder of render-sequence --mp4")
    parser.add_argument("--browser", default=shutil.which("chromium"), help="Chromium's program [that of the path]")
    parser.add_argument("--out", type=Path, default=TARGET)
    options = parser.parse_args()
    pose = HeadPose()
    info = pose.info
    settings = Settings(
        port=0,
        labels={"source": "walk.mp4", "model": f"{info.model} {info.model_version}, {info.backend} {info.precision}"},
    )
    with (
        serve_in_thread(
            lambda on_event: open_source(options.sequence / "sequence.mp4", on_event=on_event),
            lambda frames: labelled(pose, options.sequence / "labels.jsonl", frames),
            settings=settings,
            picture=Picture(loop=True),
        ) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=options.browser, args=["--no-sandbox"])
        shots = [shoot(browser, address.url, (1360, 800), "dark"), shoot(browser, address.url, (390, 844), "light")]
        browser.close()
    cv2.imwrite(str(options.out), beside(shots), (cv2.IMWRITE_JPEG_QUALITY, 82))
    return 0


if __name__ == "__main__":
    sys.exit(main())
