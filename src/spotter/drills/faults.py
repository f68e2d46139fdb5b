"""How each rule's fault is made at its source, by this process."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from spotter.alerts.rules import Rule
from spotter.drills.drill import Undrillable
from spotter.drills.host import BusyCpu, FullDisk, FullLog, FullMemory
from spotter.drills.monitoring import DeadReceiver, SilentProcess
from spotter.drills.reading import InjectedReading
from spotter.drills.real import Fault
from spotter.drills.services import DeadEndpoint, OldCertificate, refused_check

FAULTS: dict[str, Callable[[Rule], Fault]] = {
    "DatabaseDown": refused_check,
    "CacheDown": refused_check,
    "HealthCheckFailing": DeadEndpoint,
    "CertificateExpiring": OldCertificate,
    "DiskSpaceLow": FullDisk,
    "HighMemory": FullMemory,
    "HighCPU": BusyCpu,
    "LogLinesDropped": FullLog,
    "MonitoringNoData": SilentProcess,
    "NotificationChannelFailing": DeadReceiver,
}


def fault_of(rule: Rule) -> Fault:
    """How a rule's fault is made here; an injected reading where it can't be."""
    make = FAULTS.get(rule.name)
    if make is None:
        return InjectedReading(rule, "nothing real can be made slow or full for it")
    try:
        return make(rule)
    except (Undrillable, OSError, subprocess.SubprocessError) as error:
        return InjectedReading(rule, str(error) or type(error).__name__)
