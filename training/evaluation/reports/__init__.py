"""What is made of an evaluation: plots, photographs with axes, a page to read, a table of several models."""
