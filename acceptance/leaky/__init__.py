"""A project whose one view logs and raises with every secret in reach."""
