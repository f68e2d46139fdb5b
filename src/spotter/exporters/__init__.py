"""What others read of the same rules: Prometheus, Alertmanager, Grafana."""
