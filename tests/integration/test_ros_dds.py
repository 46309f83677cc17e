"""Images and poses over DDS on the loopback interface: two processes, and the node's answers to what goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cyclonedds")

from hpe_edge import HeadPose
from hpe_edge.cli import main
from hpe_edge.errors import InvalidArgumentError
from hpe_edge.ros import messages as m
from hpe_edge.ros._cyclonedds import DataReader, DataWriter, DomainParticipant, Policy, Qos, Topic, duration
from hpe_edge.ros.dds import Participant, check_topic
from hpe_edge.ros.follow import Follower
from hpe_edge.ros.messages import message_type
from hpe_edge.ros.node import Node, Report, Topics

LOOPBACK = (
    '<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="lo"/></Interfaces>'
    "<AllowMulticast>false</AllowMulticast></General><Discovery><ParticipantIndex>auto</ParticipantIndex>"
    '<Peers><Peer address="localhost"/></Peers></Discovery></Domain></CycloneDDS>'
)
DOMAIN = 20 + os.getpid() % 80  # their ports lie below those that systems give out (ROS 2's page on domain ids)
TIMEOUT_S = 60.0
WIDTH, HEIGHT = 64, 48
IMAGE, INFO = "/camera/image_raw", "/camera/camera_info"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the loopback interface is called lo on Linux")


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CYCLONEDDS_URI", LOOPBACK)


class Robot:
    """The other side, as a ROS 2 program with rclcpp's usual quality of service."""

    def __init__(self) -> None:
        self.participant = DomainParticipant(DOMAIN)
        self.reliable = Qos(Policy.Reliability.Reliable(duration(seconds=1)), Policy.History.KeepLast(10))
        self.best_effort = Qos(Policy.Reliability.BestEffort, Policy.History.KeepLast(5))

    def writer(self, topic: str, kind: str, qos: Any = None) -> Any:
        return DataWriter(self.participant, self._topic(topic, kind), qos=qos or self.reliable)

    def reader(self, topic: str, kind: str) -> Any:
        return DataReader(self.participant, self._topic(topic, kind), qos=self.reliable)

    def _topic(self, topic: str, kind: str) -> Any:
        return Topic(self.participant, f"rt{topic}", message_type(kind))


def header(number: int) -> Any:
    return m.Header(m.Time(1000 + number, 5 * number), "camera_optical")


def image(number: int, encoding: str = "rgb8") -> Any:
    step = 3 * WIDTH + 8
    return m.Image(header(number), HEIGHT, WIDTH, encoding, 0, step, bytes([100 + number % 100]) * (step * HEIGHT))


def camera_info() -> Any:
    k, eye = [60.0, 0, 31.5, 0, 60, 23.5, 0, 0, 1], [1.0, 0, 0, 0, 1, 0, 0, 0, 1]
    p = [60.0, 0, 31.5, 0, 0, 60, 23.5, 0, 0, 0, 1, 0]
    return m.CameraInfo(header(0), HEIGHT, WIDTH, "plumb_bob", [0.0] * 5, k, eye, p, 0, 0, m.RegionOfInterest())


def until(done: Callable[[], Any]) -> Any:
    """What it gives as soon as that is something; 20 times a second."""
    end_s = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end_s:
        if found := done():
            return found
        time.sleep(0.05)
    raise AssertionError(f"nothing came in {TIMEOUT_S:g} s")


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "hpe_edge", "ros-node", "--image-topic", IMAGE, "--domain", str(DOMAIN)]
    started = subprocess.Popen(
        [*command, "--detector", "full-frame", "--smoothing", "none", "--json"], stdout=subprocess.PIPE, text=True
    )
    yield started
    started.kill()
    started.communicate()


