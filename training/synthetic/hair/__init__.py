"""What grows on the head."""
