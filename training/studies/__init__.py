"""Studies of the five papers as commands: each makes a table, its numbers as JSON, and a figure."""
