"""Figures of antmediad beside those of its peers, from the same run; never part of the tests."""
