"""What `manage.py spotter` can be told to do, one module for each."""
