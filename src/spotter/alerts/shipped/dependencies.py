"""What the service stands on, asked by the watcher itself."""

from __future__ import annotations

from spotter import conf
from spotter.alerts.expressions import DAY, HOUR, MINUTE, BestOf, Gauge
from spotter.alerts.probing import opinion
from spotter.alerts.rules import Rule, Severity

#: How long a check's word holds, at least, and in intervals: one may be late.
CHECK_SECONDS, CHECK_INTERVALS = 90.0, 3.0


def rules() -> list[Rule]:
    """Probes from outside, the database, the cache, certificates."""
    heard = CHECK_INTERVALS * conf.get_settings().probe_seconds
    return [
        Rule(
            name="HealthCheckFailing",
            # Two probes before shouting: the expression counts them.
            expression=opinion(),
            threshold=0.5,
            below=True,
            severity=Severity.CRITICAL,
            summary="{labels} does not answer as it should",
            because_of=("DatabaseDown",),
            no_data_after=5 * MINUTE,
        ),
        *(
            Rule(
                name=name,
                # One watcher that reaches it is enough, as with probes: the other's
                # network is broken.
                expression=BestOf(
                    name="spotter.health_check.up",
                    by="check",
                    of="watcher",
                    where={"kind": kind},
                    window=max(CHECK_SECONDS, heard),
                ),
                threshold=0.5,
                below=True,
                for_=10.0,
                severity=Severity.CRITICAL,
                summary=f"The {kind} can't be used: the check {{labels}} fails",
                no_data_after=5 * MINUTE,
            )
            for name, kind in (("DatabaseDown", "database"), ("CacheDown", "cache"))
        ),
        Rule(
            name="CertificateExpiring",
            expression=Gauge(name="spotter.probe.tls.expiry", by=("probe",), window=HOUR),
            threshold=14 * DAY,
            clear=15 * DAY,
            below=True,
            every=MINUTE,
            unit="days",
            summary="The certificate of {labels} expires in {value}",
        ),
    ]  # fmt: skip
