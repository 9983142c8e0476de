"""The applications of a home directory: found, watched, reloaded; each with its snapshot."""
