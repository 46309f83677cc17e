"""Accuracy and model cards, from the cards that ship in the wheel."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from _pages.markdown import ABSENT, code, number, share, table

Card = Mapping[str, Any]

LICENCES = {"Apache-2.0": "[Apache-2.0](https://www.apache.org/licenses/LICENSE-2.0)"}


def read_card(path: Path) -> Card:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def accuracy_page(models: Path) -> str:
    """For each model its errors in degrees, how well the spread covers them, and what 8 bits cost."""
    return "\n".join(_accuracy(read_card(path)) for path in sorted(models.glob("*.json")))


def _accuracy(card: Card) -> str:
    metrics = card["metrics"]
    errors = [
        [
            code(m["dataset"]),
            number(m.get("count"), 0),
            *(number(m.get(name)) for name in ("yaw_deg", "pitch_deg", "roll_deg")),
            f"**{number(m.get('mae_deg'))}**",
            *(number(m.get(name)) for name in ("geodesic_deg", "maev_deg")),
        ]
        for m in metrics
    ]
    covered = [[code(m["dataset"]), *map(share, m["spread_coverage"])] for m in metrics if m.get("spread_coverage")]
    parts = [
        f"## {code(card['name'])} {card['version']}\n",
        table(["data set", "photographs", "yaw", "pitch", "roll", "MAE", "geodesic", "MAEV"], errors),
        "Mean absolute errors in degrees, weights in float32.\n",
        *(_how(m) for m in metrics),
    ]
    if covered:
        parts += [
            "\n### Spread\n",
            "Share of the errors within one and two of the standard deviations that come with every angle.\n",
            table(["data set", "within one (nominal 68.3 %)", "within two (nominal 95.4 %)"], covered),
        ]
    if int8 := card.get("int8"):
        parts += [
            "\n### Eight bits\n",
            f"On {number(int8['heads'], 0)} rendered heads the angles of the 8-bit network are "
            f"{number(int8['shift_deg'])} degrees from those in float32 (mean absolute difference); a model that "
            f"is further off than {number(int8['bound_deg'])} degrees does not pass the gate of `hpe-edge quantize`.\n",
        ]
    return "\n".join(parts)


def _how(metric: Mapping[str, Any]) -> str:
    conditions = ", ".join(str(metric[name]) for name in ("split", "protocol", "crop") if metric.get(name))
    return f"- {code(metric['dataset'])}: {conditions}; {code(metric['command'])}"


def detector_page(detectors: Path) -> str:
    """For each detector which faces it finds and what it invents."""
    return "\n".join(_detection(read_card(path)) for path in sorted(detectors.glob("*.json")))


def _detection(card: Card) -> str:
    metrics = card["metrics"]
    faces = [
        [
            code(m["dataset"]),
            number(m["count"], 0),
            share(m["recall_iou_50"]),
            number(m.get("mean_iou"), 3),
            number(m.get("landmark_error"), 3),
        ]
        for m in metrics
        if "recall_iou_50" in m
    ]
    alarms = [
        [code(m["dataset"]), number(m["count"], 0), number(m["false_alarms_a_picture"], 3)]
        for m in metrics
        if "false_alarms_a_picture" in m
    ]
    poses = [
        [
            m["dataset"],
            number(m["count"], 0),
            number(m["missed"], 0),
            number(m["mae_deg"]),
            number(m["labelled_boxes_mae_deg"]),
        ]
        for m in metrics
        if "labelled_boxes_mae_deg" in m
    ]
    commands = dict.fromkeys(m["command"] for m in metrics)
    return "\n".join(
        [
            f"## Face detector {code(card['name'])} {card['version']}\n",
            table(["data set", "photographs", "recall (IoU 0.5)", "mean IoU", "landmark error"], faces),
            "Pictures of nobody:\n",
            table(["set", "pictures", "false alarms a picture"], alarms),
            "The pose with boxes that were found:\n",
            table(["set", "found", "not found", "MAE", "MAE with labelled boxes"], poses),
            *(f"- {code(command)}" for command in commands),
            "",
        ]
    )


def models_page(paths: Sequence[Path]) -> str:
    """Each card: what it is, its files, its input, where its weights come from."""
    return "\n".join(_model(read_card(path)) for path in paths)


def _model(card: Card) -> str:
    training = card["training"]
    licence = LICENCES.get(card["licence"], card["licence"])
    sets = ", ".join(
        f"{number(data['count'], 0)} {_kind(data)} of seed {data['seed']}" for data in training.get("datasets", [])
    )
    facts = [
        ["licence", licence],
        ["format", code(card["format"])],
        ["input", _input(card["input"])],
        *([["head", _head(card["head"])]] if "head" in card else []),
        *([["zero of pitch", f"{card['pitch_zero_deg']:+.2f} degrees"]] if "pitch_zero_deg" in card else []),
        ["trained on", sets or ABSENT],
        ["last run", f"{number(training.get('steps'), 0)} steps, {number(training.get('minutes'), 0)} minutes"],
        ["commit", code(training.get("commit", "unknown"))],
    ]
    files = [
        [
            code(kind),
            code(entry["path"]),
            number(entry["bytes"] / 1e6, 3),
            f"<span class='sha'>{entry['sha256']}</span>",
        ]
        for kind, entry in sorted(card["files"].items())
    ]
    recipe = json.dumps(training.get("recipe", training.get("config")), indent=2)
    return "\n".join(
        [
            f"## {code(card['name'])} {card['version']}\n",
            f"{card['description'][0].upper()}{card['description'][1:]}.\n",
            table(["", ""], facts, left=2),
            table(["file", "name", "MB", "sha256"], files, left=4),
            *_measured(card["metrics"]),
            ":::{dropdown} Recipe of the last run\n```json",
            recipe,
            "```\n:::\n",
        ]
    )


def _measured(metrics: Sequence[Mapping[str, Any]]) -> list[str]:
    """The metrics as the card has them: a row each, the command below."""
    rows = [[code(m["dataset"]), number(m.get("count"), 0), _values(m)] for m in metrics]
    return [table(["measured on", "pictures", ""], rows, left=3)] if rows else []


def _values(metric: Mapping[str, Any]) -> str:
    """``mae 3.909, yaw 3.425``: the numbers that stand for themselves."""
    hidden = {"dataset", "command", "protocol", "crop", "split", "count", "spread_coverage"}
    shown = {name: value for name, value in metric.items() if name not in hidden and value is not None}
    return ", ".join(
        f"{_words(name)} {number(value, 0 if isinstance(value, int) else 3)}" for name, value in shown.items()
    )


def _words(name: str) -> str:
    """``false_alarms_a_picture`` for people."""
    return name.removesuffix("_deg").replace("_", " ")


def _kind(data: Mapping[str, Any]) -> str:
    return {"hpe-edge-heads/1": "rendered heads", "hpe-edge-scenes/1": "rendered scenes"}.get(
        data["format"], code(data["format"])
    )


def _input(spec: Mapping[str, Any]) -> str:
    if "longest_side" in spec:
        size = f"longer side {spec['longest_side']} pixels"
    else:
        size = f"{spec['width']} x {spec['height']} pixels, margin {spec['margin']} on each side of the tight box"
    return f"{size}, {spec['channel_order'].upper()}"


def _head(head: Mapping[str, Any]) -> str:
    spread = head.get("spread")
    scale = ", ".join(number(value) for value in spread["scale"]) if spread else ""
    return f"{code(head['kind'])}" + (f"; spread calibrated by {scale}" if spread else "; no spread")
