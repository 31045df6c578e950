"""``python -m salesforce_bulk.emulator --port 8026 --data DIR``: a local org until it is interrupted."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from .local_org import LocalOrg


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m salesforce_bulk.emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8026, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--data", type=Path, help="folder to keep the org in; without it, nothing is kept")
    parser.add_argument("--schema", type=Path, help="JSON file of describe answers: one, or a list of them")
    parser.add_argument("--no-page", action="store_true", help="show nothing to browsers")
    options = parser.parse_args(arguments)
    with LocalOrg(options.port, options.data, options.schema, host=options.host, page=not options.no_page) as org:
        entrance = {
            "url": org.url,
            "access_token": org.access_token,
            "username": org.username,
            "password": org.password,
            "security_token": org.security_token,
            "client_id": org.client_id,
            "client_secret": org.client_secret,
        }
        print(json.dumps(entrance), flush=True)
        # Asked to end, it ends as if interrupted: temporary folders are cleared away.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
