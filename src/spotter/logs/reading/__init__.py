"""Find lines in log files: plain or compressed, text or JSON, newest first."""