def test_two_processes_exchange_images_and_poses(process: subprocess.Popen[str]) -> None:
    robot = Robot()
    infos = robot.writer(INFO, "sensor_msgs/msg/CameraInfo")
    images = {
        kind: robot.writer(IMAGE, "sensor_msgs/msg/Image", getattr(robot, kind)) for kind in ("reliable", "best_effort")
    }
    kinds = {"poses": m.PoseArray, "nearest": m.PoseWithCovarianceStamped, "orientation": m.QuaternionStamped}
    heads = {
        name: robot.reader(f"/head_pose/{name}", f"geometry_msgs/msg/{kind.__name__}") for name, kind in kinds.items()
    }
    diagnostics = robot.reader("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray")
    sent: dict[tuple[int, int], int] = {}

    def exchange(kind: str) -> Any:
        """Send an image, and give what came back."""
        number = len(sent)
        infos.write(camera_info())
        images[kind].write(image(number))
        sent[1000 + number, 5 * number] = number
        time.sleep(0.05)
        return heads["nearest"].take(N=10)

    for kind in images:
        for message in until(lambda: exchange(kind)):  # noqa: B023
            assert (message.header.stamp.sec, message.header.stamp.nanosec) in sent
            assert message.header.frame_id == "camera_optical" and message.pose.pose.position.z > 0
            assert len(message.pose.covariance) == 36 and message.pose.covariance[0] > 0
    assert len(until(lambda: heads["poses"].take(N=1))[0].poses) == 1
    turn = until(lambda: heads["orientation"].take(N=1))[0].quaternion
    assert np.linalg.norm([turn.x, turn.y, turn.z, turn.w]) == pytest.approx(1.0)

    def bad() -> Any:
        images["reliable"].write(image(0, encoding="bayer_rggb8"))
        told = [status for array in diagnostics.take(N=10) for status in array.status]
        return [status for status in told if "bayer_rggb8" in status.message]

    status = until(bad)[0]
    values = {line.key: line.value for line in status.values}
    assert status.level in (1, 2) and int(values["bad"]) >= 1 and values["model"] == "fsanet"
    assert until(lambda: exchange("reliable")), "a bad image stops nothing"

    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0
    last = json.loads(out.splitlines()[-1])
    assert last["images"] >= 3 and last["bad"] >= 1 and last["detector"] == "full-frame"


class Running:
    """A node in a thread of this process."""

    def __init__(self, topics: Topics) -> None:
        self.reports: list[Report] = []
        follower = Follower(lambda camera: HeadPose(detector="full-frame", camera=camera), message_type, smoothing=None)
        self.node = Node(Participant(DOMAIN), follower, topics, on_report=self.reports.append)
        self.thread = threading.Thread(target=self.node.run, daemon=True)
        self.thread.start()

    def level_and_message(self) -> tuple[int, str]:
        return (self.reports[-1].level, self.reports[-1].message) if self.reports else (-1, "")


@pytest.fixture
def run() -> Iterator[Callable[[Topics], Running]]:
    nodes: list[Running] = []

    def start(topics: Topics) -> Running:
        nodes.append(Running(topics))
        return nodes[-1]

    yield start
    for one in nodes:
        one.node.stop()
        one.thread.join(TIMEOUT_S)
        assert not one.thread.is_alive()


def test_it_says_what_it_waits_for(run: Callable[[Topics], Running]) -> None:
    running, robot = run(Topics(IMAGE, INFO)), Robot()
    until(lambda: running.level_and_message() == (1, f"no image on {IMAGE}"))
    images, infos = robot.writer(IMAGE, "sensor_msgs/msg/Image"), robot.writer(INFO, "sensor_msgs/msg/CameraInfo")

    def send(info: Any = None) -> tuple[int, str]:
        images.write(image(1))
        if info is not None:
            infos.write(info)
        return running.level_and_message()

    until(lambda: "no camera info on /camera/camera_info yet" in send()[1])
    wrong = camera_info()
    wrong.k = [0.0] * 9
    until(lambda: "calibrated camera" in send(wrong)[1])
    until(lambda: send(camera_info()) == (0, "working"))


