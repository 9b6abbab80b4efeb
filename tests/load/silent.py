"""``python -m tests.load.silent FD``: takes what is sent on a connection, and replies nothing."""

import sys
from multiprocessing.connection import Connection

if __name__ == "__main__":
    with Connection(int(sys.argv[1])) as connection:
        while True:
            connection.recv()
