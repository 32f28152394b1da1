"""How nginx serves a mirror: read-only, one folder, in the foreground."""

from __future__ import annotations

import getpass
import os
import re
from pathlib import Path

from greenfield.errors import ArtifactError

CONFIGURATION = """# Written by greenfield mirror serve.
daemon off;
{user}worker_processes 2;
pid {state}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  server_tokens off;
  sendfile on;
  tcp_nopush on;
  default_type application/octet-stream;
  client_body_temp_path {state}/body;
  proxy_temp_path {state}/proxy;
  fastcgi_temp_path {state}/fastcgi;
  uwsgi_temp_path {state}/uwsgi;
  scgi_temp_path {state}/scgi;
  server {{
    listen {listen};
    root {root};
    # Hosts read; nothing else.
    if ($request_method !~ ^(GET|HEAD)$) {{ return 405; }}
    location ~ /\\. {{ return 404; }}
    location ~ ^/(apt|files)/ {{ try_files $uri =404; }}
    location / {{ return 404; }}
  }}
}}
"""


def configuration(state: Path, root: Path, listen: str) -> str:
    """The text of nginx.conf.

    Raises:
        ArtifactError: ``listen`` is not ADDRESS:PORT, or a path has characters that nginx.conf gives meaning to.
    """
    if not re.fullmatch(r"(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]):\d{1,5}", listen):
        raise ArtifactError(f"can't listen on {listen!r}", fix="ADDRESS:PORT, e.g. 10.20.0.5:8080 or [fd00::5]:8080")
    for path in (state, root):
        if re.search(r"[\s;{}'\"$]", str(path)):
            raise ArtifactError(
                f"nginx can't be told of the path {path}", fix="set GREENFIELD_MIRROR_DIR to a plain one"
            )
    # Workers of a root nginx would become nobody, who can't read a mirror below a private home.
    user = f"user {getpass.getuser()};\n" if os.geteuid() == 0 else ""
    return CONFIGURATION.format(state=state, root=root, listen=listen, user=user)