def test_compressed_images_without_a_camera(run: Callable[[Topics], Running]) -> None:
    import cv2

    run(Topics(f"{IMAGE}/compressed", None, prefix="/robot/heads"))
    robot = Robot()
    images = robot.writer(f"{IMAGE}/compressed", "sensor_msgs/msg/CompressedImage")
    turns = robot.reader("/robot/heads/orientation", "geometry_msgs/msg/QuaternionStamped")
    jpeg = cv2.imencode(".jpg", np.full((HEIGHT, WIDTH, 3), 90, np.uint8))[1].tobytes()

    def exchange() -> Any:
        images.write(m.CompressedImage(header(3), "jpeg", jpeg))
        return turns.take(N=1)

    assert until(exchange)[0].header == header(3)


def test_the_newest_message_wins_and_the_others_are_counted() -> None:
    robot, ours = Robot(), Participant(DOMAIN)
    inbox = ours.inbox("/numbers", "sensor_msgs/msg/Image", reliable=True)
    writer = robot.writer("/numbers", "sensor_msgs/msg/Image")
    until(writer.get_matched_subscriptions)
    assert inbox.take() is None
    for number in range(5):
        writer.write(image(number))
    until(lambda: inbox.arrived == 5)
    assert ours.woken.is_set()
    assert inbox.take() == image(4) and inbox.dropped == 4
    writer.write(image(5))
    until(lambda: inbox.arrived == 6)
    assert inbox.take() == image(5) and inbox.dropped == 4 and inbox.take() is None


def test_a_string_that_is_no_text_is_told(run: Callable[[Topics], Running]) -> None:
    running, robot = run(Topics(IMAGE, None)), Robot()
    images = robot.writer(IMAGE, "sensor_msgs/msg/Image")
    broken = image(1)
    broken.serialize = lambda **_: image(1).serialize().replace(b"camera", b"\xff\xfemera")

    def send(message: Any) -> tuple[int, str]:
        images.write(message)
        return running.level_and_message()

    until(lambda: "not UTF-8" in send(broken)[1])
    until(lambda: send(image(2)) == (0, "working"))


def test_a_writer_that_leaves_is_no_message() -> None:
    robot, ours = Robot(), Participant(DOMAIN)
    inbox = ours.inbox("/brief", "sensor_msgs/msg/Image")
    writer = robot.writer("/brief", "sensor_msgs/msg/Image")
    until(writer.get_matched_subscriptions)
    writer.write(image(1))
    until(lambda: inbox.take() is not None)
    del writer
    time.sleep(0.2)
    assert inbox.take() is None


@pytest.mark.parametrize("name", ["camera/image_raw", "/", "/camera//image", "/camera/", "/1", "/a b", ""])
def test_names_that_are_no_topics(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="such as /camera/image_raw"):
        check_topic(name)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--domain", "233"], "domain: expected 0 to 232, got 233"),
        (["--max-images", "0"], "--max-images: expected"),
        (["--prefix", "heads"], "topic: expected a name"),
        (["--model", "nonesuch"], "nonesuch"),
    ],
)
def test_bad_arguments(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ros-node", "--image-topic", IMAGE, "--domain", str(DOMAIN), *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_bad_domain_of_the_environment(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "seven")
    assert main(["ros-node", "--image-topic", IMAGE]) == 2
    assert "ROS_DOMAIN_ID: expected a whole number, got 'seven'" in capsys.readouterr().err


def test_a_network_that_is_not_there(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CYCLONEDDS_URI", LOOPBACK.replace('"lo"', '"nonesuch0"'))
    assert main(["ros-node", "--image-topic", IMAGE, "--domain", str(DOMAIN + 100)]) == 2
    assert f"DDS domain {DOMAIN + 100}: expected a network to join" in capfd.readouterr().err


def test_without_cyclonedds_the_message_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("hpe_edge.ros.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cyclonedds.core", None)
    assert main(["ros-node", "--image-topic", IMAGE]) == 2
    assert "pip install 'hpe-edge[ros]'" in capsys.readouterr().err
