"""How gunicorn serves TrainerHub, here and in production."""

from __future__ import annotations

worker_class = "gthread"
# Threads that wait for a hung dependency leave others to answer: a worker takes more
# connections than its share, so that eight were too few for twelve hung requests.
threads = 16
# A worker that has not come round its loop for so long is replaced.
timeout = 60
# How long requests in flight may take after SIGTERM; below what serve, systemd and
# Kubernetes wait before they kill.
graceful_timeout = 20
keepalive = 5
# api.log has each request, with its id.
accesslog = None
loglevel = "warning"
# Its socket would be one path for all servers of a user.
control_socket_disable = True
