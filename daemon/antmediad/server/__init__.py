"""The running daemon: builds every part, listens, and stops in order."""
