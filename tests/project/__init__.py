"""A small Django project that Spotter's own tests run in."""
