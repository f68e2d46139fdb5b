"""Rules, the watcher that evaluates them, incidents and what is sent about them."""
