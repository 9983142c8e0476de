"""The management API: who may do what, and the requests of its panels."""
