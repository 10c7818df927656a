"""The images in docs, made from the real console."""
