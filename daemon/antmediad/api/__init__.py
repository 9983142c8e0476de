"""What the REST APIs are made of: routes, fields, bodies, answers, and their description."""
