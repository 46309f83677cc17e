"""Measures of how near the rendered heads come to photographs."""
