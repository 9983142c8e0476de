"""The web panel: static files that run in the browser, served as they are."""
