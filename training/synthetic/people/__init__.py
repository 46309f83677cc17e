"""Who is drawn: identities, skin, expression, pose."""
