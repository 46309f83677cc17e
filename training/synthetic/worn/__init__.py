"""What is worn: clothes, hats, helmets, masks, glasses."""
