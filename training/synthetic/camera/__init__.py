"""From radiance to a stored picture: lens, sensor, film, borders."""
