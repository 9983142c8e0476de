"""Java ``.properties`` files: reading them as ``java.util.Properties`` does."""
