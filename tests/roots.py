"""Small mounted roots for tests that need a target and no lab."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n",
    "etc/shadow": "root:*:19800:0:99999:7:::\nalice:$y$j9T$abcdefgh$0123456789012345678901234567890123456789012:20500:0:90:7:::\n",
    "etc/group": "root:x:0:\nsudo:x:27:\nalice:x:1000:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\n",
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "etc/hostname": "sample\n",
    "etc/login.defs": "ENCRYPT_METHOD YESCRYPT\nPASS_MAX_DAYS 90\n",
    "var/lib/dpkg/status": "Package: passwd\nStatus: install ok installed\nVersion: 1:4.13\n\n",
}
SECOND_ROOT = {"etc/passwd": FILES["etc/passwd"] + "toor:x:0:0::/root:/bin/sh\n"}


def make_root(folder: Path, files: Mapping[str, str] | None = None) -> Path:
    """A root in `folder` that holds FILES, with these changes."""
    for path, text in {**FILES, **(files or {})}.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(0o640 if path.endswith("shadow") else 0o644)
    return folder
