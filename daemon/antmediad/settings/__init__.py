"""Settings: properties typed, checked and frozen; the only place with the keys' spellings."""
