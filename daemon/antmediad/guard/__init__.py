"""Decides whether a request may reach an application: the IP filter, then the JWT filter."""
