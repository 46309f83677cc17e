"""What comes between camera and face: hands, things, other people."""
