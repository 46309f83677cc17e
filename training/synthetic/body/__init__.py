"""The human body that is drawn: MakeHuman's mesh, its regions, landmarks and hands."""
