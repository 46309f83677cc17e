"""Rendered sets: heads, sequences and scenes, their shards, cards and commands."""
