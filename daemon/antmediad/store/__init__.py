"""Keeps records: each application's data, the settings that were in force, key sets."""
