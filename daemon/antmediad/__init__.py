"""Watches Ant Media Server's properties files and serves each application's guarded REST API."""

__version__ = "0.1.0"
__build__ = "20261121_0000"
"""When this version was made, in Ant Media Server's form ``yyyyMMdd_HHmm``."""
