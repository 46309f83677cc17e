"""The live page in a headless Chromium: it draws, plots, turns, asks nobody else, and comes back after a restart."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager

import numpy as np
import pytest

from hpe_edge import HeadPoses
from hpe_edge.serve.server import Address, Settings, serve_in_thread
from hpe_edge.serve.worker import Picture
from hpe_edge.sources import Frame, open_source

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra dev)")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; Debian: apt-get install chromium")

TOKEN = "a-token-for-the-browser"
WAIT_S = 30
DRAWN = "selector => document.querySelector(selector).toDataURL()"


def _two_heads(frames: Iterable[Frame]) -> Iterator[tuple[Frame, HeadPoses]]:
    for frame in frames:
        turn = 40 * np.sin(frame.time_s)
        yield (
            frame,
            HeadPoses(
                np.array([[turn, 10.0, 0.0], [-turn, 0.0, 20.0]]),
                np.array([[2.0, 3.0, 4.0], [np.nan] * 3]),
                np.array([[40.0, 40, 120, 140], [200.0, 60, 240, 110]]),
                np.ones(2),
                ids=np.array([3, 8]),
            ),
        )


def _serve(
    port: int = 0, *, frames: int = 3000, loop: bool = True, token: str | None = None
) -> AbstractContextManager[Address]:
    images = [np.full((240, 320, 3), 100, np.uint8)] * frames
    return serve_in_thread(
        lambda on_event: open_source(images, on_event=on_event),
        _two_heads,
        settings=Settings(port=port, token=token, labels={"source": "two heads", "model": "none"}),
        picture=Picture(loop=loop),
    )


class Visit:
    """A page of the browser, what it complains about, and whom it asks."""

    def __init__(self, page: playwright.Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.set_default_timeout(1e3 * WAIT_S)
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        page.on("websocket", lambda opened: self.hosts.add(opened.url.split("/")[2]))

    def until(self, condition: str, argument: object = None) -> None:
        # Not wait_for_function: it evaluates text inside the page, which the page's own policy forbids.
        deadline_s = time.monotonic() + WAIT_S
        while not self.page.evaluate(condition, argument):
            assert time.monotonic() < deadline_s, f"not within {WAIT_S} s: {condition}; {self.complaints}"
            self.page.wait_for_timeout(50)

    def until_drawn_anew(self, selector: str) -> None:
        before = self.page.evaluate(DRAWN, selector)
        self.until(f"([selector, before]) => ({DRAWN})(selector) !== before", [selector, before])

    def frames(self, more: int) -> None:
        shown = int(self.page.evaluate("document.body.dataset.frames"))
        self.until(f"Number(document.body.dataset.frames) >= {shown + more}")

    def text(self, selector: str) -> str:
        return str(self.page.inner_text(selector))


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as started:
        # Root in a container has no sandbox to offer.
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: playwright.Browser) -> Iterator[Callable[..., Visit]]:
    contexts = []

    def make(width: int = 1280, height: int = 800, **options: object) -> Visit:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        return Visit(contexts[-1].new_page())

    yield make
    for context in contexts:
        context.close()


def test_the_page_shows_the_stream(visit: Callable[..., Visit]) -> None:
    with _serve() as address:
        seen = visit()
        seen.page.goto(address.url)
        seen.until("document.body.dataset.state === 'playing'")
        seen.frames(10)
        for canvas in ("#picture", "#model", "#plots"):
            seen.until_drawn_anew(canvas)
        seen.until("Number(document.querySelector('#fps').textContent) > 1")
        assert seen.text("#faces") == "2" and "ms" in seen.text("#latency") and "two heads" in seen.text("#source")
        assert seen.text("#angles .pitch").split() == ["pitch", "+10.0°", "±", "3.0°"]
        assert seen.text("#state") == "live" and seen.page.is_hidden("#notice")
        assert seen.complaints == [] and seen.hosts == {f"127.0.0.1:{address.port}"}


def test_a_face_is_chosen_by_its_button_or_in_the_picture(visit: Callable[..., Visit]) -> None:
    with _serve() as address:
        seen = visit()
        seen.page.goto(address.url)
        seen.frames(1)
        assert seen.text("#people button[aria-pressed=true]") == "face 3", "the largest"
        seen.page.click("text=face 8")
        seen.until("document.querySelector('#angles .roll dd').textContent === '+20.0°'")
        assert seen.text("#angles .roll dd:last-child") == "", "no spread, nothing shown"
        box = seen.page.locator("#picture").bounding_box()
        assert box is not None
        scale = min(box["width"] / 320, box["height"] / 240)
        x, y = (box["width"] - 320 * scale) / 2 + 80 * scale, (box["height"] - 240 * scale) / 2 + 90 * scale
        seen.page.click("#picture", position={"x": x, "y": y})
        seen.until("document.querySelector('#people button[aria-pressed=true]').textContent === 'face 3'")
        seen.page.click("#axes")
        assert seen.page.get_attribute("#axes", "aria-pressed") == "false" and seen.complaints == []


def test_it_comes_back_after_a_restart_of_the_server(visit: Callable[..., Visit]) -> None:
    seen = visit()
    with _serve(token=TOKEN) as address:
        seen.page.goto(address.url)
        seen.frames(3)
        assert TOKEN not in seen.page.url and seen.complaints == []
    seen.until("document.body.dataset.state === 'lost'")
    assert "trying again" in seen.text("#notice")
    with _serve(address.port, token=TOKEN):
        seen.until("document.body.dataset.state === 'playing'")
        seen.frames(3)
        assert seen.page.is_hidden("#notice")
    with _serve(address.port, token=TOKEN + "-another"):
        seen.until("document.body.dataset.state === 'refused'")
        assert "token has changed" in seen.text("#notice")


def test_without_the_token_the_page_asks_for_it(visit: Callable[..., Visit]) -> None:
    with _serve(token=TOKEN) as address:
        seen = visit()
        seen.page.goto(address.url.partition("?")[0])
        seen.page.fill("input[name=token]", TOKEN)
        seen.page.click("button")
        seen.frames(2)
        assert TOKEN not in seen.page.url


def test_the_end_of_a_file_is_said(visit: Callable[..., Visit]) -> None:
    with _serve(frames=5, loop=False) as address:
        seen = visit()
        seen.page.goto(address.url)
        seen.until("document.body.dataset.state === 'ended'")
        seen.frames(0)
        assert "no more frames" in seen.text("#notice") and seen.text("#state") == "ended"


@pytest.mark.parametrize("size", [(360, 740), (390, 844), (844, 390), (820, 1180), (1280, 720), (2560, 1440)])
def test_nothing_sticks_out_on_any_screen(visit: Callable[..., Visit], size: tuple[int, int]) -> None:
    with _serve() as address:
        seen = visit(*size)
        seen.page.goto(address.url)
        seen.frames(2)
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= size[0]
        for canvas in ("#picture", "#model", "#plots"):
            box = seen.page.locator(canvas).bounding_box()
            assert box is not None and box["width"] >= 120 and box["height"] >= 120, (canvas, box)
            assert box["x"] >= 0 and box["x"] + box["width"] <= size[0], (canvas, box)


def test_frames_that_are_decoded_out_of_order_are_not_drawn_backwards(visit: Callable[..., Visit]) -> None:
    with _serve() as address:
        seen = visit()
        seen.page.add_init_script(
            """
            const decode = window.createImageBitmap;
            let count = 0;
            window.createImageBitmap = async (jpeg) => {
              if (count++ % 2 === 0) await new Promise((done) => setTimeout(done, 150));
              return decode(jpeg);
            };
            window.serials = [];
            const note = () => serials.push(Number(document.body.dataset.serial));
            document.addEventListener("DOMContentLoaded", () => {
              new MutationObserver(note).observe(document.body, { attributeFilter: ["data-serial"] });
            });
            """
        )
        seen.page.goto(address.url)
        seen.frames(12)
        serials = seen.page.evaluate("serials")
        assert len(serials) >= 10 and serials == sorted(serials)


def test_several_pages_at_once(visit: Callable[..., Visit]) -> None:
    with _serve() as address:
        pages = [visit(600, 700) for _ in range(3)]
        for seen in pages:
            seen.page.goto(address.url)
        for seen in pages:
            seen.frames(3)
        pages[0].until("document.querySelector('#viewers').textContent.startsWith('3 /')")
        assert all(seen.complaints == [] for seen in pages)
