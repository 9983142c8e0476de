"""The management API, ``/rest/v2/...``: users, applications, settings, the server."""
