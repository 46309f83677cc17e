"""Face detectors measured on photographs: faces found, faces invented, where they are, how long it takes."""
