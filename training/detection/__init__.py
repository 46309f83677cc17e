"""The face detector: pictures with many faces, a network that finds them, its training and evaluation."""
