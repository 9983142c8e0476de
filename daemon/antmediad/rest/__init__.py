"""The REST API of an application, ``/{App}/rest/v2/...``: a module for each resource."""
