"""The web server: web2py's own, serving one instance until SIGTERM."""
from __future__ import annotations

import argparse
import gc
from pathlib import Path

from launcher.instance import Instance
from launcher.processes import end_with_parent

__all__ = ("serve",)

#: Each may hold a database connection; a request waits for a free thread, a client for the queue
MIN_THREADS = 4
MAX_THREADS = 24
QUEUE = 64

#: A request makes tens of thousands of objects, tables above all, and nearly all go without the garbage collector, which by default
#: looks after every 700: that was a tenth of the time of a look-up
ALLOCATIONS_BETWEEN_COLLECTIONS = 50_000


def serve(instance: Instance, port: int, host: str = "127.0.0.1") -> None:
    """Serve the instance, with a line per request on the standard output; returns after SIGTERM or SIGINT."""
    instance.enter()
    gc.set_threshold(ALLOCATIONS_BETWEEN_COLLECTIONS, 20, 20)
    from gluon.main import HttpServer

    server = HttpServer(
        ip=host,
        port=port,
        # web2py's admin application is not part of this; an existing password is neither asked for nor changed
        password="<recycle>",
        pid_filename=str(instance.folder / f"httpserver-{port}.pid"),
        log_filename=None,
        server_name=host,
        min_threads=MIN_THREADS,
        max_threads=MAX_THREADS,
        request_queue_size=QUEUE,
        path=str(instance.folder),
    )
    print(f"serving http://{host}:{port}/{instance.app}", flush=True)
    server.start()


def main() -> None:
    parser = argparse.ArgumentParser(prog="launcher.webserver")
    parser.add_argument("folder", type=Path)
    parser.add_argument("app")
    parser.add_argument("port", type=int)
    parser.add_argument("--host", default="127.0.0.1")
    arguments = parser.parse_args()
    end_with_parent()
    serve(Instance(arguments.folder, arguments.app), arguments.port, arguments.host)


if __name__ == "__main__":
    main()
