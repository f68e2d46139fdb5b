"""TrainerHub's domain runs where Spotter is not installed."""

from __future__ import annotations

import subprocess
import sys

from acceptance.trainerhub_server import CHECKOUT, environment
from tests.servers.processes import free_port

SCRIPT = """
import sys
sys.modules["spotter"] = None  # what an import finds that is not installed
import django
django.setup()
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
call_command("check")
person = {"email": "a@example.com", "password": "correct-horse-9", "full_name": "A"}
answer = Client().post(
    "/api/users/register/", person, "application/json", headers={"host": "localhost"}
)
print(answer.status_code, [name for name in sys.modules if name.startswith("spotter.")])
"""


def test_a_user_registers_with_spotter_uninstalled(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=CHECKOUT,
        env=environment(tmp_path, free_port()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["201 []"], done.stderr
