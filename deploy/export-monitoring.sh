#!/bin/sh
# Write deploy/prometheus, deploy/alertmanager and deploy/grafana anew from TrainerHub's
# production settings. The values stand for secrets: none of them is in what is written.
set -eu
cd "$(dirname "$0")/.."
into=${1:-deploy}
export DJANGO_SETTINGS_MODULE=trainerhub.settings
export TRAINERHUB_ENVIRONMENT=production TRAINERHUB_HOME="${TRAINERHUB_HOME:-/tmp/trainerhub-export}"
export SECRET_KEY=only-for-this-export-0123456789abcdefghijklmnopqrstuvwxyz
export DATABASE_URL=sqlite:///:memory: REDIS_URL= SENTRY_DSN= SPOTTER_STORE= SENTRY_ENVIRONMENT=
export SPOTTER_TOKEN=a-token-0123456789abcdefghijklmnop SPOTTER_METRICS_ACCESS=token
export SPOTTER_PUBLIC_URL=https://trainerhubb.app/spotter/ SPOTTER_RUNBOOK_URL= SPOTTER_PROBE_URL=
export ALERT_EMAIL=devops@trainerhubb.app
export SLACK_WEBHOOK_URL=https://hooks.slack.com/services/a/b/c
export PAGERDUTY_ROUTING_KEY=0123456789abcdef0123456789abcdef PAGERDUTY_URL=
for what in prometheus alertmanager grafana; do
  "${PYTHON:-.venv/bin/python}" manage.py spotter export "$what" --job trainerhub \
    --target 127.0.0.1:8000 --output "$into/$what"
done
