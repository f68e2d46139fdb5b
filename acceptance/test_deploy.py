"""What `deploy/` holds is valid, and keeps the promises made for it."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import kubernetes_validate
import pytest
import yaml

from tests.servers.processes import accepts, free_port, program, running

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
DEPLOY = CHECKOUT / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
UNITS = sorted((DEPLOY / "systemd").iterdir())
PROBES = """
livenessProbe:
  httpGet:
    path: /live/
    port: 8000
  initialDelaySeconds: 30
  periodSeconds: 10
readinessProbe:
  httpGet:
    path: /ready/
    port: 8000
  initialDelaySeconds: 5
  periodSeconds: 5
"""


def documents() -> list[dict[str, Any]]:
    return [
        document
        for path in MANIFESTS
        for document in yaml.safe_load_all(path.read_text())
    ]


def web_container() -> dict[str, Any]:
    [deployment] = [
        document
        for document in documents()
        if (document["kind"], document["metadata"]["name"])
        == ("Deployment", "trainerhub-web")
    ]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return dict(container)


@pytest.mark.parametrize(
    "document",
    documents(),
    ids=lambda about: f"{about['kind']}-{about['metadata']['name']}",
)
def test_each_manifest_satisfies_kubernetes_schema(document):
    kubernetes_validate.validate(document, kubernetes_validate.latest_version())


def test_the_schema_would_find_a_mistake():
    document = documents()[0] | {"spec": {"replicas": "two"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, kubernetes_validate.latest_version())


@pytest.mark.parametrize("name", ["livenessProbe", "readinessProbe"])
def test_the_probes_are_those_that_are_documented(name):
    wanted = yaml.safe_load(PROBES)[name]
    assert {key: web_container()[name][key] for key in wanted} == wanted


def test_every_pod_runs_without_root():
    specs = [
        document["spec"].get("jobTemplate", document)["spec"]["template"]["spec"]
        for document in documents()
        if document["kind"] in ("Deployment", "CronJob")
    ]
    assert len(specs) == 5
    assert all(spec["securityContext"]["runAsNonRoot"] for spec in specs)


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


def compose_schema() -> dict[str, Any]:
    path = CHECKOUT / "acceptance" / "schemas" / "compose-spec.json"
    return dict(json.loads(path.read_text()))


def test_the_compose_file_satisfies_the_compose_specification():
    jsonschema.Draft201909Validator(compose_schema()).validate(compose())


def test_the_specification_would_find_a_mistake():
    mistaken = {"services": {"web": {"imagee": "trainerhub"}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft201909Validator(compose_schema()).validate(mistaken)


def test_compose_runs_web_worker_postgres_redis_and_nginx():
    assert {"web", "worker", "postgres", "redis", "nginx"} <= set(compose()["services"])


def cron_job(name: str) -> dict[str, Any]:
    [found] = [
        document
        for document in documents()
        if (document["kind"], document["metadata"]["name"]) == ("CronJob", name)
    ]
    return dict(found["spec"]["jobTemplate"]["spec"]["template"]["spec"])


def test_a_backup_is_made_each_day_wherever_it_runs():
    timer = (DEPLOY / "systemd" / "trainerhub-backup.timer").read_text()
    assert "OnCalendar=*-*-* 03:10:00 UTC" in timer
    assert "Persistent=true" in timer
    service = (DEPLOY / "systemd" / "trainerhub-backup.service").read_text()
    assert "manage.py backup" in service
    assert compose()["services"]["backup"]["command"][-2:] == ["backup", "--every-seconds=86400"]  # fmt: skip
    assert "backup" in cron_job("trainerhub-backup")["containers"][0]["command"]


def test_a_backup_is_kept_where_no_pod_takes_it_along():
    spec = cron_job("trainerhub-backup")
    [container] = spec["containers"]
    [target] = [c for c in container["command"] if c.startswith("--to=")]
    mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
    volume = {v["name"]: v for v in spec["volumes"]}[
        mounts[target.removeprefix("--to=")]
    ]
    assert "persistentVolumeClaim" in volume
    assert "backups:/data/var/backups" in compose()["services"]["backup"]["volumes"]


def test_the_image_s_pg_dump_is_not_older_than_the_server():
    server = compose()["services"]["postgres"]["image"].partition(":")[2].partition("-")[0]  # fmt: skip
    assert f"postgresql-client-{server}" in (DEPLOY / "Dockerfile").read_text()


def test_compose_refuses_to_start_without_its_secrets():
    environment = compose()["x-trainerhub"]["environment"]
    assert environment["SECRET_KEY"].startswith("${SECRET_KEY:?")
    assert "${POSTGRES_PASSWORD:?" in environment["DATABASE_URL"]


def test_only_nginx_is_reached_from_outside():
    services = compose()["services"]
    assert [name for name, about in services.items() if "ports" in about] == ["nginx"]


@pytest.mark.parametrize(
    "name", [service for service, about in compose()["services"].items()]
)
def test_what_compose_mounts_and_builds_exists(name):
    service = compose()["services"][name]
    for volume in service.get("volumes", []):
        source = volume.partition(":")[0]
        if source.startswith("."):
            assert (DEPLOY / source).exists()
    if "build" in service:
        build = service["build"]
        assert (DEPLOY / build["context"] / build["dockerfile"]).exists()


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, with continued lines joined."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_image_copies_only_what_exists_and_is_not_ignored():
    allowed = {
        line[1:]
        for line in (CHECKOUT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    for word, rest in instructions():
        if word == "COPY" and "--from" not in rest:
            sources = set(shlex.split(rest)[:-1])
            assert sources <= allowed
            assert all((CHECKOUT / source).exists() for source in sources)


def test_the_image_s_base_is_pinned_to_a_python_that_is_tested():
    bases = {rest.split()[0] for word, rest in instructions() if word == "FROM"}
    assert bases == {"python:3.11-slim-bookworm"}


def test_the_image_runs_without_root_and_is_probed():
    words = dict(instructions())
    assert words["USER"] == "10001"
    assert "/live/" in words["HEALTHCHECK"]


def test_the_image_holds_no_secret():
    text = (DEPLOY / "Dockerfile").read_text()
    assert not re.search(r"(KEY|TOKEN|PASSWORD|DSN)\s*=", text)


def test_the_image_starts_what_serve_starts():
    command = json.loads(dict(instructions())["CMD"])
    assert command[:4] == [
        *("gunicorn", "trainerhub.wsgi", "--config", "deploy/gunicorn.conf.py")
    ]


def copy_as_the_image_does(into: pathlib.Path) -> None:
    for word, rest in instructions():
        if word != "COPY" or rest.startswith("--from=build"):
            continue
        *sources, target = shlex.split(rest)
        for source in sources:
            name = target.removeprefix("/app/").removeprefix("./") or source
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            if (CHECKOUT / source).is_dir():
                shutil.copytree(CHECKOUT / source, into / name)
            else:
                shutil.copy(CHECKOUT / source, into / name)


def test_what_the_image_copies_is_enough_to_serve_in_production(tmp_path):
    app, port = tmp_path / "app", free_port()
    copy_as_the_image_does(app)
    bin_folder = pathlib.Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    env["TRAINERHUB_HOME"] = str(tmp_path)
    env.pop("DJANGO_SETTINGS_MODULE", None)
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput"]
    subprocess.run(collect, cwd=app, env=env, check=True, capture_output=True)
    command = json.loads(dict(instructions())["CMD"])
    command[command.index("0.0.0.0:8000")] = f"127.0.0.1:{port}"
    env |= {"TRAINERHUB_ENVIRONMENT": "production", "SECRET_KEY": "long " * 10}
    with running(
        command, lambda: accepts(port), env=env, cwd=str(app), log=str(tmp_path / "log")
    ):
        answer = httpx.get(
            f"http://127.0.0.1:{port}/static/admin/css/base.css",
            headers={"Host": "trainerhubb.app", "X-Forwarded-Proto": "https"},
            trust_env=False,
            # Its workers may still be starting.
            timeout=60,
        )
    assert answer.status_code == 200


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_each_unit_is_one_that_systemd_accepts(unit, tmp_path):
    analyze = program("systemd-analyze")
    # Where it will be installed is not here: put programs that exist in its place.
    for path in UNITS:
        text = re.sub(r"/srv/trainerhub/\.venv/bin/\w+", "/bin/true", path.read_text())
        (tmp_path / path.name).write_text(
            text.replace("WorkingDirectory=/srv/trainerhub", "WorkingDirectory=/")
        )
    checked = subprocess.run(
        [analyze, "verify", "--man=no", "--recursive-errors=no", tmp_path / unit.name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_each_service_has_its_own_user_and_a_bounded_end(unit):
    text = unit.read_text()
    if unit.suffix == ".service":
        assert "User=trainerhub" in text
        assert re.search(r"Timeout(Stop|Start)Sec=\d+", text)


@pytest.fixture
def nginx(tmp_path):
    """nginx with the shipped configuration, before a server that tells what it got."""
    (tmp_path / "tls").mkdir()
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=localhost", "-keyout", str(tmp_path / "tls/privkey.pem")),
            *("-out", str(tmp_path / "tls/fullchain.pem")),
        ],
        check=True,
        capture_output=True,
    )
    with echoing() as port:
        plain, tls = free_port(), free_port()
        text = (DEPLOY / "nginx" / "trainerhub.conf").read_text()
        text = text.replace("web:8000", f"127.0.0.1:{port}")
        text = text.replace("listen 80;", f"listen 127.0.0.1:{plain};")
        text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{tls} ssl")
        text = text.replace("/etc/nginx/tls", str(tmp_path / "tls"))
        (tmp_path / "site.conf").write_text(text)
        main = tmp_path / "nginx.conf"
        main.write_text(NGINX_MAIN.replace("@", str(tmp_path)))
        command = [program("nginx", "/usr/sbin/nginx"), "-p", str(tmp_path)]
        command += ["-c", str(main)]
        subprocess.run([*command, "-t"], check=True, capture_output=True)
        with running(command, lambda: accepts(tls), log=str(tmp_path / "log")):
            yield f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{tls}"


NGINX_MAIN = """
daemon off; pid @/nginx.pid; error_log @/error.log;
events {}
http {
    access_log off;
    client_body_temp_path @/body; proxy_temp_path @/proxy;
    fastcgi_temp_path @/fastcgi; uwsgi_temp_path @/uwsgi; scgi_temp_path @/scgi;
    include @/site.conf;
}
"""


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the headers that it was sent."""

    def do_GET(self) -> None:
        content = json.dumps({k.lower(): v for k, v in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def echoing() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def through(nginx, path: str, **headers: str) -> httpx.Response:
    _, tls = nginx
    # The certificate is this test's own.
    return httpx.get(tls + path, headers=headers, verify=False, trust_env=False)  # noqa: S501


def test_nginx_says_that_the_client_came_by_tls(nginx):
    got = through(nginx, "/api/", **{"X-Forwarded-Proto": "http"}).json()
    assert got["x-forwarded-proto"] == "https"


def test_nginx_does_not_believe_a_client_s_address(nginx):
    got = through(nginx, "/api/", **{"X-Forwarded-For": "198.51.100.7"}).json()
    assert got["x-forwarded-for"] == "127.0.0.1"


def test_nginx_passes_a_request_id_on(nginx):
    got = through(nginx, "/api/", **{"X-Request-ID": "shop-4711.abc"}).json()
    assert got["x-request-id"] == "shop-4711.abc"


@pytest.mark.parametrize("given", ["", "short", "a" * 65, "two words here"])
def test_nginx_makes_a_request_id_when_there_is_no_good_one(nginx, given):
    got = through(nginx, "/api/", **{"X-Request-ID": given}).json()
    assert re.fullmatch("[0-9a-f]{32}", got["x-request-id"])


@pytest.mark.parametrize("path", ["/health/", "/ready/", "/live/"])
def test_nginx_lets_nobody_keep_a_probe_s_answer(nginx, path):
    assert "no-store" in through(nginx, path).headers["Cache-Control"]


def test_nginx_keeps_metrics_inside(nginx):
    assert through(nginx, "/metrics/").status_code == 404


def test_nginx_sends_plain_http_to_tls(nginx):
    plain, _ = nginx
    answer = httpx.get(f"{plain}/ready/", trust_env=False)
    assert (answer.status_code, answer.headers["Location"][:8]) == (308, "https://")
