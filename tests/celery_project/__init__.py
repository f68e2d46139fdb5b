"""A project with Celery, for workers that tests start."""
