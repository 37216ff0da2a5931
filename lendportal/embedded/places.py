"""Where embedded servers keep their data, sockets and binaries, and as which user they run.

PostgreSQL refuses to run as root, so root gives the servers to `postgres` or `nobody`. When that user cannot enter the
checkout (a clone in root's own home), data and binaries go to /var/lib/lendportal-embedded: no folder of the
checkout's owner is ever opened up for it.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

SHARED_BASE = Path("/var/lib/lendportal-embedded")
LONGEST_SOCKET = 100  # the kernel allows 107 bytes with the file's name


@dataclass(frozen=True)
class Places:
    """Folders of one installation."""

    home: Path
    data: Path
    sockets: Path
    logs: Path
    user: pwd.struct_passwd | None
    moved: bool

    @property
    def database_url(self) -> str:
        return f"postgres://lendportal@/lendportal?host={self.sockets}"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{self.valkey_socket}?virtual_host=0"

    @property
    def cache_url(self) -> str:
        return f"unix://{self.valkey_socket}?db=1"


def server_user() -> pwd.struct_passwd | None:
    """Give the user that servers run as: ourselves, unless we are root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def can_enter(folder: Path, user: pwd.struct_passwd) -> bool:
    """Tell whether the user may pass through every folder above, by their modes alone."""
    for part in (folder, *folder.parents):
        if not part.exists():
            continue
        info = part.stat()
        if info.st_uid == user.pw_uid:
            allowed = info.st_mode & stat.S_IXUSR
        elif info.st_gid == user.pw_gid:
            allowed = info.st_mode & stat.S_IXGRP
        else:
            allowed = info.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


def places(home: Path) -> Places:
    """Work out the folders of an installation; the same answer in every process of it."""
    home = home.resolve()
    user = server_user()
    moved = user is not None and not can_enter(home, user)
    mark = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    data = SHARED_BASE / mark if moved else home
    sockets = data / "run"
    if len(os.fsencode(sockets / ".s.PGSQL.5432")) > LONGEST_SOCKET:
        sockets = Path(tempfile.gettempdir()) / f"lendportal-{os.getuid()}-{mark}"
        if len(os.fsencode(sockets / ".s.PGSQL.5432")) > LONGEST_SOCKET:
            sockets = Path("/tmp") / sockets.name  # noqa: S108  owner and mode are checked by private_folder
    return Places(home=home, data=data, sockets=sockets, logs=home / "log", user=user, moved=moved)


def private_folder(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """Make a folder that its owner alone may enter; refuse one that belongs to somebody else."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    owner = user.pw_uid if user else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
    except FileExistsError:
        info = folder.lstat()
        if not stat.S_ISDIR(info.st_mode) or info.st_uid not in {owner, os.geteuid()}:
            raise PermissionError(f"{folder} belongs to somebody else") from None
        if info.st_uid != owner and user:
            os.chown(folder, user.pw_uid, user.pw_gid)
        folder.chmod(0o700)
    return folder
