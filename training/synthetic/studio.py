"""What a rendering worker loads once."""

from __future__ import annotations

from functools import cached_property

import cv2
from hpe_edge.training.synthetic.assets import AssetLibrary, open_assets
from hpe_edge.training.synthetic.body.head_model import HeadModel, load_head_model
from hpe_edge.training.synthetic.light.lights import Environment, load_environments
from hpe_edge.training.synthetic.occlusion.company import Companion

from hpe_edge.errors import AssetError


class Studio:
    """Heads and light, read from verified assets when first asked for; a few seconds and some 0.4 GB."""

    def __init__(self, assets: AssetLibrary) -> None:
        cv2.setNumThreads(1)
        self.assets = assets
        self.companions: dict[tuple[int, ...], Companion] = {}

    @cached_property
    def model(self) -> HeadModel:
        """Heads and everything that can be put on them."""
        return load_head_model(self.assets)

    @cached_property
    def environments(self) -> tuple[Environment, ...]:
        """Light and backgrounds."""
        return load_environments(self.assets)


class StudioElsewhere(Studio):
    """A studio on another machine, which may have other files at the caller's paths: they are checked anew."""

    @cached_property
    def model(self) -> HeadModel:
        """As ``Studio.model``; raises ``AssetError`` for files that are missing or not the caller's."""
        wanted = self.assets
        found = open_assets(wanted.folder, wanted.head_folder)
        if found.manifest_sha256 != wanted.manifest_sha256:
            raise AssetError(
                f"assets on this worker's machine: expected {wanted.folder / 'MANIFEST.json'} with sha256 "
                f"{wanted.manifest_sha256}, got {found.manifest_sha256}; copy the folder to every machine"
            )
        return load_head_model(found)
