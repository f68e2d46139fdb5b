#!/usr/bin/env bash
# Install the servers and tools that the tests start, from Debian's packages.
set -euo pipefail

# A Sentry of the acceptance tests' own, from npm. Debian 12 has Node 18 and Spotlight
# needs 20, so Node itself is not installed here.
spotlight="$(dirname "$0")/../acceptance/sentry"
if ! command -v npm >/dev/null; then
  echo "npm is missing: the tests that read Sentry back are skipped" >&2
elif [ ! -d "$spotlight/node_modules" ]; then
  npm ci --silent --ignore-scripts --prefix "$spotlight"
fi

# package:program that shows it is there
wanted=(
  postgresql:/usr/lib/postgresql/*/bin/postgres
  redis-server:/usr/bin/redis-server
  memcached:/usr/bin/memcached
  prometheus:/usr/bin/promtool
  prometheus-alertmanager:/usr/bin/prometheus-alertmanager
  chromium:/usr/bin/chromium
  nginx-light:/usr/sbin/nginx
  logrotate:/usr/sbin/logrotate
  wrk:/usr/bin/wrk
)
missing=()
for entry in "${wanted[@]}"; do
  compgen -G "${entry#*:}" >/dev/null || missing+=("${entry%%:*}")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "every service is installed"
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "missing: ${missing[*]}" >&2
  echo "as root on Debian: apt-get install ${missing[*]}" >&2
  echo "the tests that need them are skipped until then" >&2
  exit 1
fi
# Tests start their own servers; none of these is to run by itself.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod +x /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}"
