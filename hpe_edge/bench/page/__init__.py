"""Pages of benchmarks: one HTML file each, with nothing to load from elsewhere."""
