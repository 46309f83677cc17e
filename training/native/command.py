"""``hpe-edge convert``. Heavy imports wait until it runs."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from hpe_edge.cardfiles import FileEntry, read_network
from hpe_edge.errors import InvalidArgumentError, ModelNotFoundError
from hpe_edge.modelcard import load_card, save_card

KIND = "safetensors"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``convert``."""
    parser = subparsers.add_parser(
        "convert",
        help="make the native network's file from a card's ONNX file",
        description="Write NAME.safetensors beside a model card, from the card's ONNX file, and enter it in the card.",
    )
    parser.add_argument("card", type=Path, help="model card (*.json) with an onnx file")
    parser.add_argument("--replace", action="store_true", help="make it anew where the card has one")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Convert; prints the file and what it holds."""
    path = convert_card(args.card, overwrite=args.replace)
    if args.json:
        print(json.dumps({KIND: str(path), "bytes": path.stat().st_size, "card": str(args.card)}))
    else:
        print(f"{path} ({path.stat().st_size} bytes), entered in {args.card}")
    return 0


def convert_card(card_path: Path, *, overwrite: bool = False) -> Path:
    """Write the native network's file beside a card and enter it there; returns its path.

    Raises:
        InvalidArgumentError: the card has such a file and ``overwrite`` is false, or an operator has no native form.
        ModelNotFoundError, CorruptModelError: the card or its ONNX file is missing or damaged.
    """
    import onnx
    from google.protobuf.message import DecodeError
    from hpe_edge.training.native.convert import network_bytes
    from hpe_edge.training.native.sharing import share_weights

    card = load_card(card_path)
    if KIND in card.files and not overwrite:
        raise InvalidArgumentError(f"{card_path}: has the native file {card.files[KIND].path}; --replace makes it anew")
    if "onnx" not in card.files:
        raise ModelNotFoundError(f"{card_path}: expected a card with an onnx file, got {sorted(card.files)}")
    try:
        model = onnx.load_from_string(read_network(card, "onnx", card_path.parent))
    except DecodeError as error:
        raise InvalidArgumentError(f"{card.files['onnx'].path}: expected an ONNX network, got {error}") from error
    path = card_path.with_suffix(f".{KIND}")
    path.write_bytes(network_bytes(model))
    # 8-bit files were made from what is replaced here
    kept = {kind: entry for kind, entry in card.files.items() if not kind.endswith("-int8")}
    if kept["onnx"].weights == KIND:
        onnx_path = card_path.parent / kept["onnx"].path
        onnx_path.write_bytes(share_weights(model, path.read_bytes(), path.name).SerializeToString())
        kept["onnx"] = FileEntry.of(onnx_path, weights=KIND)
    save_card(replace(card, files={**kept, KIND: FileEntry.of(path)}, int8=None), card_path)
    return path
