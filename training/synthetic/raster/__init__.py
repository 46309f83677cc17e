"""Triangles to pixels: visibility, shading, shadow maps."""
