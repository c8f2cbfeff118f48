"""A real PostgreSQL in a folder of its own, gone when the tests are."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

#: Whom the server runs as when we are root: it refuses to run as that.
USERS = ("postgres", "nobody")
SETTINGS = {
    "listen_addresses": "''",  # the socket in the folder, and nothing else
    "fsync": "on",
    "max_connections": "50",
    "shared_buffers": "64MB",
}
TIMEOUT_S = "60"


class PostgresServer:
    """One server; ``stop`` and ``start`` may be called again and again."""

    def __init__(self, folder: Path, user: str | None) -> None:
        """Make an empty cluster in *folder*, which must belong to *user*."""
        self._folder = folder
        self._user = user
        self._names = (f"test_{number}" for number in count(1))
        data = str(folder / "data")
        self._run("initdb", "-D", data, "-U", "zerometer", "--auth=trust",
                  "--encoding=UTF8", "--locale=C", "--no-sync")  # fmt: skip
        with (folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as file:
            settings = SETTINGS | {"unix_socket_directories": f"'{folder}'"}
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def start(self) -> None:
        """Start, and return when it takes connections."""
        self._control("start", "-l", str(self._folder / "log"))

    def stop(self, mode: str = "fast") -> None:
        """Stop and cut all connections; *mode* "immediate": as if the power failed."""
        self._control("stop", "-m", mode)

    def url(self, database: str = "postgres") -> str:
        """Return where *database* is, as libpq reads it."""
        return f"postgresql://zerometer@/{database}?host={self._folder}"

    def pids(self) -> list[int]:
        """Return the numbers of all processes of the running server."""
        file = self._folder / "data" / "postmaster.pid"
        parent = file.read_text(encoding="utf-8").split()[0]
        children = Path(f"/proc/{parent}/task/{parent}/children")
        return [int(pid) for pid in [parent, *children.read_text().split()]]

    @contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database; yield its URL."""
        name = next(self._names)
        self._execute(f"CREATE DATABASE {name}")
        yield self.url(name)
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _control(self, command: str, *options: str) -> None:
        data = str(self._folder / "data")
        self._run("pg_ctl", command, "-D", data, "-w", "-t", TIMEOUT_S, *options)

    def _run(self, program: str, *arguments: str) -> None:
        # Output goes to a file: the server inherits it, and a pipe would never end.
        with (self._folder / "tools.log").open("a") as log:
            done = subprocess.run(
                [_program(program), *arguments],
                user=self._user,
                group=None if self._user is None else pwd.getpwnam(self._user).pw_gid,
                extra_groups=None if self._user is None else [],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            )
        assert done.returncode == 0, self._logs()

    def _logs(self) -> str:
        files = [self._folder / name for name in ("tools.log", "log")]
        return "".join(file.read_text() for file in files if file.exists())


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a server with an empty cluster."""
    user = next(_users()) if os.geteuid() == 0 else None
    # Directly in /tmp: another user must get in, and a socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="zerometer-postgres-", dir="/tmp"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        server = PostgresServer(folder, user)
        server.start()
        try:
            yield server
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                server.stop()
    finally:
        shutil.rmtree(folder)


def _users() -> Iterator[str]:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return (user for user in USERS if user in names)


def _program(name: str) -> str:
    """Return the newest of Debian's, or what is on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    program = str(found[-1]) if found else shutil.which(name)
    assert program, (
        "PostgreSQL is not installed; install with: sudo apt-get install -y postgresql"
    )
    return program
