"""Serves moto on a free port of the loopback. Argument: the file that the port is written to."""

import logging
import os
import sys
import threading

import untruths
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)
untruths.correct()

account = DomainDispatcherApplication(create_backend_app)
one_at_a_time = threading.Lock()


def serve(environ, start_response):
    # moto's memory is shared, and nothing guards it.
    with one_at_a_time:
        return list(account(environ, start_response))


server = make_server("127.0.0.1", 0, serve, threaded=True, request_handler=MotoRequestHandler)
os.environ["MOTO_PORT"] = str(server.port)
with open(sys.argv[1] + ".partial", "w") as port:
    port.write(str(server.port))
os.rename(sys.argv[1] + ".partial", sys.argv[1])
server.serve_forever()
